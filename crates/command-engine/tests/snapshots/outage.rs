//! While Postgres is down or hangs, whatever is in memory works on, and so does what is new.

use std::time::Duration;

use aggregate::Version;
use command_engine::{ImageSettings, SnapshotError};

use crate::support::{Database, History, Image, eventually, id, ids, room_for};

/// An image with `cold` in the snapshots and `warm` in memory too.
fn image(database: &Database, settings: ImageSettings) -> (History, Image) {
    let history = History::of(&["cold", "warm"]);
    let mut image: Image = database.image(room_for(10));
    history.read_into(&mut image);
    image.save_now(1).unwrap();
    let mut image = database.image(settings);
    image.load(&ids(&["warm"])).unwrap();
    (history, image)
}

fn settings(max_aggregates: usize) -> ImageSettings {
    ImageSettings { load_pause: Duration::ZERO, ..room_for(max_aggregates) }
}

#[test]
fn warm_and_new_aggregates_work_while_postgres_is_down_and_cold_ones_do_not() {
    let database = Database::new();
    let (mut history, mut image) = image(&database, settings(10));
    database.close();
    history.command("warm", 1);
    history.command("new", 2);
    history.read_into(&mut image);
    assert_eq!(image.get(&id("warm")).unwrap().version, Version(2));
    assert_eq!(image.get(&id("new")).unwrap().version, Version(2));
    image.load(&ids(&["warm", "cold", "another"])).unwrap_err();
    let is_cold = |name| image.is_cold(&id(name));
    assert_eq!(["warm", "new", "another", "cold"].map(is_cold), [false, false, false, true]);
    assert!(image.save_now(1).is_err());

    database.open_again();
    image.load(&ids(&["cold"])).unwrap();
    assert_eq!(image.get(&id("cold")).unwrap().version, Version(1));
    image.save_now(1).unwrap();
    assert_eq!(database.image::<crate::support::Tally>(room_for(10)).next_offset, image.next_offset);
}

#[test]
fn after_a_failure_loading_pauses() {
    let database = Database::new();
    let hour = ImageSettings { load_pause: Duration::from_hours(1), ..room_for(10) };
    let (_, mut image) = image(&database, hour);
    database.close();
    image.load(&ids(&["cold"])).unwrap_err();
    database.open_again();
    assert!(matches!(image.load(&ids(&["cold"])), Err(SnapshotError::Pausing)));
    image.load(&ids(&["warm", "new"])).unwrap();
}

#[test]
fn a_load_that_hangs_is_given_up() {
    let database = Database::new();
    let (_, mut image) = image(&database, settings(10));
    let held = database.hold("snapshots");
    assert!(matches!(image.load(&ids(&["cold"])), Err(SnapshotError::TimedOut(_))));
    drop(held);
    eventually(|| image.load(&ids(&["cold"])).is_ok());
}

#[test]
fn an_image_cannot_be_restored_while_postgres_is_down_and_is_empty_then() {
    let database = Database::new();
    let (_, mut image) = image(&database, settings(10));
    database.close();
    image.restore().unwrap_err();
    assert_eq!((image.next_offset, image.len(), image.aggregates()), (0, 0, 0));
    assert!(!image.is_cold(&id("cold")));
    database.open_again();
}

#[test]
fn aggregates_that_cannot_be_saved_do_not_grow_without_bound() {
    let database = Database::new();
    let (mut history, mut image) = image(&database, settings(3));
    database.close();
    for name in ["b", "c", "d"] {
        assert!(!image.is_cold(&id(name)));
        history.command(name, 1);
        history.read_into(&mut image);
    }
    assert!(image.is_full());
    assert!(matches!(image.load(&ids(&["b", "new"])), Err(SnapshotError::Full)));
    assert!(image.is_cold(&id("new")) && !image.is_cold(&id("b")));
    history.command("b", 1);
    let (recorded, event) = history.events.last().unwrap();
    image.fold(recorded, event).unwrap();
    assert_eq!(image.get(&id("b")).unwrap().version, Version(2));

    database.open_again();
    image.save_now(1).unwrap();
    image.load(&ids(&["b", "new"])).unwrap();
    assert!(!image.is_cold(&id("new")));
}

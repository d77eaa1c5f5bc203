//! How much is in memory, and when it is saved.

use std::time::{Duration, Instant};

use aggregate::Version;
use command_engine::{Image as AnyImage, ImageSettings, NoSnapshots};

use crate::support::{Database, History, Image, Tally, eventually, id, ids, room_for};

#[test]
fn the_least_recently_used_are_let_go_once_they_are_saved() {
    let database = Database::new();
    let mut image: Image = database.image(room_for(3));
    History::of(&["a", "b", "c"]).read_into(&mut image);
    image.save_now(1).unwrap();
    image.load(&ids(&["a"])).unwrap();
    image.load(&ids(&["a", "d"])).unwrap();
    assert_eq!(image.len(), 2);
    assert!(image.get(&id("a")).is_some());
    assert!(image.get(&id("b")).is_none() != image.get(&id("c")).is_none());
}

#[test]
fn a_group_that_is_larger_than_the_bound_is_in_memory_all_at_once() {
    let database = Database::new();
    let names = ["a", "b", "c", "d", "e"];
    let mut image: Image = database.image(room_for(5));
    History::of(&names).read_into(&mut image);
    image.save_now(1).unwrap();
    let mut image: Image = database.image(room_for(2));
    image.load(&ids(&["a", "b"])).unwrap();
    image.load(&ids(&names)).unwrap();
    assert!(names.iter().all(|name| image.get(&id(name)).is_some()));
    image.load(&ids(&["a"])).unwrap();
    assert_eq!(image.len(), 2);
}

#[test]
fn what_is_not_saved_stays() {
    let database = Database::new();
    let mut image: Image = database.image(room_for(2));
    let history = History::of(&["a", "b"]);
    history.read_into(&mut image);
    image.load(&ids(&["a"])).unwrap();
    assert_eq!(image.len(), 2);
    assert!(image.is_full());
}

#[test]
fn a_tail_of_more_than_fits_is_saved_on_the_way() {
    let database = Database::new();
    let names: Vec<_> = (0..30).map(|n| format!("t{}", n % 20)).collect();
    let history = History::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut image: Image = database.image(room_for(4));
    for chunk in history.events.chunks(3) {
        image.fold_tail(chunk, &mut |_, _| ()).unwrap();
        assert!(image.len() <= 4 + 3, "{}", image.len());
    }
    assert_eq!(image.aggregates(), 20);
    image.load(&ids(&["t3"])).unwrap();
    assert_eq!(image.get(&id("t3")).unwrap().version, Version(2));
}

#[test]
fn without_snapshots_everything_stays() {
    let mut image = AnyImage::<Tally>::new(Box::new(NoSnapshots), room_for(1));
    image.restore().unwrap();
    History::of(&["a", "b", "c"]).read_into(&mut image);
    image.save_now(1).unwrap();
    image.load(&ids(&["a", "d"])).unwrap();
    assert!(!image.is_full());
    assert_eq!((image.len(), image.due()), (3, None));
}

#[test]
fn a_save_is_due_after_so_many_changes() {
    let database = Database::new();
    let settings = ImageSettings { save_changes: 2, save_interval: Duration::from_hours(1), ..room_for(10) };
    let mut image: Image = database.image(settings);
    assert_eq!(image.due(), None);
    let mut history = History::of(&["a"]);
    history.read_into(&mut image);
    assert!(image.due().unwrap() > Instant::now());
    image.write_behind(1).unwrap();
    history.command("b", 1);
    history.read_into(&mut image);
    assert!(image.due().unwrap() <= Instant::now());
    image.write_behind(1).unwrap();
    eventually(|| {
        image.write_behind(1).unwrap();
        image.due().is_none()
    });
    assert_eq!(database.image::<Tally>(room_for(10)).next_offset, image.next_offset);
}

#[test]
fn what_changes_while_it_is_saved_is_saved_again() {
    let database = Database::new();
    let settings = ImageSettings { save_changes: 1, save_interval: Duration::from_hours(1), ..room_for(10) };
    let mut image: Image = database.image(settings);
    let mut history = History::of(&["a"]);
    history.read_into(&mut image);
    let held = database.hold("snapshots");
    image.write_behind(1).unwrap();
    history.command("a", 1);
    history.read_into(&mut image);
    image.write_behind(1).unwrap();
    assert_eq!(image.get(&id("a")).unwrap().version, Version(2));
    drop(held);
    eventually(|| {
        image.write_behind(1).unwrap();
        image.due().is_none()
    });
    assert_eq!(image.get(&id("a")).unwrap().version, Version(2));
    assert_eq!(database.number("SELECT version FROM snapshots"), 2);
}

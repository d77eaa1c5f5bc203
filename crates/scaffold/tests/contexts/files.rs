//! Tests of files and lines, without compiling.

use std::fs;

use crate::copy::Copy;

#[test]
fn a_removed_context_leaves_nothing_behind() {
    let copy = Copy::new("removed");
    let before = copy.files();
    for (name, aggregate) in [("bookings", "Booking"), ("seat-maps", "EntrySurvey")] {
        copy.must_scaffold(&["new", name, aggregate]);
        assert_ne!(copy.files(), before);
        copy.must_scaffold(&["remove", name]);
        let after = copy.files();
        let differs = |path: &&_| after.get(*path) != before.get(*path);
        assert_eq!(before.keys().chain(after.keys()).find(differs), None);
    }
}

#[test]
fn a_context_that_cannot_be_written_completely_is_not_written_at_all() {
    let copy = Copy::new("refused");
    copy.must_scaffold(&["new", "bookings", "Booking"]);
    let before = copy.files();
    for (name, aggregate, reason) in [
        ("bookings", "Booking", "services/bookings already exists"),
        ("glossary", "Term", "docs/glossary.md already exists"),
        ("Rooms", "Room", "lower-case letters"),
        ("rooms", "room", "PascalCase"),
        ("rooms", "Event", "another meaning"),
    ] {
        let refused = copy.scaffold(&["new", name, aggregate]);
        let message = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && message.contains(reason), "{name} {aggregate}: {message}");
    }
    assert!(!copy.scaffold(&["remove", "rooms"]).status.success());
    assert_eq!(copy.files(), before);
}

#[test]
fn no_placeholder_remains() {
    let copy = Copy::new("placeholders");
    copy.must_scaffold(&["new", "bookings", "Booking"]);
    for (path, text) in copy.files() {
        let is_template = path.starts_with("crates/scaffold");
        let text = String::from_utf8_lossy(&text);
        let is_new = path.to_string_lossy().contains("booking") || text.contains("ooking");
        assert!(is_template || !is_new || !text.contains("{{"), "{}", path.display());
    }
}

#[test]
fn a_context_is_added_to_every_list() {
    let copy = Copy::new("lists");
    copy.must_scaffold(&["new", "bookings", "Booking"]);
    for (list, entry) in [
        ("deploy/services.list", "database=bookings_query@bookings_read"),
        ("docker-compose.yml", "bookings-projector:"),
        ("deploy/postgres/users.sql", "'bookings_command'"),
        ("schemas/schemas.lock", "bookings/events/booking_created/v1.avsc sha256:"),
        ("Cargo.lock", "name = \"bookings-domain\""),
        ("docs/contexts.md", "- [Bookings](bookings.md)"),
    ] {
        assert!(fs::read_to_string(copy.root.join(list)).unwrap().contains(entry), "{list}");
    }
}

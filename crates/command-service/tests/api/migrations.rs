//! The tables that a command API needs.

use std::{fs, path::Path};

use test_kit::repository;

/// The statements of a migration, without comments.
fn statements(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_write_database_begins_with_the_tables_of_this_crate() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files: Vec<_> = fs::read_dir(own).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    for database in fs::read_dir(repository().join("migrations")).unwrap() {
        let database = database.unwrap().path();
        if !database.to_str().unwrap().ends_with("_write") {
            continue;
        }
        for file in &files {
            let copy = database.join(file.file_name().unwrap());
            assert_eq!(statements(&copy), statements(file), "{}", copy.display());
        }
    }
}

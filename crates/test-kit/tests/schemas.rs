//! Every published schema is registered by the command API of its context: its `src/schemas.rs` lists all of
//! `schemas/<context>/events` and `schemas/<context>/commands`.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use std::{collections::BTreeSet, fs, path::Path};

use test_kit::{files_in, repository};

/// The paths in entries `SchemaFile::new(1, include_str!("…/schemas/orders/events/order_placed/v1.avsc"))`.
fn listed(source: &str) -> BTreeSet<String> {
    let entries = source.split("SchemaFile::new(").skip(1);
    let paths = entries.map(|entry| {
        let (version, file) = entry.split_once(',').expect("a schema has a version and a text");
        let path =
            file.split('"').nth(1).expect("the text of a schema is included").trim_start_matches("../");
        assert!(
            path.ends_with(&format!("/v{}.avsc", version.trim())),
            "{path} is listed as version {version}"
        );
        path.to_owned()
    });
    paths.collect()
}

/// The paths of all files in a folder.
fn published(folder: &str) -> BTreeSet<String> {
    let files = files_in(&repository().join(folder)).into_iter();
    files.map(|file| file.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned()).collect()
}

/// The contexts that have schemas.
fn contexts() -> Vec<String> {
    let entries = fs::read_dir(repository().join("schemas")).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_published_schema_is_registered() {
    for context in contexts() {
        let source = Path::new("services").join(&context).join("command-api/src/schemas.rs");
        let source = fs::read_to_string(repository().join(source)).unwrap();
        let (events, commands) = source.split_once("const COMMANDS").expect("the events come first");
        assert_eq!(listed(events), published(&format!("schemas/{context}/events")));
        assert_eq!(listed(commands), published(&format!("schemas/{context}/commands")));
    }
}

#[test]
fn an_entry_is_read_whatever_its_line_breaks() {
    let source = "const EVENTS: &[SchemaFile] = &[
        SchemaFile::new(1, include_str!(\"../../schemas/doors/events/opened/v1.avsc\")),
        SchemaFile::new(
            2,
            include_str!(\"../../schemas/doors/events/opened/v2.avsc\"),
        ),
    ];";
    assert_eq!(
        listed(source),
        [1, 2].map(|version| format!("schemas/doors/events/opened/v{version}.avsc")).into()
    );
}

#[test]
#[should_panic(expected = "schemas/doors/events/opened/v2.avsc is listed as version 1")]
fn an_entry_whose_version_differs_from_its_file_is_found() {
    listed("SchemaFile::new(1, include_str!(\"../../schemas/doors/events/opened/v2.avsc\"))");
}

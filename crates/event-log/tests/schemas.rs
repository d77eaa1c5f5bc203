//! Published schemas never change. For every file in `schemas/`, these tests check that a published schema keeps its
//! meaning, and that every version of a message can read every other.
//!
//! `schemas/schemas.lock` records what is published. [`RENEW`] adds new files and never changes a line.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use apache_avro::{
    Schema,
    schema_compatibility::{Compatibility, SchemaCompatibility},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const RENEW: &str = "UPDATE_SCHEMAS_LOCK=1 cargo test -p event-log --test schemas";

static FOLDER: LazyLock<PathBuf> =
    LazyLock::new(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas"));

/// The published fingerprints by path, read before a test can add to them.
static LOCK: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let text = fs::read_to_string(FOLDER.join("schemas.lock")).unwrap_or_default();
    let lines = text.lines().map(|line| line.split_once(' ').expect("a path and a fingerprint"));
    lines.map(|(path, fingerprint)| (path.to_owned(), fingerprint.to_owned())).collect()
});

/// Every schema by its path: `orders/events/order_placed/v1.avsc`.
static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let contexts = entries(&FOLDER).into_iter().filter(|path| path.is_dir());
    let kinds = contexts.flat_map(|context| entries(&context));
    let messages = kinds.flat_map(|kind| entries(&kind));
    let files = messages.flat_map(|message| entries(&message));
    files.map(|file| (path_in_folder(&file), read(&file))).collect()
});

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("a readable folder").path()).collect()
}

fn path_in_folder(file: &Path) -> String {
    let path = file.strip_prefix(&*FOLDER).expect("a file in the folder");
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A schema without its documentation: everything that readers and writers may depend on. Avro's canonical form is not
/// enough, because it omits defaults, aliases and logical types.
fn meaning(schema: &Value) -> Value {
    match schema {
        Value::Array(schemas) => schemas.iter().map(meaning).collect(),
        Value::Object(attributes) => {
            let kept = attributes.iter().filter(|(name, _)| *name != "doc");
            kept.map(|(name, value)| match name.as_str() {
                "default" => (name.clone(), value.clone()),
                _ => (name.clone(), meaning(value)),
            })
            .collect()
        }
        name => name.clone(),
    }
}

fn fingerprint(schema: &Value) -> String {
    let mut meaning = meaning(schema);
    meaning.sort_all_objects();
    format!("sha256:{:x}", Sha256::digest(meaning.to_string()))
}

/// Checks that a reader of either version can read every record of the other.
fn compatible(one: &Value, other: &Value) -> Result<(), String> {
    let parse = |schema| Schema::parse(schema).map_err(|error| error.to_string());
    match SchemaCompatibility::mutual_read(&parse(one)?, &parse(other)?) {
        Ok(Compatibility::Full) => Ok(()),
        Ok(Compatibility::Partial) => Err("some values can be written that the other cannot read".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// `orders/events/order_placed/v1.avsc` → `orders`, `order_placed`, 1.
fn parse_path(path: &str) -> Option<(&str, &str, u32)> {
    let [context, "events" | "commands", message, file] = path.split('/').collect::<Vec<_>>()[..] else {
        return None;
    };
    let version = file.strip_prefix('v')?.strip_suffix(".avsc")?.parse().ok()?;
    // Versions start at 1 and have a single spelling.
    (version > 0 && file == format!("v{version}.avsc")).then_some((context, message, version))
}

/// `OrderPlaced` → `order_placed`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// Every named type and field in a schema. In Avro, these can have a `doc`.
fn documentable(schema: &Value) -> Vec<&Value> {
    match schema {
        Value::Array(schemas) => schemas.iter().flat_map(documentable).collect(),
        Value::Object(attributes) => {
            let inner = ["type", "fields", "items", "values"].iter().filter_map(|name| attributes.get(*name));
            let own = attributes.contains_key("name").then_some(schema);
            own.into_iter().chain(inner.flat_map(documentable)).collect()
        }
        _ => vec![],
    }
}

#[test]
fn a_published_schema_keeps_its_meaning() {
    for (path, published) in &*LOCK {
        let schema =
            SCHEMAS.get(path).unwrap_or_else(|| panic!("{path} is published and must not be removed"));
        assert_eq!(
            published,
            &fingerprint(schema),
            "{path} is published: only its `doc`s may change; add a new version for any other change"
        );
    }
}

#[test]
fn every_version_of_a_message_can_read_every_other() {
    let message = |path: &str| path.rsplit_once('/').map(|(message, _)| message.to_owned());
    for (one, schema) in &*SCHEMAS {
        for (other, _) in SCHEMAS.iter().filter(|(other, _)| message(other) == message(one)) {
            compatible(schema, &SCHEMAS[other])
                .unwrap_or_else(|reason| panic!("{one} and {other}: {reason}"));
        }
    }
}

#[test]
fn the_path_of_a_schema_matches_its_name() {
    for (path, schema) in &*SCHEMAS {
        let (context, message, version) = parse_path(path)
            .unwrap_or_else(|| panic!("{path} is not <context>/<events or commands>/<name>/v<n>.avsc"));
        assert_eq!(schema["type"], "record", "{path}");
        assert_eq!(schema["namespace"], format!("foldline.{context}"), "{path}");
        assert_eq!(snake_case(schema["name"].as_str().unwrap_or_default()), message, "{path}");
        let previous = path.replace(&format!("/v{version}."), &format!("/v{}.", version - 1));
        assert!(version == 1 || SCHEMAS.contains_key(&previous), "{path} has no previous version {previous}");
    }
}

#[test]
fn every_type_and_field_is_documented() {
    for (path, schema) in &*SCHEMAS {
        for part in documentable(schema) {
            let documented = part["doc"].as_str().is_some_and(|doc| !doc.trim().is_empty());
            assert!(documented, "{path}: {} has no `doc`", part["name"]);
        }
    }
}

#[test]
fn every_schema_is_in_the_lock() {
    assert!(!SCHEMAS.is_empty());
    let new = SCHEMAS.iter().filter(|(path, _)| !LOCK.contains_key(*path));
    let new: BTreeMap<_, _> = new.map(|(path, schema)| (path.clone(), fingerprint(schema))).collect();
    if new.is_empty() {
        return;
    }
    let paths: Vec<_> = new.keys().map(String::as_str).collect();
    assert!(
        env::var_os("UPDATE_SCHEMAS_LOCK").is_some(),
        "new: {}; to publish, run {RENEW}",
        paths.join(", ")
    );
    publish(new);
}

fn publish(new: BTreeMap<String, String>) {
    // A published schema can no longer be changed.
    a_published_schema_keeps_its_meaning();
    every_version_of_a_message_can_read_every_other();
    the_path_of_a_schema_matches_its_name();
    every_type_and_field_is_documented();
    let all = new.into_iter().chain(LOCK.clone()).collect::<BTreeMap<_, _>>();
    let lines: Vec<_> = all.iter().map(|(path, fingerprint)| format!("{path} {fingerprint}\n")).collect();
    fs::write(FOLDER.join("schemas.lock"), lines.concat()).expect("the lock can be written");
}

/// A small schema for the tests of these checks.
fn schema() -> Value {
    json!({"type": "record", "name": "Paid", "namespace": "foldline.test", "doc": "Money was paid.", "fields": [
        {"name": "minor", "type": {"type": "long", "logicalType": "timestamp-millis"}, "doc": "How much."},
        {"name": "by", "type": "string", "default": "cash", "aliases": ["how"], "doc": "How."},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}, "doc": "What."},
    ]})
}

fn changed(pointer: &str, value: Value) -> Value {
    let mut schema = schema();
    *schema.pointer_mut(pointer).expect("a part of the schema") = value;
    schema
}

#[test]
fn documentation_and_layout_are_not_part_of_the_meaning() {
    let original = fingerprint(&schema());
    assert_eq!(fingerprint(&changed("/doc", json!("Money has been paid."))), original);
    assert_eq!(fingerprint(&changed("/fields/1/doc", Value::Null)), original);
    let reordered = r#"{ "default": "cash", "aliases": ["how"], "type": "string", "name": "by" }"#;
    let reordered = serde_json::from_str(reordered).expect("a field");
    assert_eq!(fingerprint(&changed("/fields/1", reordered)), original);
}

#[test]
fn everything_else_is_part_of_the_meaning() {
    let mut swapped = schema();
    swapped["fields"].as_array_mut().expect("fields").swap(0, 1);
    let changed_schemas = [
        swapped,
        changed("/name", json!("Payed")),
        changed("/namespace", json!("foldline.other")),
        changed("/fields/0/name", json!("amount")),
        changed("/fields/0/type/type", json!("int")),
        changed("/fields/0/type/logicalType", json!("timestamp-micros")),
        changed("/fields/1/default", json!("card")),
        changed("/fields/1/aliases/0", json!("with")),
        changed("/fields/2/type/symbols", json!(["B", "A"])),
    ];
    for other in changed_schemas {
        assert_ne!(fingerprint(&other), fingerprint(&schema()), "{other}");
    }
}

#[test]
fn a_version_that_would_break_a_reader_is_found() {
    let with = |field: Value| {
        let mut schema = schema();
        schema["fields"].as_array_mut().expect("fields").push(field);
        schema
    };
    assert_eq!(compatible(&schema(), &with(json!({"name": "x", "type": "int", "default": 0}))), Ok(()));
    let breaking = [
        with(json!({"name": "x", "type": "int"})),
        changed("/name", json!("Payed")),
        changed("/fields/0/name", json!("amount")),
        changed("/fields/0/type", json!("int")),
        changed("/fields/1/type", json!(["null", "string"])),
        changed("/fields/2/type/symbols", json!(["A", "B", "C"])),
    ];
    for other in breaking {
        assert!(compatible(&schema(), &other).is_err(), "{other}");
    }
}

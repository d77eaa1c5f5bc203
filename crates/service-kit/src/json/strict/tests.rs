use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

use super::Strict;

#[derive(Debug, PartialEq, Deserialize)]
struct Basket {
    lines: Vec<Line>,
    #[serde(default)]
    gift: Option<Line>,
    #[serde(default)]
    labels: BTreeMap<String, Line>,
    #[serde(default)]
    delivery: Option<Delivery>,
    #[serde(default)]
    corner: Option<(i8, f64)>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Line {
    sku: Sku,
    quantity: u32,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Sku(String);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Delivery {
    Collected,
    Sent { country: String },
    Split(Vec<Line>),
}

/// Deserializes as the extractor does; the error is the path of the field and the message.
fn read<T: DeserializeOwned>(json: &str) -> Result<T, (String, String)> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(Strict(&mut deserializer)).map_err(|error| {
        let message = error.inner().to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        (error.path().to_string(), message)
    })
}

#[track_caller]
fn assert_refused(json: &str, field: &str, message: &str) {
    assert_eq!(read::<Basket>(json), Err((field.to_owned(), message.to_owned())), "{json}");
}

fn line() -> Line {
    Line { sku: Sku("tea".to_owned()), quantity: 2 }
}

#[test]
fn valid_json_is_deserialized_as_by_serde() {
    let json = r#"{
        "lines": [{"sku": "tea", "quantity": 2}],
        "gift": {"quantity": 2, "sku": "t\u0065a"},
        "labels": {"fragile": {"sku": "tea", "quantity": 2}},
        "delivery": {"sent": {"country": "DE"}},
        "corner": [-1, 2.5]
    }"#;
    let basket = Basket {
        lines: vec![line()],
        gift: Some(line()),
        labels: BTreeMap::from([("fragile".to_owned(), line())]),
        delivery: Some(Delivery::Sent { country: "DE".to_owned() }),
        corner: Some((-1, 2.5)),
    };
    assert_eq!(read::<Basket>(json), Ok(basket));
    assert_eq!(serde_json::from_str::<Basket>(json).ok(), read(json).ok());
}

#[test]
fn unit_and_newtype_variants_and_null_are_accepted() {
    assert_eq!(read::<Delivery>(r#""collected""#), Ok(Delivery::Collected));
    let split = r#"{"split": [{"sku": "tea", "quantity": 2}]}"#;
    assert_eq!(read::<Delivery>(split), Ok(Delivery::Split(vec![line()])));
    assert_eq!(read::<Basket>(r#"{"lines": [], "gift": null}"#).unwrap().gift, None);
    assert_eq!(read::<Option<bool>>("true"), Ok(Some(true)));
}

#[test]
fn an_array_in_place_of_an_object_is_refused_at_any_depth() {
    let message = "invalid type: sequence, expected an object";
    let tea = r#"["tea", 2]"#;
    assert_refused("[[]]", ".", message);
    assert_refused(&format!(r#"{{"lines": [{tea}]}}"#), "lines[0]", message);
    assert_refused(&format!(r#"{{"lines": [], "gift": {tea}}}"#), "gift", message);
    assert_refused(&format!(r#"{{"lines": [], "labels": {{"fragile": {tea}}}}}"#), "labels.fragile", message);
    assert_refused(r#"{"lines": [], "delivery": {"sent": ["DE"]}}"#, "delivery.sent", message);
    assert_refused(
        &format!(r#"{{"lines": [], "delivery": {{"split": [{tea}]}}}}"#),
        "delivery.split[0]",
        message,
    );
}

#[test]
fn an_unknown_field_is_refused_at_any_depth() {
    assert_refused(r#"{"lines": [], "colour": "red"}"#, "colour", "unknown field");
    assert_refused(r#"{"lines": [{"colour": {"deep": [1]}}]}"#, "lines[0].colour", "unknown field");
    let sent = r#"{"lines": [], "delivery": {"sent": {"country": "DE", "by": "train"}}}"#;
    assert_refused(sent, "delivery.sent.by", "unknown field");
}

#[test]
fn a_repeated_field_is_refused() {
    assert_refused(r#"{"lines": [], "lines": []}"#, ".", "duplicate field `lines`");
}

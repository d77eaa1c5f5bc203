//! Tests of the folds with a hand-written log, and of the check with planted errors.

use serde_json::{Value, json};
use test_kit::{
    ConsumedRecord,
    read_history::{Invariant, LoggedRecord, ParkedRecord, ReadHistory, Row, check},
};

use super::{orders, projections};
use crate::{log::Record, poison};

const ONE: &str = "00000000-0000-0000-0000-000000000001";
const TWO: &str = "00000000-0000-0000-0000-000000000002";
const REFUSED: &str = "00000000-0000-0000-0000-000000000003";
const REFUSED_CANCELLATION: &str = "00000000-0000-0000-0000-000000000004";

/// Four orders: one is placed, changed and cancelled; one is parked because of a record that is not an event; one is
/// refused by the projections `orders` and `customer_totals`; the cancellation of the last is refused by `orders` and
/// `journal`.
fn log() -> Vec<Record> {
    vec![
        event(ONE, 0, 1, "OrderPlaced", placed("ada", 300)),
        event(TWO, 1, 1, "OrderPlaced", placed("ada", 50)),
        event(ONE, 2, 2, "DeliveryAddressChanged", json!({ "delivery_address": address() })),
        record(TWO, 3, &[], None),
        event(ONE, 4, 3, "OrderCancelled", json!({ "reason": "ordered twice" })),
        event(TWO, 5, 2, "OrderCancelled", json!({ "reason": "ordered twice" })),
        event(REFUSED, 6, 1, "OrderPlaced", placed(poison::CUSTOMER, 10)),
        event(REFUSED, 7, 2, "DeliveryAddressChanged", json!({ "delivery_address": address() })),
        event(REFUSED_CANCELLATION, 8, 1, "OrderPlaced", placed("bob", 7)),
        event(REFUSED_CANCELLATION, 9, 2, "OrderCancelled", json!({ "reason": poison::REASON })),
        record("", 10, &[], None),
    ]
}

fn event(order: &str, offset: i64, version: u64, event_type: &str, content: Value) -> Record {
    let headers = [
        ("ce_id", format!("event-{offset}")),
        ("ce_source", "/orders/order".to_owned()),
        ("ce_type", format!("orders.events.{event_type}")),
        ("ce_time", format!("2026-01-01T00:00:{offset:02}Z")),
        ("aggregate_version", version.to_string()),
        ("command_id", format!("command-{offset}")),
        ("correlation_id", format!("correlation-{offset}")),
        ("causation_id", format!("causation-{offset}")),
        ("actor", "grace".to_owned()),
    ];
    record(order, offset, &headers, Some(content))
}

fn record(key: &str, offset: i64, headers: &[(&str, String)], content: Option<Value>) -> Record {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let (partition, payload, timestamp) = (5, vec![u8::try_from(offset).unwrap()], None);
    let seen = ConsumedRecord { partition, offset, key: key.to_owned(), headers, payload, timestamp };
    Record::of(seen, content)
}

fn placed(customer_id: &str, total_minor: i64) -> Value {
    json!({
        "customer_id": customer_id, "currency": "EUR", "lines": [], "total_minor": total_minor,
        "delivery_address": address(),
    })
}

fn address() -> Value {
    json!({ "name": "Ada", "street": "Street 1", "postal_code": "10115", "city": "Berlin", "country": "DE" })
}

/// A history in which every projection matches the log.
fn valid() -> ReadHistory {
    let mut history = ReadHistory { projections: projections(&log()), ..ReadHistory::default() };
    for projected in history.projections.values_mut() {
        projected.models = [("live".to_owned(), projected.expected.clone())].into();
        projected.parked = projected.unfit.iter().cloned().map(parked).collect();
    }
    history
}

fn parked(record: LoggedRecord) -> ParkedRecord {
    ParkedRecord { record, reason: Some("refused".to_owned()) }
}

fn offsets(records: &[LoggedRecord]) -> Vec<i64> {
    records.iter().map(|record| record.offset).collect()
}

/// The rows of a table.
fn expected_rows(table: &str) -> Vec<Value> {
    let history = valid();
    let rows = history.projections.values().flat_map(|projected| &projected.expected);
    rows.filter(|row| row.table == table).map(|row| row.content.clone()).collect()
}

#[test]
fn each_projection_parks_what_its_tables_refuse_and_all_later_events() {
    let projections = projections(&log());
    assert_eq!(offsets(&orders::of(&log()).1), [3, 5, 6, 7, 9, 10]);
    assert_eq!(offsets(&projections["journal"].unfit), [3, 5, 9, 10]);
    assert_eq!(offsets(&projections["customer_totals"].unfit), [3, 5, 6, 10]);
}

#[test]
fn the_journal_has_every_event_it_does_not_park_with_all_fields() {
    let rows = expected_rows("journal");
    let offsets_of_rows: Vec<_> = rows.iter().map(|row| row["log_offset"].as_i64().unwrap()).collect();
    assert_eq!(offsets_of_rows, [0, 1, 2, 4, 6, 7, 8]);
    let cancelled = json!({
        "partition": 5, "log_offset": 4, "aggregate_id": ONE, "version": 3, "event_id": "event-4",
        "event_type": "OrderCancelled", "event": { "reason": "ordered twice" },
        "occurred_at": "2026-01-01T00:00:04Z", "actor": "grace", "command_id": "command-4",
        "correlation_id": "correlation-4", "causation_id": "causation-4", "aggregate_kind": "order",
    });
    assert_eq!(rows[3], cancelled);
}

#[test]
fn totals_count_placed_and_cancelled_orders_and_keep_open_ones() {
    let totals = |customer: &str, placed: (i64, i64), cancelled: (i64, i64), at: (&str, &str)| {
        json!({
            "customer_id": customer, "currency": "EUR", "orders_placed": placed.0, "placed_minor": placed.1,
            "orders_cancelled": cancelled.0, "cancelled_minor": cancelled.1,
            "first_order_at": format!("2026-01-01T00:00:{}Z", at.0),
            "last_order_at": format!("2026-01-01T00:00:{}Z", at.1),
        })
    };
    let expected =
        [totals("ada", (2, 350), (1, 300), ("00", "01")), totals("bob", (1, 7), (1, 7), ("08", "08"))];
    assert_eq!(expected_rows("customer_totals"), expected);
    let open = json!({
        "order_id": TWO, "customer_id": "ada", "currency": "EUR", "total_minor": 50,
        "placed_at": "2026-01-01T00:00:01Z",
    });
    assert_eq!(expected_rows("customer_open_orders"), [open]);
}

#[test]
fn projections_that_match_the_log_have_no_violations() {
    assert_eq!(check(&valid()), []);
}

/// Plants an error in each row of each table in turn, and asserts that the check finds exactly that violation.
#[track_caller]
fn assert_violates_fold(plant: impl Fn(&mut Vec<Row>, usize)) {
    for name in ["journal", "customer_totals"] {
        for index in 0..valid().projections[name].expected.len() {
            let mut history = valid();
            let live = history.projections.get_mut(name).unwrap().models.get_mut("live").unwrap();
            plant(live, index);
            let violations = check(&history);
            let broken: Vec<_> = violations.iter().map(|violation| violation.invariant).collect();
            assert_eq!(broken, [Invariant::Fold], "{violations:#?}");
        }
    }
}

#[test]
fn a_missing_duplicate_or_extra_row_is_found() {
    assert_violates_fold(|rows, index| drop(rows.remove(index)));
    assert_violates_fold(|rows, index| rows.push(rows[index].clone()));
    assert_violates_fold(|rows, index| rows.push(Row { key: "new".to_owned(), ..rows[index].clone() }));
}

#[test]
fn every_field_is_compared() {
    let columns = |rows: &[Row], index: usize| rows[index].content.as_object().unwrap().len();
    for column in 0..12 {
        assert_violates_fold(|rows, index| {
            let column = column % columns(rows, index);
            let (_, value) = rows[index].content.as_object_mut().unwrap().iter_mut().nth(column).unwrap();
            *value = value.as_i64().map_or(json!("another"), |number| json!(number + 1));
        });
    }
}

#[test]
fn an_event_that_is_neither_applied_nor_parked_is_found() {
    for name in ["journal", "customer_totals"] {
        let mut history = valid();
        history.projections.get_mut(name).unwrap().parked.remove(0);
        let invariants: Vec<_> = check(&history).iter().map(|violation| violation.invariant).collect();
        assert_eq!(invariants, [Invariant::NothingSkipped]);
    }
}

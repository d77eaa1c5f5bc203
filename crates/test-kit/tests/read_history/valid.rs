use serde_json::{Value, json};
use test_kit::read_history::{
    Behind, LoggedRecord, Offsets, ParkedRecord, Projected, Read, ReadAnswer, ReadHistory, Row, Shown, Step,
    Write, check,
};

pub(crate) fn step(aggregate: &str, version: u64, offset: i64) -> Step {
    Step { partition: 0, offset, aggregate: aggregate.to_owned(), version, content: content(version) }
}

pub(crate) fn content(version: u64) -> Value {
    if version == 0 { Value::Null } else { json!({ "value": version * 10 }) }
}

pub(crate) fn at(offset: i64) -> Offsets {
    Offsets::from([(0, offset)])
}

pub(crate) fn shown(version: u64, offsets: i64) -> ReadAnswer {
    ReadAnswer::Shown(Shown { version, content: content(version), offsets: at(offsets), behind: Behind::No })
}

fn shown_behind(version: u64, offsets: i64, behind: Behind) -> ReadAnswer {
    ReadAnswer::Shown(Shown { version, content: content(version), offsets: at(offsets), behind })
}

pub(crate) fn read(aggregate: &str, token: Offsets, sent: u64, answer: ReadAnswer) -> Read {
    let (session, instance, answered) = (0, 0, sent + 5);
    Read { session, instance, aggregate: aggregate.to_owned(), token, lenient: false, sent, answered, answer }
}

pub(crate) fn write(aggregate: &str, version: u64, answered: u64) -> Write {
    Write { session: 0, aggregate: aggregate.to_owned(), version, answered }
}

fn unfit(offset: i64) -> LoggedRecord {
    LoggedRecord {
        partition: 0,
        offset,
        aggregate: "b".to_owned(),
        payload: vec![7, u8::try_from(offset).unwrap()],
    }
}

pub(crate) fn parked(offset: i64) -> ParkedRecord {
    ParkedRecord { record: unfit(offset), reason: (offset == 7).then(|| "refused".to_owned()) }
}

pub(crate) fn row(key: &str, orders: i64, total: i64) -> Row {
    let content = json!({ "customer": key, "orders": orders, "total": total });
    Row { table: "totals".to_owned(), key: key.to_owned(), content }
}

/// A projection of the same log that parks less.
fn totals() -> Projected {
    let expected = vec![row("ada", 3, 70), row("bob", 1, 20)];
    let models = ["live", "rebuilt"].map(|name| (name.to_owned(), expected.iter().rev().cloned().collect()));
    Projected { expected, unfit: vec![unfit(8)], parked: vec![refused(8)], models: models.into() }
}

fn refused(offset: i64) -> ParkedRecord {
    ParkedRecord { reason: Some("refused here".to_owned()), ..parked(offset) }
}

/// `a` has three events; `b` has two that are applied and two that are parked.
pub(crate) fn history() -> ReadHistory {
    let model = [("a", 3), ("b", 2)].map(|(aggregate, version)| (aggregate.to_owned(), content(version)));
    let lenient = Read { lenient: true, ..read("a", at(6), 60, shown(2, 4)) };
    ReadHistory {
        writes: vec![
            write("a", 1, 0),
            write("a", 2, 20),
            write("a", 3, 40),
            write("b", 3, 70),
            write("b", 4, 75),
        ],
        reads: vec![
            read("a", at(2), 1, shown(1, 2)),
            read("a", Offsets::new(), 10, shown(1, 3)),
            read("a", at(4), 25, ReadAnswer::NotYetVisible),
            read("a", at(4), 30, shown(2, 4)),
            read("a", at(6), 41, ReadAnswer::Unavailable { code: "not-ready".to_owned() }),
            read("a", at(6), 50, ReadAnswer::NoResponse),
            read("a", at(6), 52, shown(3, 6)),
            lenient,
            read("unknown", Offsets::new(), 68, shown(0, 6)),
            read("b", at(5), 80, shown_behind(2, 6, Behind::Since(7))),
            read("b", at(7), 90, shown_behind(2, 8, Behind::Possibly)),
        ],
        steps: vec![step("a", 1, 2), step("b", 1, 3), step("a", 2, 4), step("b", 2, 5), step("a", 3, 6)],
        unfit: vec![unfit(7), unfit(8)],
        parked: vec![parked(7), parked(8)],
        models: ["live", "rebuilt"].map(|name| (name.to_owned(), model.clone().into())).into(),
        projections: [("totals".to_owned(), totals())].into(),
    }
}

#[test]
fn a_valid_history_has_no_violation() {
    assert_eq!(check(&history()), []);
}

#[test]
fn the_log_may_contain_writes_that_were_never_acknowledged() {
    let mut history = history();
    history.writes.clear();
    history.reads.clear();
    assert_eq!(check(&history), []);
}

#[test]
fn another_session_may_be_behind() {
    let mut history = history();
    history.reads.push(Read { session: 1, ..read("a", Offsets::new(), 90, shown(1, 3)) });
    assert_eq!(check(&history), []);
}

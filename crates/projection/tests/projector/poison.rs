//! Events that cannot be applied, each in its own way.

use aggregate::AggregateId;
use event_log::NewRecord;

use crate::{
    events::{Event, closed, deposited, new_account, opened},
    log::Log,
};

/// Ways to spoil an event that its owner writes: its payload cannot be read any more.
pub(crate) const SPOILS: [fn(&mut NewRecord); 6] = [
    |record| record.payload = vec![0xff],
    |record| record.payload[1..5].copy_from_slice(&[0x7f; 4]),
    |record| "tests.accounts.AccountClosed".clone_into(&mut record.envelope.event_type),
    |record| record.payload.truncate(5),
    |record| record.payload.push(0),
    |record| "tests.accounts.AccountTeleported".clone_into(&mut record.envelope.event_type),
];

/// An account and what is parked of it: version and cause; none for those that wait.
pub(crate) type Expected = Vec<(AggregateId, i64, Option<&'static str>)>;

/// Writes thirteen accounts of which an event is wrong, each in its own way, with good events before and after it. Two
/// events of each are parked.
pub(crate) async fn append_all(log: &mut Log) -> Expected {
    let mut parked = Vec::new();
    for spoil in SPOILS {
        let id = new_account();
        log.append(&id, 1, opened("Ada")).await;
        log.append(&id, 2, deposited(2)).await;
        log.append_spoiled(&id, 3, &deposited(3), spoil).await;
        log.append_spoiled(&id, 4, &closed("moved away"), |_| {}).await;
        parked.extend([(id.clone(), 3, Some("payload")), (id, 4, None)]);
    }
    for (version, event, cause) in unfit_after_the_first() {
        let id = new_account();
        log.append(&id, 1, opened("Bob")).await;
        log.append_spoiled(&id, version, &event, |_| {}).await;
        log.append_spoiled(&id, version + 1, &deposited(5), |_| {}).await;
        let version = i64::try_from(version).unwrap();
        parked.extend([(id.clone(), version, Some(cause)), (id, version + 1, None)]);
    }
    for (id, event) in
        [(new_account(), closed("moved away")), (AggregateId::try_from("no-uuid").unwrap(), opened("Eve"))]
    {
        log.append_spoiled(&id, 1, &event, |_| {}).await;
        log.append_spoiled(&id, 2, &deposited(2), |_| {}).await;
        parked.extend([(id.clone(), 1, Some("unfit")), (id, 2, None)]);
    }
    parked
}

/// Versions and events that can be read, but cannot follow the first one.
fn unfit_after_the_first() -> [(u64, Event, &'static str); 5] {
    [
        (3, deposited(3), "version"),
        (1, opened("Bob"), "version"),
        (2, opened("Bob"), "unfit"),
        // No text in Postgres has this character.
        (2, closed("\0"), "row"),
        // A table has a constraint against it.
        (2, deposited(-1), "row"),
    ]
}

//! Events that cannot be applied, each for a different reason.

use aggregate::AggregateId;
use event_log::NewRecord;

use crate::{
    events::{Event, closed, deposited, new_account, opened},
    log::Log,
};

/// Ways to corrupt an event so that its payload cannot be read.
pub(crate) const SPOILS: [fn(&mut NewRecord); 6] = [
    |record| record.payload = vec![0xff],
    |record| record.payload[1..5].copy_from_slice(&[0x7f; 4]),
    |record| "tests.accounts.AccountClosed".clone_into(&mut record.envelope.event_type),
    |record| record.payload.truncate(5),
    |record| record.payload.push(0),
    |record| "tests.accounts.AccountTeleported".clone_into(&mut record.envelope.event_type),
];

/// The parked events of an account: version and cause, which is `None` for those that wait for an earlier event.
pub(crate) type Expected = Vec<(AggregateId, i64, Option<&'static str>)>;

/// Writes thirteen accounts, each with a bad event of a different kind between good ones. Two events of each are
/// parked.
pub(crate) async fn append_all(log: &mut Log) -> Expected {
    let mut parked = Vec::new();
    for spoil in SPOILS {
        let id = new_account();
        log.append(&id, 1, opened("Ada")).await;
        log.append(&id, 2, deposited(2)).await;
        log.append_corrupt(&id, 3, &deposited(3), spoil).await;
        log.append_corrupt(&id, 4, &closed("moved away"), |_| {}).await;
        parked.extend([(id.clone(), 3, Some("payload")), (id, 4, None)]);
    }
    for (version, event, cause) in unfit_after_the_first() {
        let id = new_account();
        log.append(&id, 1, opened("Bob")).await;
        log.append_corrupt(&id, version, &event, |_| {}).await;
        log.append_corrupt(&id, version + 1, &deposited(5), |_| {}).await;
        let version = i64::try_from(version).unwrap();
        parked.extend([(id.clone(), version, Some(cause)), (id, version + 1, None)]);
    }
    for (id, event) in
        [(new_account(), closed("moved away")), (AggregateId::try_from("no-uuid").unwrap(), opened("Eve"))]
    {
        log.append_corrupt(&id, 1, &event, |_| {}).await;
        log.append_corrupt(&id, 2, &deposited(2), |_| {}).await;
        parked.extend([(id.clone(), 1, Some("unfit")), (id, 2, None)]);
    }
    parked
}

/// Events that can be read but cannot follow the first one, with their versions.
fn unfit_after_the_first() -> [(u64, Event, &'static str); 5] {
    [
        (3, deposited(3), "version"),
        (1, opened("Bob"), "version"),
        (2, opened("Bob"), "unfit"),
        // Text in Postgres cannot contain this character.
        (2, closed("\0"), "row"),
        // A constraint of the table forbids it.
        (2, deposited(-1), "row"),
    ]
}

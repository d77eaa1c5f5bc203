//! The log of the accounts.

use test_kit::{EventWriter, TestEnvironment};

use crate::{
    environment::PARTITIONS,
    events::{CONTEXT, Event, closed, deposited, opened, schemas},
};

/// The log of the accounts, which remembers what is in it.
pub(crate) type Log = EventWriter<Event>;

/// Takes over every partition.
pub(crate) async fn log_of(environment: &TestEnvironment) -> Log {
    Log::new(environment, CONTEXT, PARTITIONS, &schemas()).await
}

/// So many accounts, which differ in the number and the kinds of their events.
pub(crate) fn accounts(count: i64) -> impl Iterator<Item = Vec<Event>> {
    (0..count).map(|number| {
        let mut events = vec![opened(&format!("owner-{}", number % 5))];
        events.extend((1..=number % 3).map(deposited));
        events.extend((number % 4 == 0).then(|| closed("moved away")));
        events
    })
}

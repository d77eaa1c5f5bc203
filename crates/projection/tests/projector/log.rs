//! The log of the accounts' events.

use test_kit::{EventWriter, TestEnvironment};

use crate::{
    environment::PARTITIONS,
    events::{CONTEXT, Event, closed, deposited, opened, schemas},
};

/// A writer of the log, which keeps what it wrote.
pub(crate) type Log = EventWriter<Event>;

/// Claims every partition.
pub(crate) async fn log_of(environment: &TestEnvironment) -> Log {
    Log::new(environment, CONTEXT, PARTITIONS, &schemas()).await
}

/// This many accounts, with different numbers and types of events.
pub(crate) fn accounts(count: i64) -> impl Iterator<Item = Vec<Event>> {
    (0..count).map(|number| {
        let mut events = vec![opened(&format!("owner-{}", number % 5))];
        events.extend((1..=number % 3).map(deposited));
        events.extend((number % 4 == 0).then(|| closed("moved away")));
        events
    })
}

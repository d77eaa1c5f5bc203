//! The brokers that the contract is tested against, and an observer's view of a partition.

use std::sync::Arc;

use event_log::{
    Broker, Fold, KafkaBroker, LogError,
    simulated::{AsCalled, SimulatedBroker, SimulatedKafka},
};
use serde_json::Value;
use test_kit::LogView;

use crate::support::Log;

/// A partition that several instances share.
pub(crate) trait World: Default {
    type Broker: Broker;

    /// The broker, as another instance sees it.
    fn broker(&self) -> Self::Broker;
    /// The committed events: offset and aggregate.
    fn events(&self) -> Vec<(i64, String)>;
    /// The committed outcomes: key and document.
    fn outcomes(&self) -> Vec<(String, String)>;
    /// The addresses that were announced.
    fn announced(&self) -> Vec<String>;
}

pub(crate) struct InKafka(pub(crate) Log);

impl Default for InKafka {
    fn default() -> Self {
        Self(Log::with_partitions(2))
    }
}

/// Not partition 0, so that code that assumes partition 0 fails.
const PARTITION: i32 = 1;

impl World for InKafka {
    type Broker = KafkaBroker;

    fn broker(&self) -> KafkaBroker {
        KafkaBroker::new(self.0.client.clone(), self.0.topics.clone(), PARTITION)
    }

    fn events(&self) -> Vec<(i64, String)> {
        self.0.seen().into_iter().map(|event| (event.offset, event.key)).collect()
    }

    fn outcomes(&self) -> Vec<(String, String)> {
        let seen = LogView::of(&self.0.client.brokers, &self.0.topics.outcomes());
        seen.into_iter()
            .map(|outcome| {
                assert_eq!(
                    (outcome.partition, outcome.headers["content-type"].as_str()),
                    (PARTITION, "application/json")
                );
                (outcome.key, String::from_utf8(outcome.payload).unwrap())
            })
            .collect()
    }

    fn announced(&self) -> Vec<String> {
        let seen = LogView::of(&self.0.client.brokers, &self.0.topics.owners());
        let address = |payload: &[u8]| {
            let document: Value = serde_json::from_slice(payload).unwrap();
            document["address"].as_str().unwrap().to_owned()
        };
        seen.iter().map(|announcement| address(&announcement.payload)).collect()
    }
}

#[derive(Default)]
pub(crate) struct InSimulation(pub(crate) SimulatedKafka);

impl World for InSimulation {
    type Broker = SimulatedBroker;

    fn broker(&self) -> SimulatedBroker {
        self.0.broker(0, Arc::new(AsCalled))
    }

    fn events(&self) -> Vec<(i64, String)> {
        let event =
            |event: event_log::Recorded| (event.position.offset, event.envelope.aggregate_id.to_string());
        self.0.events().into_iter().map(event).collect()
    }

    fn outcomes(&self) -> Vec<(String, String)> {
        let seen = self.0.outcomes().into_iter();
        seen.map(|outcome| (outcome.key, String::from_utf8(outcome.document).unwrap())).collect()
    }

    fn announced(&self) -> Vec<String> {
        self.0.announcements().into_iter().map(|(_, address)| address).collect()
    }
}

/// A broker that runs a closure once, when the end is queried after all producers were fenced.
pub(crate) struct Interrupted<B, F>(pub(crate) B, pub(crate) Option<F>);

impl<B: Broker, F: FnOnce() + Send + 'static> Broker for Interrupted<B, F> {
    type Producer = B::Producer;

    fn connect(&mut self, count: usize) -> Result<Vec<B::Producer>, LogError> {
        self.0.connect(count)
    }

    fn end(&mut self) -> Result<i64, LogError> {
        if let Some(interrupt) = self.1.take() {
            interrupt();
        }
        self.0.end()
    }

    fn stable_end(&mut self) -> Result<i64, LogError> {
        self.0.stable_end()
    }

    fn replay(&mut self, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<(), LogError> {
        self.0.replay(next, mark, fold)
    }

    fn next_command(&mut self) -> Result<i64, LogError> {
        self.0.next_command()
    }

    fn owners_end(&mut self) -> Result<i64, LogError> {
        self.0.owners_end()
    }

    fn last_announcement(&mut self, from: i64, end: i64) -> Result<Option<i64>, LogError> {
        self.0.last_announcement(from, end)
    }
}

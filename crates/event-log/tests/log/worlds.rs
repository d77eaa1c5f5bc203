//! The brokers that the contract is tested against, and the shard as an observer sees it.

use std::sync::Arc;

use event_log::{
    Broker, Fold, KafkaBroker, KafkaLayout, Layout, LayoutBroker, LogError, Shards,
    simulated::{AsCalled, SimulatedBroker, SimulatedKafka, SimulatedLayout},
};
use serde_json::Value;
use test_kit::LogView;

use crate::support::{Location, Log, RUNTIME};

/// Makes every function a test against each broker.
macro_rules! contract {
    ($($test:ident)*) => {
        mod in_kafka {
            $(#[test] fn $test() { super::$test(&crate::worlds::InKafka::default()); })*
        }
        mod in_simulation {
            $(#[test] fn $test() { super::$test(&crate::worlds::InSimulation::default()); })*
        }
    };
}

pub(crate) use contract;

/// A shard of two partitions that several instances share.
pub(crate) trait World: Default {
    type Broker: Broker;
    type Layout: LayoutBroker + Send + 'static;

    /// The broker, as another instance sees it.
    fn broker(&self) -> Self::Broker {
        self.broker_with(Self::SHARDS)
    }
    /// The number of shards that the context has until it is changed.
    const SHARDS: i32;
    /// The broker, as an instance sees it that is configured with this many shards.
    fn broker_with(&self, shards: i32) -> Self::Broker;
    /// The layout, for a new change.
    fn layout(&self) -> Self::Layout;
    /// The committed events, in the order of their locations.
    fn events(&self) -> Vec<(Location, String)>;
    /// The committed outcomes: key and document, in the order of their keys.
    fn outcomes(&self) -> Vec<(String, String)>;
    /// The addresses that were announced.
    fn announced(&self) -> Vec<String>;
}

/// The second shard of four partitions, so that code that assumes shard or partition 0 fails.
pub(crate) struct InKafka(pub(crate) Log);

const SHARD: i32 = 1;

impl Default for InKafka {
    fn default() -> Self {
        Self(Log::with_shards(4, Self::SHARDS))
    }
}

impl World for InKafka {
    type Broker = KafkaBroker;
    type Layout = KafkaLayout;
    const SHARDS: i32 = 2;

    fn broker_with(&self, shards: i32) -> KafkaBroker {
        let shards = Shards::new(self.0.shards.partitions(), shards).unwrap();
        KafkaBroker::new(self.0.client.clone(), self.0.topics.clone(), shards, SHARD)
    }

    fn layout(&self) -> KafkaLayout {
        KafkaLayout::open(&self.0.client, &self.0.topics, RUNTIME.handle()).unwrap()
    }

    fn events(&self) -> Vec<(Location, String)> {
        let seen = self.0.seen().into_iter().map(|event| ((event.partition, event.offset), event.key));
        sorted(seen)
    }

    fn outcomes(&self) -> Vec<(String, String)> {
        let seen = LogView::of(&self.0.client.brokers, &self.0.topics.outcomes());
        sorted(seen.into_iter().map(|outcome| {
            assert_eq!(self.0.shards.shard_of(outcome.partition), SHARD);
            assert_eq!(outcome.headers["content-type"], "application/json");
            (outcome.key, String::from_utf8(outcome.payload).unwrap())
        }))
    }

    fn announced(&self) -> Vec<String> {
        let seen = LogView::of(&self.0.client.brokers, &self.0.topics.owners());
        let address = |payload: &[u8]| {
            let document: Value = serde_json::from_slice(payload).unwrap();
            document["address"].as_str().unwrap().to_owned()
        };
        assert!(seen.iter().all(|announcement| announcement.partition == SHARD));
        seen.iter().map(|announcement| address(&announcement.payload)).collect()
    }
}

pub(crate) struct InSimulation(pub(crate) SimulatedKafka);

impl Default for InSimulation {
    fn default() -> Self {
        Self(SimulatedKafka::new([0, 1]))
    }
}

impl World for InSimulation {
    type Broker = SimulatedBroker;
    type Layout = SimulatedLayout;
    const SHARDS: i32 = 1;

    fn broker_with(&self, shards: i32) -> SimulatedBroker {
        self.0.broker(0, Arc::new(AsCalled)).with_shards(shards)
    }

    fn layout(&self) -> SimulatedLayout {
        SimulatedLayout::open(&self.broker()).unwrap()
    }

    fn events(&self) -> Vec<(Location, String)> {
        sorted(self.0.events().into_iter().map(|event| {
            ((event.position.partition, event.position.offset), event.envelope.aggregate_id.to_string())
        }))
    }

    fn outcomes(&self) -> Vec<(String, String)> {
        let seen = self.0.outcomes().into_iter();
        sorted(seen.map(|outcome| (outcome.key, String::from_utf8(outcome.document).unwrap())))
    }

    fn announced(&self) -> Vec<String> {
        self.0.announcements().into_iter().map(|(_, address)| address).collect()
    }
}

/// The items in ascending order.
pub(crate) fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.into_iter().collect();
    items.sort();
    items
}

/// A broker that runs a closure once: when the layout is first queried, or an end, after all producers were fenced.
pub(crate) struct Interrupted<B, F> {
    pub(crate) broker: B,
    pub(crate) at: Interruption,
    pub(crate) interrupt: Option<F>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    Layout,
    End,
}

impl<B, F: FnOnce()> Interrupted<B, F> {
    pub(crate) fn new(broker: B, at: Interruption, interrupt: F) -> Self {
        Self { broker, at, interrupt: Some(interrupt) }
    }

    fn reach(&mut self, at: Interruption) {
        if self.at == at
            && let Some(interrupt) = self.interrupt.take()
        {
            interrupt();
        }
    }
}

impl<B: Broker, F: FnOnce() + Send + 'static> Broker for Interrupted<B, F> {
    type Producer = B::Producer;

    fn partitions(&self) -> Vec<i32> {
        self.broker.partitions()
    }

    fn shards(&self) -> i32 {
        self.broker.shards()
    }

    fn layout(&mut self) -> Result<Layout, LogError> {
        self.reach(Interruption::Layout);
        self.broker.layout()
    }

    fn connect(&mut self, count: usize) -> Result<Vec<B::Producer>, LogError> {
        self.broker.connect(count)
    }

    fn end(&mut self, partition: i32) -> Result<i64, LogError> {
        self.reach(Interruption::End);
        self.broker.end(partition)
    }

    fn stable_end(&mut self, partition: i32) -> Result<i64, LogError> {
        self.broker.stable_end(partition)
    }

    fn replay(&mut self, partition: i32, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<(), LogError> {
        self.broker.replay(partition, next, mark, fold)
    }

    fn next_command(&mut self, partition: i32) -> Result<i64, LogError> {
        self.broker.next_command(partition)
    }

    fn owners_end(&mut self) -> Result<i64, LogError> {
        self.broker.owners_end()
    }

    fn last_announcement(&mut self, from: i64, end: i64) -> Result<Option<u64>, LogError> {
        self.broker.last_announcement(from, end)
    }
}

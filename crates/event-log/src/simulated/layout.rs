use std::time::Duration;

use super::{
    Step,
    broker::{SimulatedBroker, SimulatedProducer},
    cluster::LAYOUT_ID,
    topic::Topic,
};
use crate::{Broker, Layout, LayoutBroker, LogError, PRODUCERS, Producer};

/// The layout of the simulated broker, for the one who changes it.
pub struct SimulatedLayout {
    broker: SimulatedBroker,
    producer: SimulatedProducer,
}

impl SimulatedLayout {
    /// Connects, and ends every earlier change that is still under way.
    pub fn open(broker: &SimulatedBroker) -> Result<Self, LogError> {
        let mut producer = broker.producer(LAYOUT_ID);
        producer.init()?;
        Ok(Self { broker: broker.clone(), producer })
    }
}

impl LayoutBroker for SimulatedLayout {
    fn layout(&mut self) -> Result<Layout, LogError> {
        self.broker.layout()
    }

    fn record(&mut self, layout: Layout) -> Result<(), LogError> {
        self.producer.begin(Duration::ZERO)?;
        self.producer
            .send(Step::RecordLayout, move |cluster, writer| cluster.record_layout(writer, layout))?;
        self.producer.commit()
    }

    fn fence(&mut self, shards: i32) -> Result<(), LogError> {
        let mut producers = self.broker.clone().with_shards(shards).connect(PRODUCERS)?;
        producers.iter_mut().try_for_each(Producer::init)
    }

    fn highest_epoch(&mut self, floor: u64) -> Result<u64, LogError> {
        self.broker.step(Step::HighestEpoch, move |cluster| Ok(cluster.highest_epoch(floor)))
    }

    fn divide_owners(&mut self, _shards: i32) -> Result<(), LogError> {
        self.broker.step(Step::DivideOwners, |cluster| {
            cluster.owners = Topic::default();
            Ok(())
        })
    }
}

//! The contract of a shard's owners, tested against each broker. The shard has two partitions.

mod fencing;
mod reading;
mod writing;

use std::time::Duration;

use event_log::{Broker, PRODUCERS, Producer};

use crate::worlds::{World, sorted};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Initialises producers outside the protocol, which fences all others.
fn fence_all<B: Broker>(broker: &mut B) -> Vec<B::Producer> {
    let mut producers = broker.connect(PRODUCERS).unwrap();
    producers.iter_mut().try_for_each(Producer::init).unwrap();
    producers
}

/// The two partitions of the shard.
fn partitions<W: World>(world: &W) -> [i32; 2] {
    world.broker().partitions().try_into().unwrap()
}

/// The aggregates of the committed events, in ascending order.
fn keys<W: World>(world: &W) -> Vec<String> {
    sorted(world.events().into_iter().map(|(_, aggregate)| aggregate))
}

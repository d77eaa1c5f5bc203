//! The outages after faults: for each partition, the longest time between two accepted commands.

use std::collections::BTreeMap;

use test_kit::history::{Answer, History};

use crate::chaos::{Disturbance, Kind};

/// An accepted command: when it was answered, and the epoch of the owner that wrote it.
#[derive(Clone, Copy)]
struct Served {
    at: u64,
    epoch: u64,
}

/// The outages after the faults of each kind in microseconds, sorted. A fault of an instance counts for the partitions
/// whose owner changed because of it, a fault of the broker for all partitions.
pub(crate) fn after(disturbances: &[Disturbance], history: &History) -> BTreeMap<Kind, Vec<u64>> {
    let partitions = served(history);
    let mut outages = BTreeMap::<_, Vec<u64>>::new();
    for (index, disturbance) in disturbances.iter().enumerate() {
        let end = disturbances.get(index + 1).map_or(u64::MAX, |next| next.begin);
        let measured = partitions.values().filter_map(|served| outage(served, disturbance, end));
        outages.entry(disturbance.kind).or_default().extend(measured);
    }
    for outages in outages.values_mut() {
        outages.sort_unstable();
    }
    outages
}

/// The accepted commands of each partition, ordered by the time of the answer.
fn served(history: &History) -> BTreeMap<i32, Vec<Served>> {
    let epochs: BTreeMap<_, _> =
        history.log.iter().map(|event| ((event.partition, event.offset), event.epoch)).collect();
    let mut partitions = BTreeMap::<_, Vec<Served>>::new();
    for attempt in &history.attempts {
        if let Answer::Accepted { position: Some(position), .. } = &attempt.answer
            && let Some(epoch) = epochs.get(position)
        {
            let served = Served { at: attempt.answered, epoch: *epoch };
            partitions.entry(position.0).or_default().push(served);
        }
    }
    for served in partitions.values_mut() {
        served.sort_unstable_by_key(|served| served.at);
    }
    partitions
}

fn outage(served: &[Served], disturbance: &Disturbance, end: u64) -> Option<u64> {
    let first = served.partition_point(|served| served.at < disturbance.begin).checked_sub(1)?;
    let last = served.partition_point(|served| served.at < end).min(served.len() - 1);
    let window = &served[first..=last];
    let affects_all = matches!(disturbance.kind, Kind::FrozenBroker | Kind::KilledBroker);
    let has_moved = window.iter().map(|served| served.epoch).max() > Some(window[0].epoch);
    let longest = window.windows(2).map(|pair| pair[1].at - pair[0].at).max()?;
    (affects_all || has_moved).then_some(longest)
}

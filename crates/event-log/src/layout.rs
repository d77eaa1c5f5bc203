//! How the number of a context's shards is changed. The order of the steps makes it safe even if an owner of the old
//! shards, or an instance that is about to claim one of them, wakes up at any moment; `docs/ownership.md` explains it.

use serde::{Deserialize, Serialize};

use crate::LogError;

/// The shards of a context, as the layout topic records them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Counts the changes; the layout that topics are created with is 1.
    pub number: u64,
    /// The number of shards.
    pub shards: i32,
    /// The epoch of every owner in this layout is higher than this.
    pub epoch_floor: u64,
    /// While a change is under way, the number of shards before it. Their owners may not be fenced yet.
    pub replaces: Option<i32>,
}

impl Layout {
    /// The layout that topics are created with. It is not recorded.
    pub const fn first(shards: i32) -> Self {
        Self { number: 1, shards, epoch_floor: 0, replaces: None }
    }

    /// Whether shards may be claimed.
    pub const fn is_active(&self) -> bool {
        self.replaces.is_none()
    }

    /// Fails unless an instance that is configured with `shards` may own one of them.
    pub(crate) const fn permits(self, shards: i32) -> Result<Self, LogError> {
        if self.is_active() && self.shards == shards {
            Ok(self)
        } else {
            Err(LogError::OtherLayout { configured: shards, present: self })
        }
    }
}

/// What a change of the shards needs from Kafka.
pub trait LayoutBroker {
    /// The layout that is recorded.
    fn layout(&mut self) -> Result<Layout, LogError>;

    /// Records a layout. Fails if a later change has begun.
    fn record(&mut self, layout: Layout) -> Result<(), LogError>;

    /// Fences every owner in a layout with this many shards: initialises the transactional ids of each shard, one after
    /// another, in the order in which a claim does.
    fn fence(&mut self, shards: i32) -> Result<(), LogError>;

    /// The highest epoch that an owner can have had, given the floor of the layout until now.
    fn highest_epoch(&mut self, floor: u64) -> Result<u64, LogError>;

    /// Replaces the owners topic by an empty one with a partition for each of this many shards, unless it has as many.
    fn divide_owners(&mut self, shards: i32) -> Result<(), LogError>;
}

/// Changes the number of shards, and returns the new layout. After an error it can be repeated, also with another number;
/// until it succeeds, no shard can be claimed.
pub fn change_layout(broker: &mut impl LayoutBroker, shards: i32) -> Result<Layout, LogError> {
    let present = broker.layout()?;
    if present.is_active() && present.shards == shards {
        return Ok(present);
    }
    let old = present.replaces.unwrap_or(present.shards);
    let mut layout = Layout { number: present.number + 1, shards, replaces: Some(old), ..present };
    // From here on no claim succeeds that has not initialised its ids yet. All others are fenced by the next step.
    broker.record(layout)?;
    broker.fence(old)?;
    // Only now nobody can use a higher epoch. It is recorded before the announcements that it is derived from are gone.
    layout.epoch_floor = broker.highest_epoch(layout.epoch_floor)?.max(layout.epoch_floor);
    broker.record(layout)?;
    broker.divide_owners(shards)?;
    layout.replaces = None;
    broker.record(layout)?;
    Ok(layout)
}

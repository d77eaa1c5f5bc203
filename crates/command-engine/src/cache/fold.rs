//! Folds events of the log into the cache.

use std::collections::HashSet;

use aggregate::{Aggregate, AggregateId, Message, Version};
use event_log::{Discontinuity, Recorded};

use super::{AggregateCache, CompletedCommand};
use crate::snapshots::SnapshotError;

/// Events could not be folded into the cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// An event does not follow the previous one.
    #[error(transparent)]
    Discontinuous(#[from] Discontinuity),
    /// The aggregates of the events could not be loaded, or there was no room for them.
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
}

impl<A: Aggregate> AggregateCache<A> {
    /// Folds the next event of the log; its aggregate must be in memory or new. Returns the command of the event with
    /// its events so far, or `None` if the aggregate's snapshot is so much newer that it has forgotten the command.
    pub fn fold(
        &mut self,
        recorded: &Recorded,
        event: &A::Event,
    ) -> Result<Option<&CompletedCommand>, Discontinuity> {
        let id = &recorded.envelope.aggregate_id;
        let cached = self.entries.get(id);
        let in_snapshot = cached.is_some_and(|cached| recorded.position.offset <= cached.offset);
        let version = cached.map_or(Version::NONE, |cached| cached.version);
        check_version(recorded, version, in_snapshot)?;
        self.continuity.follow(recorded)?;
        self.next_offset = recorded.position.offset + 1;
        // An aggregate is counted with its first event, even if its snapshot is newer.
        self.aggregates += u64::from(recorded.envelope.version == Version::NONE.next());
        if in_snapshot {
            let command_id = recorded.envelope.metadata.command_id;
            return Ok(self.entries.get(id).and_then(|cached| cached.command(command_id)));
        }
        let evicted = self.entries.change(id, |cached| {
            cached.state = A::evolve(std::mem::take(&mut cached.state), event);
            cached.remember(recorded, event.message_type(), self.settings.remembered_commands)
        });
        if let Some(command) = evicted {
            self.evicted.add(command, recorded);
            if !self.is_open() && self.evicted.len() > self.settings.max_evicted_commands {
                self.evicted.drop_up_to(recorded);
            }
        }
        Ok(self.entries.get(id).and_then(|cached| cached.commands.last()))
    }

    /// Folds the next events of the log: loads their aggregates with one query, and calls `folded` with each event and
    /// its command. After an error the cache is at `next_offset` and can continue from there.
    ///
    /// If there is no other way to make room, it waits for a save.
    pub fn fold_tail(
        &mut self,
        tail: &[(Recorded, A::Event)],
        folded: &mut dyn FnMut(&Recorded, &CompletedCommand),
    ) -> Result<(), CacheError> {
        let ids: HashSet<&AggregateId> =
            tail.iter().map(|(recorded, _)| &recorded.envelope.aggregate_id).collect();
        let ids: Vec<_> = ids.into_iter().cloned().collect();
        if self.is_full() || self.has_no_room_to_evict() {
            self.save_now(self.continuity.epoch)?;
        }
        if self.has_no_room_to_evict() {
            return Err(SnapshotError::Full.into());
        }
        self.load(&ids)?;
        for (recorded, event) in tail {
            if let Some(done) = self.fold(recorded, event)? {
                folded(recorded, done);
            }
        }
        Ok(())
    }
}

/// Checks that an event follows its aggregate's last one, or is contained in its snapshot.
fn check_version(recorded: &Recorded, version: Version, in_snapshot: bool) -> Result<(), Discontinuity> {
    let found = recorded.envelope.version;
    if if in_snapshot { found <= version } else { found == version.next() } {
        return Ok(());
    }
    Err(Discontinuity::Version {
        position: recorded.position.clone(),
        aggregate: recorded.envelope.aggregate_id.to_string(),
        expected: version.next().0,
        found: found.0,
    })
}

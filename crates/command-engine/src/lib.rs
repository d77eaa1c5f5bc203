//! The write side of a service: commands queue, one thread of their shard decides them in groups, a second one commits
//! the groups, and each command is answered once its events are in the log.
//!
//! It must never answer before the commit, never report a failure for a command whose events are in the log, and never
//! decide on a state that is not the fold of the log.

mod answers;
mod cache;
mod clock;
mod commits;
pub mod coordination;
mod delivery;
mod engine;
mod group;
mod in_doubt;
mod mailbox;
mod metrics;
mod outcome;
mod panic_guard;
mod pending_reply;
pub mod protocol;
mod queue;
mod queued_command;
mod replay;
mod request;
mod shard;
mod snapshots;
mod wait_estimate;
mod writer;

pub use cache::{
    AggregateCache, CacheError, CacheSettings, CachedAggregate, CommandKey, CompletedCommand, EvictedCommand,
    EvictedCommands, IdFilter, ShardCache,
};
pub use delivery::{Delivery, Rejection, Undecoded};
pub use engine::{Engine, EngineSettings};
pub use mailbox::Ownership;
pub use panic_guard::PanicGuard;
pub use request::{Accepted, AcceptedEvent, CommandError, CommandRequest};
pub use snapshots::{
    Aggregates, Checkpoint, NoSnapshots, Opened, PendingCommands, PendingIds, PendingOpened, PendingSave,
    PostgresSnapshots, Save, Saved, SnapshotDatabase, SnapshotError, SnapshotSettings, SnapshotStore,
};

/// What every database of a write side needs: snapshots, outcomes of commands, roles. Their numbers are below 1000; a
/// context's own migrations, if it has any, begin at 1001.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

//! What stands in the log, for people and for copies. Nothing here is a member of a group, so nobody reads less because
//! somebody looks.
#![expect(clippy::disallowed_methods, reason = "it runs among the blocking tasks")]

mod copy;
mod export;
mod history;
mod start;
mod tail;
mod telling;

use anyhow::{Context, anyhow};
use event_log::{ClientSettings, LogError, OffsetRange, committed_ranges};

pub(crate) use self::{
    export::{Export, export},
    history::{History, history},
    tail::{Tail, tail},
};

/// What the partitions of a topic have had committed.
fn stretches_of(client: &ClientSettings, topic: &str) -> anyhow::Result<Vec<OffsetRange>> {
    committed_ranges(client, topic).with_context(|| {
        format!(
            "{topic} cannot be read: does Kafka run, is the context spelt right, has `foldline topics apply` run?"
        )
    })
}

/// What went wrong while the log was read, without the log's own words around ours.
fn cause(error: LogError) -> anyhow::Error {
    match error {
        LogError::Fold(ours) => anyhow!(ours),
        logs => logs.into(),
    }
}

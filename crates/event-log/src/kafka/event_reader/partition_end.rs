use std::time::Instant;

use rdkafka::statistics;

/// The end of a partition, as of its last fetch.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartitionEnd {
    /// The last stable offset: no transaction is open below it.
    pub(super) stable: i64,
    /// Since when everything up to it has been read and there is more behind it.
    pub(super) hidden_since: Option<Instant>,
}

impl PartitionEnd {
    /// The end now, given the end before. A reader that has something left to read does not ask for the end, so what it
    /// knows is old.
    pub(super) fn after(before: Option<Self>, now: &statistics::Partition) -> Self {
        let stable = now.ls_offset;
        let is_hidden = now.hi_offset > stable && now.next_offset >= stable && now.fetchq_cnt == 0;
        let since = before.filter(|before| before.stable == stable).and_then(|before| before.hidden_since);
        Self { stable, hidden_since: is_hidden.then(|| since.unwrap_or_else(Instant::now)) }
    }
}

//! A partition of a topic in the simulated broker: records of open, committed and aborted transactions, and the markers
//! that end these, each at an offset of its own.

/// Records and markers, each at its offset.
pub(super) struct Topic<T>(Vec<Entry<T>>);

struct Entry<T> {
    transaction: u64,
    state: State,
    /// `None` for a marker.
    record: Option<T>,
}

/// The state of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Committed,
    Aborted,
}

impl<T> Default for Topic<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Topic<T> {
    /// Appends a record of an open transaction and returns its offset.
    pub(super) fn push(&mut self, transaction: u64, record: T) -> i64 {
        self.0.push(Entry { transaction, state: State::Open, record: Some(record) });
        offset(self.0.len() - 1)
    }

    /// Ends a transaction, with a marker if it wrote to this partition.
    pub(super) fn end_transaction(&mut self, transaction: u64, state: State) {
        let of_it = self.0.iter_mut().filter(|entry| entry.transaction == transaction);
        if of_it.map(|entry| entry.state = state).count() > 0 {
            self.0.push(Entry { transaction, state, record: None });
        }
    }

    /// The end, including uncommitted records.
    pub(super) fn end(&self) -> i64 {
        offset(self.0.len())
    }

    /// The offset of the first record of an open transaction, or the end.
    pub(super) fn stable_end(&self) -> i64 {
        let open = self.0.iter().position(|entry| entry.state == State::Open);
        offset(open.unwrap_or(self.0.len()))
    }

    /// How many records are committed, including those of the `decided` transactions.
    pub(super) fn committed(&self, decided: &[u64]) -> usize {
        let is_committed = |entry: &&Entry<T>| {
            entry.state == State::Committed
                || (entry.state == State::Open && decided.contains(&entry.transaction))
        };
        self.0.iter().filter(is_committed).filter(|entry| entry.record.is_some()).count()
    }

    /// The committed records that readers see.
    pub(super) fn visible(&self) -> impl Iterator<Item = (i64, &T)> {
        self.by_transaction().map(|(_, offset, record)| (offset, record))
    }

    /// The committed records that readers see, each with its transaction and its offset.
    pub(super) fn by_transaction(&self) -> impl Iterator<Item = (u64, i64, &T)> {
        let stable = (0..self.stable_end()).zip(&self.0);
        let committed = stable.filter(|(_, entry)| entry.state == State::Committed);
        committed.filter_map(|(offset, entry)| Some((entry.transaction, offset, entry.record.as_ref()?)))
    }
}

fn offset(index: usize) -> i64 {
    i64::try_from(index).expect("a test's log is short")
}

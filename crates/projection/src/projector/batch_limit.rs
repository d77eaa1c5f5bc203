/// Reduces the size of batches while Postgres is too slow for them. Without it, a batch that timed out would time out
/// again and again.
#[derive(Debug, Default)]
pub(crate) struct BatchLimit {
    /// The maximum number of events in a batch; `None` while no limit is needed.
    limit: Option<usize>,
    /// The number of events in the last batch.
    last: usize,
}

impl BatchLimit {
    /// The maximum number of events in the next batch; never more than `configured`.
    pub(crate) fn max_events(&self, configured: usize) -> usize {
        self.limit.map_or(configured, |limit| limit.min(configured))
    }

    /// Records that a batch of this many events begins.
    pub(crate) fn began(&mut self, events: usize) {
        self.last = events;
    }

    /// Halves the limit, because the batch was not written in time.
    pub(crate) fn timed_out(&mut self) {
        self.limit = Some((self.last / 2).max(1));
    }

    /// Records that the batch was written. If it was as large as allowed, the limit is raised by a tenth.
    pub(crate) fn written(&mut self) {
        let last = self.last;
        self.limit = self.limit.map(|limit| if last < limit { limit } else { limit + limit.div_ceil(10) });
    }
}

#[cfg(test)]
mod tests {
    use super::BatchLimit;

    #[test]
    fn the_limit_is_halved_while_batches_time_out() {
        let mut limit = BatchLimit::default();
        assert_eq!(limit.max_events(2_000), 2_000);
        limit.began(300);
        for expected in [150, 75, 37, 18, 9, 4, 2, 1, 1] {
            limit.timed_out();
            assert_eq!(limit.max_events(2_000), expected);
            limit.began(expected);
        }
    }

    #[test]
    fn the_limit_grows_again_while_batches_are_full() {
        let mut limit = BatchLimit::default();
        limit.began(100);
        limit.timed_out();
        for (events, next) in [(10, 50), (50, 55), (55, 61)] {
            limit.began(events);
            limit.written();
            assert_eq!(limit.max_events(100), next);
        }
        for _ in 0..10 {
            limit.began(limit.max_events(100));
            limit.written();
        }
        assert_eq!(limit.max_events(100), 100);
    }
}

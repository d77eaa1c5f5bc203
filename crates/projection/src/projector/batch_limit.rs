/// Makes batches smaller while Postgres is too slow for them: a batch that took too long would take too long again.
#[derive(Debug, Default)]
pub(crate) struct BatchLimit {
    /// The most events of a batch; `None` while there is no reason for a limit.
    limit: Option<usize>,
    /// The events of the last batch.
    last: usize,
}

impl BatchLimit {
    /// The most events of the next batch; `most` if there is no limit.
    pub(crate) fn at_most(&self, most: usize) -> usize {
        self.limit.map_or(most, |limit| limit.min(most))
    }

    /// A batch begins.
    pub(crate) fn began(&mut self, events: usize) {
        self.last = events;
    }

    /// It was not written in time.
    pub(crate) fn timed_out(&mut self) {
        self.limit = Some((self.last / 2).max(1));
    }

    /// It was written. If it was as large as allowed, the next one may have a tenth more events.
    pub(crate) fn written(&mut self) {
        let last = self.last;
        self.limit = self.limit.map(|limit| if last < limit { limit } else { limit + limit.div_ceil(10) });
    }
}

#[cfg(test)]
mod tests {
    use super::BatchLimit;

    #[test]
    fn a_batch_that_took_too_long_is_halved_until_it_fits() {
        let mut limit = BatchLimit::default();
        assert_eq!(limit.at_most(2_000), 2_000);
        limit.began(300);
        for expected in [150, 75, 37, 18, 9, 4, 2, 1, 1] {
            limit.timed_out();
            assert_eq!(limit.at_most(2_000), expected);
            limit.began(expected);
        }
    }

    #[test]
    fn batches_grow_again_while_they_are_full() {
        let mut limit = BatchLimit::default();
        limit.began(100);
        limit.timed_out();
        for (events, next) in [(10, 50), (50, 55), (55, 61)] {
            limit.began(events);
            limit.written();
            assert_eq!(limit.at_most(100), next);
        }
        for _ in 0..10 {
            limit.began(limit.at_most(100));
            limit.written();
        }
        assert_eq!(limit.at_most(100), 100);
    }
}

//! Queries like those of a query API, in a tight loop, while generations are written and swapped.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use sqlx::{PgPool, postgres::PgPoolOptions};

use super::{
    Filler, Shelf,
    shelf::{BOOKS, SHELF},
};
use crate::GenerationState::{Building, Standby};
use crate::projector::generations::{Promotion, promote};

const SWAPS: usize = 8;
const READERS: i64 = 6;

/// A book with its pages, and the checkpoint of the live generation.
#[derive(Debug, sqlx::FromRow)]
struct Snapshot {
    generation: i32,
    next_offset: i64,
    pages: i64,
    printer: String,
    counted: i64,
}

const JOINED: &str = "
    SELECT live.generation, live.next_offset, books.pages, books.printer,
           (SELECT count(*) FROM pages WHERE pages.book = books.book) AS counted
      FROM (SELECT generation, next_offset FROM checkpoint JOIN projection_generation USING (projection, generation)
             WHERE state = 'live' AND projection = $1) AS live
      LEFT JOIN books ON book = $2";

/// The same with the platform's function, which does not return the generation, so that is taken from the printer.
const WITH_READ_POSITION: &str = "
    SELECT (book ->> 'printer')::integer AS generation, (position -> 'next_offsets' ->> '0')::bigint AS next_offset,
           (book ->> 'pages')::bigint AS pages, book ->> 'printer' AS printer, (book ->> 'counted')::bigint AS counted
      FROM (SELECT position,
                   (SELECT to_json(found)
                      FROM (SELECT pages, printer,
                                   (SELECT count(*) FROM pages WHERE pages.book = books.book) AS counted
                              FROM books
                             WHERE book = $2) AS found) AS book
              FROM read_position($1, 'shelf.events', 0, NULL) AS position) AS answer";

impl Snapshot {
    /// Checks that the rows are those of the events before the checkpoint, and come from the tables of the generation.
    fn check(&self, book: i64) {
        let pages = (self.next_offset - book + BOOKS - 1) / BOOKS;
        assert_eq!((self.pages, self.counted), (pages, pages), "{self:?}");
        assert_eq!(self.printer, self.generation.to_string(), "{self:?}");
    }
}

/// Reads one book repeatedly, and checks that the number of its pages never decreases.
async fn read(pool: PgPool, query: &str, book: i64, done: Arc<AtomicBool>, reads: Arc<AtomicU64>) {
    let mut before = 0;
    while !done.load(Relaxed) {
        let snapshot: Snapshot =
            sqlx::query_as(query).bind(SHELF).bind(book).fetch_one(&pool).await.expect("no query fails");
        snapshot.check(book);
        assert!(snapshot.pages >= before, "{snapshot:?} after {before}");
        before = snapshot.pages;
        reads.fetch_add(1, Relaxed);
    }
}

/// Fills a generation, and claims it again after each swap.
async fn fill(shelf: &Shelf, generation: i32) {
    loop {
        let mut filler: Filler = shelf.filler(generation).await;
        filler.printer = generation.to_string();
        filler.follow().await;
    }
}

fn pool(shelf: &Shelf, plan: &str) -> PgPool {
    let options = shelf.options.clone().options([("plan_cache_mode", plan)]);
    PgPoolOptions::new().max_connections(2).test_before_acquire(false).connect_lazy_with(options)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_fails_or_sees_fewer_events_while_generations_are_swapped() {
    let shelf = Arc::new(Shelf::rebuilt_by_generation(BOOKS).await);
    let (done, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let pools = ["force_custom_plan", "force_generic_plan", "auto"].map(|plan| pool(&shelf, plan));
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            let pool = pools[usize::try_from(reader).unwrap() % pools.len()].clone();
            let query = if reader < READERS / 2 { JOINED } else { WITH_READ_POSITION };
            tokio::spawn(read(pool, query, reader, done.clone(), reads.clone()))
        })
        .collect();
    let fillers = [1, 2].map(|generation| {
        let shelf = shelf.clone();
        tokio::spawn(async move { fill(&shelf, generation).await })
    });
    for swap in 0..SWAPS {
        let state = if swap == 0 { Building } else { Standby };
        let promotion = Promotion { state, max_lag: 1_000, accept_differences: true };
        let before = reads.load(Relaxed);
        promote(&shelf.options, SHELF, promotion).await.unwrap();
        test_kit::eventually("readers continue", || async { reads.load(Relaxed) > before + 100 }).await;
    }
    done.store(true, Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    for filler in fillers {
        assert!(!filler.is_finished());
        filler.abort();
    }
}

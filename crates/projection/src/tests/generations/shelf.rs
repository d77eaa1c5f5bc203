use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};
use test_kit::TestEnvironment;

use crate::projector::generations::{self, Notifications};
use crate::{Generation, GenerationState};

/// The number of books on the shelf.
pub(super) const BOOKS: i64 = 10;

/// A projection that is filled by the tests. Its n-th event adds a page to the book `n % BOOKS`.
pub(super) const SHELF: &str = "shelf";

const TABLES: &str = "
    CREATE TABLE books (book bigint PRIMARY KEY, pages bigint NOT NULL CONSTRAINT thin CHECK (pages < 1000000),
                        printer text NOT NULL) WITH (fillfactor = 70);
    CREATE TABLE pages (book bigint, page bigint, PRIMARY KEY (book, page), UNIQUE (page, book));
    CREATE INDEX thick_books ON books (pages) WHERE pages > 100;
    CREATE INDEX books_by_pages ON books (pages) INCLUDE (printer);
    COMMENT ON TABLE books IS 'The books''s covers';
    COMMENT ON COLUMN books.pages IS 'How many';
    INSERT INTO projection_version (projection, version, tables, topics)
    VALUES ('shelf', 1, '{books,pages}', '{shelf.events}');
    INSERT INTO projection_generation (projection, generation, version, state) VALUES ('shelf', 1, 1, 'live');
    INSERT INTO checkpoint (projection, generation, topic, partition, next_offset, epoch, sequence, owner_epoch)
    VALUES ('shelf', 1, 'shelf.events', 0, 0, 1, 0, 0)";

/// A database with a live generation of the projection.
pub(super) struct Shelf {
    pub(super) options: PgConnectOptions,
    pub(super) connection: PgConnection,
}

impl Shelf {
    pub(super) async fn new() -> Self {
        let environment = TestEnvironment::empty();
        environment.platform_databases();
        let options: PgConnectOptions = environment.database_url("platform_read").parse().unwrap();
        let connection = PgConnection::connect_with(&options).await.unwrap();
        let mut shelf = Self { options, connection };
        shelf.run(TABLES).await;
        shelf
    }

    /// A live and a building generation, with this many events in each.
    pub(super) async fn rebuilt(live: i64, building: i64) -> Self {
        let mut shelf = Self::new().await;
        generations::begin(&mut shelf.connection, SHELF, None, None).await.unwrap();
        for (generation, events) in [(1, live), (2, building)] {
            let mut filler = shelf.filler(generation).await;
            for _ in 0..events {
                assert!(filler.apply().await);
            }
        }
        shelf
    }

    /// Like [`rebuilt`](Self::rebuilt), with the generation's number as the printer of each book.
    pub(super) async fn rebuilt_by_generation(events: i64) -> Self {
        let mut shelf = Self::rebuilt(events, events).await;
        shelf.run("UPDATE public.books SET printer = '1'; UPDATE shelf_g2.books SET printer = '2'").await;
        shelf
    }

    pub(super) async fn run(&mut self, statements: &str) {
        self.connection.execute(statements).await.unwrap();
    }

    /// Runs a query that returns one text.
    pub(super) async fn query(&mut self, query: &str) -> String {
        sqlx::query_scalar(query).fetch_one(&mut self.connection).await.unwrap()
    }

    /// Evaluates a condition on a separate connection.
    pub(super) async fn is_true(&self, condition: &str) -> bool {
        let mut connection = PgConnection::connect_with(&self.options).await.unwrap();
        sqlx::query_scalar(condition).fetch_one(&mut connection).await.unwrap()
    }

    pub(super) async fn filler(&self, generation: i32) -> Filler {
        Filler::claim(&self.options, generation).await
    }

    pub(super) async fn states(&mut self) -> Vec<(i32, GenerationState)> {
        let all = generations::generations_of(&mut self.connection, SHELF).await.unwrap();
        all.into_iter().map(|generation| (generation.number, generation.state)).collect()
    }
}

/// Fills one generation as a projector does.
pub(super) struct Filler {
    connection: PgConnection,
    notifications: Notifications,
    generation: Generation,
    epoch: i64,
    next: i64,
    /// The value that is written to the column `printer`.
    pub(super) printer: String,
}

impl Filler {
    /// Claims the partition, and looks up the schema of the tables.
    async fn claim(options: &PgConnectOptions, number: i32) -> Self {
        let mut connection = PgConnection::connect_with(options).await.unwrap();
        let notifications = Notifications::listen(options, SHELF).await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        // Prevents a swap between the claim and the lookup.
        transaction.execute("SELECT FROM projection_generation FOR SHARE").await.unwrap();
        let (epoch, next) = sqlx::query_as(
            "INSERT INTO checkpoint AS known
                 (projection, generation, topic, partition, next_offset, epoch, sequence, owner_epoch)
             VALUES ('shelf', $1, 'shelf.events', 0, 0, 1, 0, 0)
                 ON CONFLICT (projection, generation, topic, partition) DO UPDATE SET epoch = known.epoch + 1
             RETURNING epoch, next_offset",
        )
        .bind(number)
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
        let all = generations::generations_of(&mut transaction, SHELF).await.unwrap();
        let generation = all.into_iter().find(|generation| generation.number == number).unwrap();
        let path = format!("SET search_path = {}", generation.schema());
        transaction.execute(path.as_str()).await.unwrap();
        transaction.commit().await.unwrap();
        Self { connection, notifications, generation, epoch, next, printer: "press".to_owned() }
    }

    /// Applies the next event. Returns false if another filler has claimed the partition.
    pub(super) async fn apply(&mut self) -> bool {
        let mut transaction = self.connection.begin().await.unwrap();
        let moved = sqlx::query(
            "UPDATE public.checkpoint SET next_offset = next_offset + 1, sequence = sequence + 1
              WHERE projection = 'shelf' AND generation = $1 AND epoch = $2 AND next_offset = $3",
        )
        .bind(self.generation.number)
        .bind(self.epoch)
        .bind(self.next)
        .execute(&mut *transaction)
        .await
        .unwrap();
        if moved.rows_affected() == 0 {
            return false;
        }
        let (book, page) = (self.next % BOOKS, self.next / BOOKS + 1);
        sqlx::query(
            "INSERT INTO books VALUES ($1, $2, $3) ON CONFLICT (book) DO UPDATE SET pages = $2, printer = $3",
        )
        .bind(book)
        .bind(page)
        .bind(&self.printer)
        .execute(&mut *transaction)
        .await
        .unwrap();
        let write = sqlx::query("INSERT INTO pages VALUES ($1, $2)").bind(book).bind(page);
        write.execute(&mut *transaction).await.unwrap();
        transaction.execute("NOTIFY checkpoint, 'shelf 0 shelf.events/0@0'").await.unwrap();
        transaction.commit().await.unwrap();
        self.next += 1;
        true
    }

    /// Applies events until another filler claims the partition. Only the live generation is not limited by another
    /// one.
    pub(super) async fn follow(&mut self) {
        while let Some(limit) = self.limit().await {
            if self.next < limit {
                self.apply().await;
            } else {
                self.notifications.next().await.unwrap();
            }
        }
    }

    /// How many events may be applied in total; `None` if another filler has claimed the partition.
    async fn limit(&mut self) -> Option<i64> {
        let (epoch, live): (i64, i64) = sqlx::query_as(
            "SELECT own.epoch, live.next_offset
               FROM public.checkpoint AS own
               JOIN public.checkpoint AS live USING (projection)
               JOIN public.projection_generation AS other USING (projection)
              WHERE projection = 'shelf' AND own.generation = $1
                AND live.generation = other.generation AND other.state = 'live'",
        )
        .bind(self.generation.number)
        .fetch_one(&mut self.connection)
        .await
        .unwrap();
        let limit = if self.generation.state == GenerationState::Live { i64::MAX } else { live };
        (epoch == self.epoch).then_some(limit)
    }
}

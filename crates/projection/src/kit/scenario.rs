use std::fmt::Debug;

use sqlx::{
    FromRow,
    postgres::{PgConnectOptions, PgRow},
};
use test_kit::TestEnvironment;

use super::{
    Fact, cuts,
    log::{Entry, log},
    rows::Rows,
};
use crate::{GenerationState, Projection};

/// A scenario with a history.
#[must_use = "a scenario checks nothing before its `then`"]
pub struct Given<P> {
    projection: P,
    database: PgConnectOptions,
    history: Vec<Fact>,
}

/// A scenario with a history and the facts that follow it.
#[must_use = "a scenario checks nothing before its `then`"]
pub struct Applied<P> {
    given: Given<P>,
    when: Vec<Fact>,
}

/// A new database with all migrations applied: `database("orders_read")`.
pub fn database(name: &str) -> PgConnectOptions {
    let environment = TestEnvironment::empty();
    environment.migrate();
    environment.database_url(name).parse().expect("the URL of a database")
}

/// Starts a scenario with a history. The projection's tables are emptied first.
pub fn given<P: Projection>(
    projection: P,
    database: &PgConnectOptions,
    history: impl IntoIterator<Item = Fact>,
) -> Given<P> {
    Given { projection, database: database.clone(), history: history.into_iter().collect() }
}

impl<P: Projection> Given<P> {
    /// Adds facts that are applied in a separate batch.
    pub fn when(self, facts: impl IntoIterator<Item = Fact>) -> Applied<P> {
        Applied { given: self, when: facts.into_iter().collect() }
    }

    /// Checks that the rows do not depend on how the history is divided into batches, or on how its partitions
    /// interleave.
    ///
    /// A history of up to six facts is cut in every possible way. Longer histories, and interleaved partitions, are cut
    /// at random with fixed seeds; every other time, the tables are loaded as in a rebuild. Finally, one projector per
    /// partition applies its events, all of them concurrently.
    pub async fn then_every_cut_agrees(self) {
        let entries = log(&self.history, P::wants);
        cuts::assert_rows_agree(&self.projection, &self.database, &entries).await;
    }
}

impl<P: Projection> Applied<P> {
    /// Checks that a query returns exactly these rows.
    pub async fn then<R>(self, query: &str, rows: impl IntoIterator<Item = R>)
    where
        R: for<'r> FromRow<'r, PgRow> + Debug + PartialEq + Send + Unpin,
    {
        let (mut tables, when) = self.begin().await;
        tables.apply(&when).await.unwrap_or_else(|error| panic!("the facts are refused: {error}"));
        let found: Vec<R> = sqlx::query_as(query)
            .fetch_all(&mut tables.connection)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(found, rows.into_iter().collect::<Vec<_>>());
    }

    /// Checks that the projection refuses the facts, for a reason that contains this text, and leaves the rows
    /// unchanged.
    pub async fn then_refused(self, reason: &str) {
        let (mut tables, when) = self.begin().await;
        let before = tables.all().await;
        let refusal = tables.apply(&when).await.expect_err("the facts must be refused").to_string();
        assert!(refusal.contains(reason), "refused for another reason: {refusal}");
        assert_eq!(tables.all().await, before, "refused facts must not change rows");
    }

    /// Applies the history. Returns the tables and the facts that follow.
    async fn begin(&self) -> (Rows<'_, P>, Vec<Entry<P::Event>>) {
        let Given { projection, database, history } = &self.given;
        let facts: Vec<_> = history.iter().chain(&self.when).cloned().collect();
        let mut entries = log(&facts, P::wants);
        let when = entries.split_off(history.len());
        let mut tables = Rows::empty(projection, database, GenerationState::Live).await;
        tables.apply(&entries).await.unwrap_or_else(|error| panic!("the history is refused: {error}"));
        (tables, when)
    }
}

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

/// A history.
#[must_use = "a scenario checks nothing before its `then`"]
pub struct Given<P> {
    projection: P,
    database: PgConnectOptions,
    history: Vec<Fact>,
}

/// A history and the facts that follow it.
#[must_use = "a scenario checks nothing before its `then`"]
pub struct Applied<P> {
    given: Given<P>,
    then: Vec<Fact>,
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
    pub fn when(self, then: impl IntoIterator<Item = Fact>) -> Applied<P> {
        Applied { given: self, then: then.into_iter().collect() }
    }

    /// Checks that the rows are the same however the history is cut into batches, and however its partitions
    /// interleave.
    ///
    /// A history of up to six facts is cut in every possible way. Longer ones, and interleaved partitions, are tried at
    /// random with fixed seeds; every other time the tables are loaded as in a rebuild. Finally, one projector per
    /// partition applies its events, all at once.
    pub async fn then_every_cut_agrees(self) {
        let entries = log(&self.history, P::wants);
        cuts::agree(&self.projection, &self.database, &entries).await;
    }
}

impl<P: Projection> Applied<P> {
    /// Checks that a query returns exactly these rows.
    pub async fn then<R>(self, query: &str, rows: impl IntoIterator<Item = R>)
    where
        R: for<'r> FromRow<'r, PgRow> + Debug + PartialEq + Send + Unpin,
    {
        let (mut shown, then) = self.begin().await;
        shown.apply(&then).await.unwrap_or_else(|error| panic!("the facts are refused: {error}"));
        let found: Vec<R> = sqlx::query_as(query)
            .fetch_all(&mut shown.connection)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(found, rows.into_iter().collect::<Vec<_>>());
    }

    /// Checks that the projection refuses the facts, for a reason that contains this text, and leaves the rows
    /// unchanged.
    pub async fn then_refused(self, reason: &str) {
        let (mut shown, then) = self.begin().await;
        let before = shown.all().await;
        let refusal = shown.apply(&then).await.expect_err("the facts must be refused").to_string();
        assert!(refusal.contains(reason), "refused for another reason: {refusal}");
        assert_eq!(shown.all().await, before, "refused facts change no rows");
    }

    /// Applies the history. Returns its rows and the facts that follow.
    async fn begin(&self) -> (Rows<'_, P>, Vec<Entry<P::Event>>) {
        let Given { projection, database, history } = &self.given;
        let facts: Vec<_> = history.iter().chain(&self.then).cloned().collect();
        let mut entries = log(&facts, P::wants);
        let then = entries.split_off(history.len());
        let mut shown = Rows::empty(projection, database, GenerationState::Live).await;
        shown.apply(&entries).await.unwrap_or_else(|error| panic!("the history is refused: {error}"));
        (shown, then)
    }
}

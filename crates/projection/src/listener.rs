use std::{io, time::Duration};

use sqlx::{
    Acquire, PgConnection, PgPool,
    postgres::{PgListener, PgNotification},
};
use tokio::time::timeout;

/// The channel that is notified whenever checkpoints move, with the payload `<projection> <generation> <position>...`:
/// `orders 1 orders.events/3@1042 orders.events/5@871`.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The channel that is notified with a projection's name whenever one of its generations is created, dropped or
/// changed, and whenever an operator asks for its parked events to be retried or dropped.
pub(crate) const CONTROL: &str = "projection";
/// How long the connection may be without notifications before it is tested: on a broken connection, none ever arrives.
pub(crate) const MAX_SILENCE: Duration = Duration::from_secs(5);

/// A connection that is notified of every change of generations, and if asked to of every move of a checkpoint. It does
/// not reconnect when it is lost, because the caller then has to read the tables.
#[derive(Debug)]
pub(crate) struct Listener(PgListener);

impl Listener {
    /// Connects and begins to listen for changes of generations.
    pub(crate) async fn open(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.eager_reconnect(false);
        listener.listen(CONTROL).await?;
        Ok(Self(listener))
    }

    /// Begins or ceases to listen for moves of checkpoints. Postgres wakes every listener at each of them.
    pub(crate) async fn listen_for_moves(&mut self, listen: bool) -> Result<(), sqlx::Error> {
        if listen { self.0.listen(CHECKPOINT).await } else { self.0.unlisten(CHECKPOINT).await }
    }

    /// The connection, for a query.
    pub(crate) async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.0.acquire().await
    }

    /// Waits for the next notification.
    pub(crate) async fn next(&mut self) -> Result<PgNotification, sqlx::Error> {
        self.0.try_recv().await?.ok_or_else(lost)
    }

    /// Waits for the next notification; `None` if none arrives in time.
    pub(crate) async fn next_within(
        &mut self,
        limit: Duration,
    ) -> Result<Option<PgNotification>, sqlx::Error> {
        timeout(limit, self.next()).await.map_or(Ok(None), |received| received.map(Some))
    }
}

/// The error of a connection that has ended and delivers no more notifications.
pub(crate) fn lost() -> sqlx::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted).into()
}

use std::{io, time::Duration};

use sqlx::{
    Acquire, PgConnection, PgPool,
    postgres::{PgListener, PgNotification},
};
use tokio::time::timeout;

/// The channel that announces every move of a checkpoint, as `<projection> <generation> <position>`:
/// `orders 1 orders.events/3@1042`.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The channel that announces a projection's name whenever one of its generations is created, dropped or changed, and
/// whenever its parked events are to be retried or dropped.
pub(crate) const CONTROL: &str = "projection";
/// How long the channels may be silent before the connection is tested: one that was cut stays silent for ever.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);

/// A connection that receives every move of a checkpoint and every change of generations. It does not reconnect when it is
/// lost: what it missed has to be read from the tables.
#[derive(Debug)]
pub(crate) struct Listener(PgListener);

impl Listener {
    /// Connects and begins to listen.
    pub(crate) async fn open(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.eager_reconnect(false);
        listener.listen_all([CHECKPOINT, CONTROL]).await?;
        Ok(Self(listener))
    }

    /// The connection, for a query.
    pub(crate) async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.0.acquire().await
    }

    /// Waits for the next notification.
    pub(crate) async fn next(&mut self) -> Result<PgNotification, sqlx::Error> {
        self.0.try_recv().await?.ok_or_else(lost)
    }

    /// Waits for the next notification; `None` if there is none for this long.
    pub(crate) async fn next_within(
        &mut self,
        silence: Duration,
    ) -> Result<Option<PgNotification>, sqlx::Error> {
        timeout(silence, self.next()).await.map_or(Ok(None), |received| received.map(Some))
    }
}

/// The connection has ended: there will be no more notifications.
pub(crate) fn lost() -> sqlx::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted).into()
}

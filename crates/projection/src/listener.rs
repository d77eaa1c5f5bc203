use std::{io, time::Duration};

use sqlx::{
    Acquire, PgConnection, PgPool,
    postgres::{PgListener, PgNotification},
};
use tokio::time::timeout;

use crate::{checkpoint::CHANNEL, generation::CONTROL};

/// How long the channels may be silent before the connection is tried: a cut one is silent for ever.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);

/// A connection on which Postgres tells of every move of a checkpoint and every change of generations. It is not made
/// again when it is lost: what it missed has to be read.
#[derive(Debug)]
pub(crate) struct Listener(PgListener);

impl Listener {
    /// Begins to listen.
    pub(crate) async fn open(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.eager_reconnect(false);
        listener.listen_all([CHANNEL, CONTROL]).await?;
        Ok(Self(listener))
    }

    /// The connection, to ask something on it.
    pub(crate) async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.0.acquire().await
    }

    /// Waits for what is told next.
    pub(crate) async fn next(&mut self) -> Result<PgNotification, sqlx::Error> {
        self.0.try_recv().await?.ok_or_else(lost)
    }

    /// Waits for what is told next; nothing if it is silent for so long.
    pub(crate) async fn next_within(
        &mut self,
        silence: Duration,
    ) -> Result<Option<PgNotification>, sqlx::Error> {
        timeout(silence, self.next()).await.map_or(Ok(None), |told| told.map(Some))
    }
}

/// The connection has ended: nothing is told any more.
pub(crate) fn lost() -> sqlx::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted).into()
}

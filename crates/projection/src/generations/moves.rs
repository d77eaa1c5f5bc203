use std::io;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use crate::{checkpoint::CHANNEL, generation::CONTROL};

/// Hears of every move of a projection's checkpoints, and of every change of its generations, from here on.
#[derive(Debug)]
pub struct Moves {
    listener: PgListener,
    projection: String,
}

impl Moves {
    /// Begins to listen, on a connection of its own.
    pub async fn listen(database: &PgConnectOptions, projection: &str) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).connect_with(database.clone()).await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen_all([CHANNEL, CONTROL]).await?;
        Ok(Self { listener, projection: projection.to_owned() })
    }

    /// Waits until something has moved since the last call. What has moved several times is told once.
    pub async fn next(&mut self) -> Result<(), sqlx::Error> {
        loop {
            let Some(notification) = self.listener.try_recv().await? else {
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted).into());
            };
            if notification.payload().split(' ').next() == Some(&self.projection) {
                while self.listener.next_buffered().is_some() {}
                return Ok(());
            }
        }
    }
}

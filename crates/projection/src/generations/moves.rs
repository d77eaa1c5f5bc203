use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::listener::Listener;

/// Hears of every move of a projection's checkpoints, and of every change of its generations, from here on.
#[derive(Debug)]
pub struct Moves {
    listener: Listener,
    projection: String,
}

impl Moves {
    /// Begins to listen, on a connection of its own.
    pub async fn listen(database: &PgConnectOptions, projection: &str) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).connect_with(database.clone()).await?;
        Ok(Self { listener: Listener::open(&pool).await?, projection: projection.to_owned() })
    }

    /// Waits until something has moved since the last call. What has moved several times is told once.
    pub async fn next(&mut self) -> Result<(), sqlx::Error> {
        loop {
            let told = self.listener.next().await?;
            if told.payload().split(' ').next() == Some(&self.projection) {
                self.listener.catch_up();
                return Ok(());
            }
        }
    }
}

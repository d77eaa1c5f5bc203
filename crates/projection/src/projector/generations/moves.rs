use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{sync::mpsc, task::JoinSet};

use crate::listener::{Listener, lost};

/// Hears of every move of a projection's checkpoints, and of every change of its generations, from here on.
#[derive(Debug)]
pub struct Moves {
    told: mpsc::Receiver<Result<(), sqlx::Error>>,
    /// Ends when this is dropped.
    _listening: JoinSet<()>,
}

impl Moves {
    /// Begins to listen, on a connection of its own.
    pub async fn listen(database: &PgConnectOptions, projection: &str) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).connect_with(database.clone()).await?;
        let listener = Listener::open(&pool).await?;
        // One that waits stands for all.
        let (tell, told) = mpsc::channel(1);
        let mut listening = JoinSet::new();
        listening.spawn(pass_on(listener, projection.to_owned(), tell));
        Ok(Self { told, _listening: listening })
    }

    /// Waits until something has moved since the last call. What has moved several times is told once.
    pub async fn next(&mut self) -> Result<(), sqlx::Error> {
        self.told.recv().await.unwrap_or_else(|| Err(lost()))
    }
}

/// Takes everything off the connection at once, whether or not anybody waits for it: what stays there keeps Postgres
/// waiting inside of a transaction, and nothing that has died since can be cleared away.
async fn pass_on(mut listener: Listener, projection: String, tell: mpsc::Sender<Result<(), sqlx::Error>>) {
    loop {
        match listener.next().await {
            Ok(told) if told.payload().split(' ').next() == Some(&projection) => drop(tell.try_send(Ok(()))),
            Ok(_) => {}
            Err(error) => return drop(tell.send(Err(error)).await),
        }
    }
}

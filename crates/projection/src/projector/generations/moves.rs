use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{sync::mpsc, task::JoinSet};

use crate::listener::{Listener, lost};

/// Every move of a projection's checkpoints and every change of its generations from now on.
#[derive(Debug)]
pub struct Moves {
    moves: mpsc::Receiver<Result<(), sqlx::Error>>,
    /// Ends when this is dropped.
    _listening: JoinSet<()>,
}

impl Moves {
    /// Begins to listen, on a connection of its own.
    pub async fn listen(database: &PgConnectOptions, projection: &str) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).connect_with(database.clone()).await?;
        let listener = Listener::open(&pool).await?;
        // One signal in the channel stands for all.
        let (sender, moves) = mpsc::channel(1);
        let mut listening = JoinSet::new();
        listening.spawn(pass_on(listener, projection.to_owned(), sender));
        Ok(Self { moves, _listening: listening })
    }

    /// Waits until something has moved since the last call, once or several times.
    pub async fn next(&mut self) -> Result<(), sqlx::Error> {
        self.moves.recv().await.unwrap_or_else(|| Err(lost()))
    }
}

/// Reads every notification at once, whether or not anybody waits for it: unread ones block the server process inside
/// of a transaction, which keeps vacuum from removing dead rows.
async fn pass_on(mut listener: Listener, projection: String, sender: mpsc::Sender<Result<(), sqlx::Error>>) {
    loop {
        match listener.next().await {
            Ok(notification) if notification.payload().split(' ').next() == Some(&projection) => {
                drop(sender.try_send(Ok(())));
            }
            Ok(_) => {}
            Err(error) => return drop(sender.send(Err(error)).await),
        }
    }
}

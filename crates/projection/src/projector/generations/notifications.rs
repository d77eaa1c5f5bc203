use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{sync::mpsc, task::JoinSet};

use crate::listener::{Listener, lost};

/// Notifications of a projection's checkpoint moves and generation changes.
#[derive(Debug)]
pub struct Notifications {
    received: mpsc::Receiver<Result<(), sqlx::Error>>,
    /// The listening task, which ends when this is dropped.
    _listening: JoinSet<()>,
}

impl Notifications {
    /// Begins to listen on a separate connection.
    pub async fn listen(database: &PgConnectOptions, projection: &str) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).connect_with(database.clone()).await?;
        let mut listener = Listener::open(&pool).await?;
        listener.listen_for_moves(true).await?;
        // Several notifications are merged into one.
        let (sender, received) = mpsc::channel(1);
        let mut listening = JoinSet::new();
        listening.spawn(forward(listener, projection.to_owned(), sender));
        Ok(Self { received, _listening: listening })
    }

    /// Waits until at least one notification has arrived since the last call.
    pub async fn next(&mut self) -> Result<(), sqlx::Error> {
        self.received.recv().await.unwrap_or_else(|| Err(lost()))
    }
}

/// Reads every notification immediately, even if no task waits for it: unread notifications block the server process
/// inside a transaction, which keeps vacuum from removing dead rows.
async fn forward(mut listener: Listener, projection: String, sender: mpsc::Sender<Result<(), sqlx::Error>>) {
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

//! Keeps a [`Freshness`] at where the projection stands, by what Postgres tells on the checkpoint's channel.

use std::{io, time::Duration};

use service_kit::health::Part;
use sqlx::{
    Acquire, PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    Freshness, Source, Stand,
    checkpoint::{self, CHANNEL},
};

/// How long connecting, or one question, may take.
const CALL: Duration = Duration::from_secs(2);
/// How long the channel may be silent before the connection is tried: a cut one is silent for ever.
const SILENCE: Duration = Duration::from_secs(5);
/// The pause before connecting again.
const RECONNECT: Duration = Duration::from_millis(200);

/// Begins to follow a projection. It ends by itself when the last clone of the answer is gone.
///
/// `partitions` is how many the topic has; a checkpoint beyond them makes the part not ready, for then every order
/// would be looked for in the wrong partition.
pub fn follow(database: &PgConnectOptions, source: Source, partitions: i32, health: Part) -> Freshness {
    follow_through(database, source, partitions, health, SILENCE)
}

/// Follows, and tries the connection after this much silence.
pub(crate) fn follow_through(
    database: &PgConnectOptions,
    source: Source,
    partitions: i32,
    health: Part,
    silence: Duration,
) -> Freshness {
    let (told, heard) = watch::channel(Stand::default());
    let pool =
        PgPoolOptions::new().max_connections(1).acquire_timeout(CALL).connect_lazy_with(database.clone());
    let follower = Follower { pool, source, partitions, told, health, silence };
    tokio::spawn(follower.run());
    Freshness::new(heard)
}

struct Follower {
    pool: PgPool,
    source: Source,
    partitions: i32,
    told: watch::Sender<Stand>,
    health: Part,
    silence: Duration,
}

impl Follower {
    async fn run(self) {
        while !self.told.is_closed() {
            if let Err(error) = self.listen().await {
                self.health.not_ready(format!("postgres: {error}"));
            }
            sleep(RECONNECT).await;
        }
    }

    /// Listens until the connection is lost. What it missed before is in the checkpoints, so they are read after
    /// listening has begun.
    async fn listen(&self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        self.look(&mut listener).await?;
        while !self.told.is_closed() {
            match timeout(self.silence, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => self.hear(notification.payload()),
                Ok(Ok(None)) => return Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
                Ok(Err(error)) => return Err(error),
                Err(_) => self.look(&mut listener).await?,
            }
        }
        Ok(())
    }

    /// Reads where the projection stands.
    async fn look(&self, listener: &mut PgListener) -> Result<(), sqlx::Error> {
        let reading = async { checkpoint::stand(listener.acquire().await?, &self.source).await };
        let stand = timeout(CALL, reading).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        match stand.highest_partition() {
            Some(highest) if highest >= self.partitions => self.health.not_ready(format!(
                "the projection has a partition {highest}, the settings say {} partitions",
                self.partitions
            )),
            _ => self.health.ready(),
        }
        self.told.send_replace(stand);
        Ok(())
    }

    /// Takes in one move; those of other projections are passed over.
    fn hear(&self, payload: &str) {
        let position = payload
            .split_once(' ')
            .filter(|(projection, _)| *projection == self.source.projection)
            .and_then(|(_, position)| position.parse::<event_log::Position>().ok())
            .filter(|position| position.topic == self.source.topic);
        if let Some(position) = position {
            self.told.send_modify(|stand| stand.set(position.partition, position.offset + 1));
        }
    }
}

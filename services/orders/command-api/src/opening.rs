//! Opening for business: until Kafka and the registry have answered and every partition is claimed, the service is up,
//! says that it is not ready, and tries on.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context;
use command_engine::{Engine, Readiness};
use event_log::{Codec, CodecError, KafkaPartitionLog, Registry, TopicsError, check_partitions};
use orders_domain::Order;
use service_kit::{
    health::{Health, Part},
    shutdown,
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{schemas::SCHEMAS, settings::Settings};

/// The pause between two tries to reach a part of the system.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the last group may take. Together with the drain of HTTP it fits in the ten seconds that a service has.
const STOP: Duration = Duration::from_millis(1_500);

/// The engine of orders, once it is there.
pub(crate) type Orders = Arc<OnceLock<Engine<Order>>>;

/// The work that leads to an engine, and ends it.
pub(crate) struct Opening {
    orders: Orders,
    work: JoinHandle<anyhow::Result<()>>,
}

impl Opening {
    /// Begins to open; a mistake that no waiting mends shuts the service down.
    pub(crate) fn begin(settings: &Settings, health: &Health, shutdown: &CancellationToken) -> Self {
        let orders = Orders::default();
        let opening = open(settings.clone(), health.clone(), Arc::clone(&orders));
        let shutdown = shutdown.clone();
        let work = tokio::spawn(async move {
            let opened = shutdown.run_until_cancelled(opening).await.unwrap_or(Ok(()));
            if opened.is_err() {
                shutdown.cancel();
            }
            opened
        });
        Self { orders, work }
    }

    pub(crate) fn orders(&self) -> Orders {
        Arc::clone(&self.orders)
    }

    /// Ends the engine: what waits is answered first. An error is the reason why the service could not open.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        self.work.await??;
        if let Some(engine) = self.orders.get() {
            shutdown::within(STOP, "commands that wait", engine.stop()).await;
        }
        info!("shut down");
        Ok(())
    }
}

async fn open(settings: Settings, health: Health, orders: Orders) -> anyhow::Result<()> {
    let topics = health.part("topics");
    let registry = health.part("registry");
    let partitions: Vec<_> =
        (0..settings.partitions).map(|number| health.part(format!("partition-{number}"))).collect();
    await_topics(&settings, &topics).await?;
    let codec = Arc::new(await_codec(&settings, &registry).await?);
    let logs =
        (0..settings.partitions).map(|number| KafkaPartitionLog::new(settings.log.clone(), number)).collect();
    let engine = Engine::start(&settings.log.topics, logs, &codec, settings.engine);
    for (part, readiness) in partitions.into_iter().zip(engine.readiness()) {
        tokio::spawn(mirror(readiness, part));
    }
    drop(orders.set(engine));
    Ok(())
}

async fn await_topics(settings: &Settings, part: &Part) -> anyhow::Result<()> {
    loop {
        let (client, topics, count) =
            (settings.log.client.clone(), settings.log.topics.clone(), settings.partitions);
        match tokio::task::spawn_blocking(move || check_partitions(&client, &topics, count)).await? {
            Ok(()) => break,
            Err(error @ TopicsError::PartitionCount { .. }) => return Err(error.into()),
            Err(error) => wait(part, "topics are not there yet", &error).await,
        }
    }
    part.ready();
    Ok(())
}

async fn await_codec(settings: &Settings, part: &Part) -> anyhow::Result<Codec> {
    let registry = Registry::new(&settings.registry_url).context("FOLDLINE_REGISTRY_URL")?;
    let codec = loop {
        match Codec::register(registry.clone(), &settings.log.topics, SCHEMAS).await {
            Ok(codec) => break codec,
            Err(error @ CodecError::Registry(_)) if error.is_transient() => {
                wait(part, "registry is not there yet", &error).await;
            }
            Err(error) => return Err(error).context("schemas cannot be registered"),
        }
    };
    part.ready();
    Ok(codec)
}

async fn wait(part: &Part, what: &str, error: &(dyn std::error::Error + Sync)) {
    warn!(%error, "{what}");
    part.not_ready(format!("{what}: {error}"));
    tokio::time::sleep(PAUSE).await;
}

/// Keeps a part of the health report as its partition is.
async fn mirror(mut readiness: watch::Receiver<Readiness>, part: Part) {
    loop {
        match readiness.borrow_and_update().clone() {
            Readiness::Ready => part.ready(),
            Readiness::NotReady(reason) => part.not_ready(reason),
        }
        if readiness.changed().await.is_err() {
            return part.not_ready("its thread has ended");
        }
    }
}

//! Opening for business: until Kafka and the registry have answered, the service is up, says that it is not ready, and
//! tries on. And closing: the partitions go to other instances first, while this one still serves.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context;
use command_engine::{
    Engine, SnapshotDatabase,
    coordination::{Coordination, CoordinationSettings},
};
use event_log::{
    Codec, CodecError, CommandWriter, KafkaPartitionLog, LogError, Owners, Registry, TopicsError,
    check_partitions,
};
use orders_domain::Order;
use service_kit::{
    health::{Component, Health},
    shutdown,
};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::{JoinHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    forwarding::ForwardContext,
    later,
    outcomes::{self, Outcomes},
    partitions,
    schemas::{COMMANDS, EVENTS},
    settings::Settings,
};

/// The pause between two tries to reach a part of the system.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the partitions may take to go to other instances. Together with the drain of HTTP and the last group it
/// fits in the ten seconds that a service has.
const LEAVE: Duration = Duration::from_millis(3_500);

/// How long the last group may take.
const STOP: Duration = Duration::from_millis(1_500);

/// The write side of orders, open.
pub(crate) struct WriteSide {
    pub(crate) engine: Arc<Engine<Order>>,
    pub(crate) codec: Arc<Codec>,
    /// Where commands go that are decided later.
    pub(crate) commands: CommandWriter,
    /// Where it is told what became of them.
    pub(crate) outcomes: Outcomes,
    coordination: Coordination<Order>,
}

/// The write side of orders, once it is open.
pub(crate) type Orders = Arc<OnceLock<WriteSide>>;

/// The work that opens the write side, and closes it.
pub(crate) struct Startup {
    orders: Orders,
    outcomes: Outcomes,
    work: JoinHandle<anyhow::Result<()>>,
    handed_over: CancellationToken,
}

impl Startup {
    /// Begins to open; a mistake that no waiting mends shuts the service down.
    pub(crate) fn begin(settings: &Settings, health: &Health, shutdown: &CancellationToken) -> Self {
        let (orders, outcomes) = (Orders::default(), Outcomes::new(&settings.database));
        let handed_over = CancellationToken::new();
        let open = open(settings.clone(), health.clone(), outcomes.clone(), shutdown.clone());
        let (place, shutdown, closed) = (Arc::clone(&orders), shutdown.clone(), handed_over.clone());
        let work = tokio::spawn(async move {
            let opened = shutdown.run_until_cancelled(open).await;
            if let Some(Ok(open)) = opened {
                let open = place.get_or_init(|| open);
                shutdown.cancelled().await;
                shutdown::within(LEAVE, "the hand-over of partitions", open.coordination.leave()).await;
                closed.cancel();
                return Ok(());
            }
            shutdown.cancel();
            closed.cancel();
            opened.map_or(Ok(()), |opened| opened.map(drop))
        });
        Self { orders, outcomes, work, handed_over }
    }

    pub(crate) fn orders(&self) -> Orders {
        Arc::clone(&self.orders)
    }

    pub(crate) fn outcomes(&self) -> Outcomes {
        self.outcomes.clone()
    }

    /// Cancelled when the service is asked to end and others have its partitions, as far as there are others: until
    /// then it goes on serving.
    pub(crate) fn handed_over(&self) -> CancellationToken {
        self.handed_over.clone()
    }

    /// Ends the engine: what waits is answered first. An error is the reason why the service could not open.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        self.work.await??;
        if let Some(open) = self.orders.get() {
            shutdown::within(STOP, "commands that wait", open.engine.stop()).await;
        }
        info!("shut down");
        Ok(())
    }
}

impl WriteSide {
    /// Who owns which partition.
    pub(crate) fn owners(&self) -> watch::Receiver<Owners> {
        self.coordination.owners()
    }

    /// The owner of some partition could not be reached.
    pub(crate) fn suspect(&self) {
        self.coordination.suspect();
    }

    /// Whether a request that another instance has sent is for the present ownership. One that came too late must not
    /// be decided: its sender may have got its answer elsewhere.
    pub(crate) fn is_meant_by(&self, trip: &ForwardContext, partition: i32) -> bool {
        trip.forwarded_to.is_none_or(|epoch| {
            self.owners().borrow().get(partition).is_some_and(|owner| owner.epoch == epoch)
        })
    }
}

async fn open(
    settings: Settings,
    health: Health,
    outcomes: Outcomes,
    end: CancellationToken,
) -> anyhow::Result<WriteSide> {
    let topics = health.component("topics");
    let registry = health.component("registry");
    let parts: Vec<_> =
        (0..settings.partitions).map(|number| health.component(format!("partition-{number}"))).collect();
    await_topics(&settings, &topics).await?;
    let codec = Arc::new(await_codec(&settings, &registry).await?);
    let engine = Arc::new(start_engine(&settings, &codec));
    let (coordination, commands) = await_kafka(&settings, &engine, &codec, &topics).await?;
    outcomes::follow(settings.log.client.clone(), settings.log.topics.clone(), outcomes.clone(), end);
    partitions::watch(parts, &engine, &coordination.owners(), &settings.log.address);
    Ok(WriteSide { engine, codec, commands, outcomes, coordination })
}

fn start_engine(settings: &Settings, codec: &Arc<Codec>) -> Engine<Order> {
    let snapshots =
        SnapshotDatabase::new(settings.database.clone(), &Handle::current(), settings.snapshots.clone());
    let partitions = (0..settings.partitions)
        .map(|number| (KafkaPartitionLog::new(settings.log.clone(), number), snapshots.partition(number)))
        .collect();
    Engine::start(&settings.log.topics, partitions, codec, &settings.engine)
}

/// Joins the other instances, and has a way to send commands.
async fn await_kafka(
    settings: &Settings,
    engine: &Arc<Engine<Order>>,
    codec: &Arc<Codec>,
    part: &Component,
) -> anyhow::Result<(Coordination<Order>, CommandWriter)> {
    loop {
        let (settings, engine, codec) = (settings.clone(), Arc::clone(engine), Arc::clone(codec));
        match spawn_blocking(move || join(&settings, engine, codec)).await? {
            Ok(joined) => {
                part.ready();
                return Ok(joined);
            }
            Err(error) => wait(part, "kafka is not there yet", &error).await,
        }
    }
}

fn join(
    settings: &Settings,
    engine: Arc<Engine<Order>>,
    codec: Arc<Codec>,
) -> Result<(Coordination<Order>, CommandWriter), LogError> {
    let commands = CommandWriter::new(&settings.log.client, &settings.log.topics)?;
    let coordination = CoordinationSettings {
        client: settings.log.client.clone(),
        topics: settings.log.topics.clone(),
        address: settings.log.address.clone(),
        instance_id: settings.instance_id.clone(),
    };
    let coordination = Coordination::start(engine, &coordination, move |record| later::read(&codec, record))?;
    Ok((coordination, commands))
}

async fn await_topics(settings: &Settings, part: &Component) -> anyhow::Result<()> {
    loop {
        let (client, topics, count) =
            (settings.log.client.clone(), settings.log.topics.clone(), settings.partitions);
        #[expect(clippy::disallowed_methods, reason = "it runs among the blocking tasks")]
        let checked = spawn_blocking(move || check_partitions(&client, &topics, count)).await?;
        match checked {
            Ok(()) => return Ok(()),
            Err(error @ TopicsError::PartitionCount { .. }) => return Err(error.into()),
            Err(error) => wait(part, "topics are not there yet", &error).await,
        }
    }
}

async fn await_codec(settings: &Settings, part: &Component) -> anyhow::Result<Codec> {
    let registry = Registry::new(&settings.registry_url).context("FOLDLINE_REGISTRY_URL")?;
    let topics = &settings.log.topics;
    let schemas = [(topics.events(), EVENTS), (topics.commands(), COMMANDS)];
    let codec = loop {
        match Codec::register(registry.clone(), &schemas).await {
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

async fn wait(part: &Component, what: &str, error: &(dyn std::error::Error + Sync)) {
    warn!(%error, "{what}");
    part.not_ready(format!("{what}: {error}"));
    tokio::time::sleep(PAUSE).await;
}

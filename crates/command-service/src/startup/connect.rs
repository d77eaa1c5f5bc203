//! Connects to the registry and to Kafka, and waits as long as it takes.

use std::{error::Error, sync::Arc, time::Duration};

use command_engine::{
    Engine, SnapshotDatabase,
    coordination::{Coordination, CoordinationSettings},
};
use event_log::{
    Codec, CodecError, CommandWriter, KafkaShardLog, LogError, RegisteredSchema, Registry, TopicsError,
    check_partitions, read_schema_ids, record_schema_ids,
};
use service_kit::health::{Component, Health};
use tokio::{
    runtime::Handle,
    task::{JoinError, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    StartupError,
    check_registry::{Failure, check_registry},
    watch_topics::watch_topics,
};
use crate::{
    CommandAggregate, Context, Settings,
    outcomes::{self, Outcomes},
    respond_async, shard_health,
    write_side::WriteSide,
};

/// The pause between two attempts to reach something.
const PAUSE: Duration = Duration::from_secs(1);

/// What it takes to make a write side.
pub(super) struct Connect {
    pub(super) context: Context,
    pub(super) settings: Settings,
    pub(super) health: Health,
    pub(super) outcomes: Outcomes,
    pub(super) shutdown: CancellationToken,
}

impl Connect {
    /// Makes the write side, step by step.
    pub(super) async fn write_side<A: CommandAggregate>(self) -> Result<WriteSide<A>, StartupError> {
        let (settings, outcomes) = (&self.settings, self.outcomes.clone());
        let topics = self.health.component("topics");
        let registry = self.health.component("registry");
        let shards = (0..settings.log.shards.count())
            .map(|number| self.health.component(format!("shard-{number}")))
            .collect();
        self.await_topics(&topics).await?;
        let codec = Arc::new(self.await_codec(&registry).await?);
        self.await_registry_check(&codec, &registry).await?;
        let engine = Arc::new(self.start_engine(&codec));
        let (coordination, commands) = self.await_kafka(&engine, &codec, &topics).await?;
        outcomes::follow(&settings.log, outcomes.clone(), self.shutdown.clone(), engine.panic_guard());
        shard_health::watch(shards, &engine, &coordination.owners(), &settings.log.address);
        watch_topics(settings.clone(), topics, self.shutdown.clone());
        Ok(WriteSide { engine, codec, commands, outcomes, coordination })
    }

    async fn await_topics(&self, component: &Component) -> Result<(), StartupError> {
        loop {
            let log = self.settings.log.clone();
            #[expect(clippy::disallowed_methods, reason = "it runs on a blocking thread")]
            match spawn_blocking(move || check_partitions(&log.client, &log.topics, log.shards)).await? {
                Ok(()) => return Ok(()),
                Err(error @ TopicsError::PartitionCount { .. }) => return Err(error.into()),
                Err(error) => wait(component, "topics are not there yet", &error).await,
            }
        }
    }

    /// Registers the schemas. If the registry does not answer, the ids that an earlier start has recorded will do.
    async fn await_codec(&self, component: &Component) -> Result<Codec, StartupError> {
        let registry = Registry::new(&self.settings.registry_url).map_err(StartupError::RegistryUrl)?;
        let topics = &self.settings.log.topics;
        let schemas = [(topics.events(), self.context.events), (topics.commands(), self.context.commands)];
        loop {
            let error = match Codec::register(registry.clone(), &schemas).await {
                Err(error @ CodecError::Registry(_)) if error.is_transient() => error,
                registered => return registered.map_err(StartupError::Schemas),
            };
            let recorded = self.recorded_ids().await?;
            match Codec::recorded(registry.clone(), &schemas, &recorded).map_err(StartupError::Schemas)? {
                Some(codec) => {
                    warn!(%error, "starting without the registry, with the schema ids that are recorded");
                    return Ok(codec);
                }
                None => wait(component, "registry is not there yet", &error).await,
            }
        }
    }

    /// The schema ids that are recorded; none if Kafka does not answer either.
    async fn recorded_ids(&self) -> Result<Vec<RegisteredSchema>, StartupError> {
        let log = self.settings.log.clone();
        let recorded = spawn_blocking(move || read_schema_ids(&log.client, &log.topics)).await?;
        Ok(recorded.unwrap_or_else(|error| {
            warn!(%error, "the recorded schema ids cannot be read");
            Vec::new()
        }))
    }

    /// Checks that the registry is that of the log, and records the ids that it gave.
    async fn await_registry_check(
        &self,
        codec: &Arc<Codec>,
        component: &Component,
    ) -> Result<(), StartupError> {
        loop {
            match self.check_and_record(codec).await? {
                Ok(()) => {
                    component.ready();
                    return Ok(());
                }
                Err(Failure::Transient(error)) => {
                    wait(component, "schema ids cannot be checked yet", &*error).await;
                }
                Err(Failure::Final(error)) => return Err(error),
            }
        }
    }

    async fn check_and_record(&self, codec: &Arc<Codec>) -> Result<Result<(), Failure>, JoinError> {
        let (log, checked) = (self.settings.log.clone(), Arc::clone(codec));
        let check = move || {
            check_registry(&log.client, &log.topics.events(), &checked)?;
            read_schema_ids(&log.client, &log.topics).map_err(Failure::transient)
        };
        let recorded = match spawn_blocking(check).await? {
            Ok(recorded) => recorded,
            Err(failure) => return Ok(Err(failure)),
        };
        let new: Vec<_> = codec.registered().iter().filter(|one| !recorded.contains(one)).cloned().collect();
        let log = &self.settings.log;
        Ok(record_schema_ids(&log.client, &log.topics, &new).await.map_err(Failure::transient))
    }

    fn start_engine<A: CommandAggregate>(&self, codec: &Arc<Codec>) -> Engine<A> {
        let Settings { database, snapshots, log, engine, .. } = &self.settings;
        let snapshots = SnapshotDatabase::new(database.clone(), &Handle::current(), snapshots.clone());
        let shard = |number| KafkaShardLog::new(log.clone(), number);
        let partition = |number| snapshots.partition(number);
        Engine::start(&log.topics, log.shards, shard, partition, codec, engine)
    }

    /// Joins the other instances, and makes the producer of commands.
    async fn await_kafka<A: CommandAggregate>(
        &self,
        engine: &Arc<Engine<A>>,
        codec: &Arc<Codec>,
        component: &Component,
    ) -> Result<(Coordination<A>, CommandWriter), StartupError> {
        loop {
            let (settings, engine, codec) = (self.settings.clone(), Arc::clone(engine), Arc::clone(codec));
            match spawn_blocking(move || join(&settings, engine, codec)).await? {
                Ok(joined) => {
                    component.ready();
                    return Ok(joined);
                }
                Err(error) => wait(component, "kafka is not there yet", &error).await,
            }
        }
    }
}

fn join<A: CommandAggregate>(
    settings: &Settings,
    engine: Arc<Engine<A>>,
    codec: Arc<Codec>,
) -> Result<(Coordination<A>, CommandWriter), LogError> {
    let commands = CommandWriter::new(&settings.log.client, &settings.log.topics)?;
    let coordination = CoordinationSettings {
        client: settings.log.client.clone(),
        topics: settings.log.topics.clone(),
        address: settings.log.address.clone(),
        instance_id: settings.instance_id.clone(),
    };
    let decode = move |record: &_| respond_async::decode::<A>(&codec, record);
    Ok((Coordination::start(engine, &coordination, decode)?, commands))
}

async fn wait(component: &Component, what: &str, error: &(dyn Error + Sync)) {
    warn!(%error, "{what}");
    component.not_ready(format!("{what}: {error}"));
    tokio::time::sleep(PAUSE).await;
}

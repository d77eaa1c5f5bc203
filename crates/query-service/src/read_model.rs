use std::{sync::Arc, time::Duration};

use aggregate::AggregateId;
use projection::{Source, follow};
use service_kit::{health::Component, json::id_field};
use sqlx::{
    Connection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{Projection, Settings, WaitLimits, problems::AggregateProblems};

/// A connection that was used more recently than this is not tested before it is used again.
const RECENTLY: Duration = Duration::from_secs(1);

/// The database that the projectors of a context fill. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct ReadModel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    connect: PgConnectOptions,
    topic: String,
    partitions: i32,
    wait_limits: WaitLimits,
    aggregate_id_field: String,
    problems: AggregateProblems,
}

impl ReadModel {
    /// The read model of a context with one kind of aggregate, called `aggregate` (`order`). It connects when the first
    /// query comes.
    pub fn connect(settings: &Settings, aggregate: &str) -> Self {
        let database = &settings.database;
        let application = format!("{}-query-api", settings.topics.context());
        let pool = PgPoolOptions::new()
            .max_connections(database.connections.get())
            .acquire_timeout(database.acquire_timeout)
            .test_before_acquire(false)
            // A connection that was idle may be dead, because Postgres was restarted.
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for >= RECENTLY {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options(&database.connect, &application));
        Self(Arc::new(Inner {
            pool,
            connect: database.connect.clone(),
            topic: settings.topics.events(),
            partitions: settings.partitions,
            wait_limits: settings.wait_limits,
            aggregate_id_field: id_field(aggregate),
            problems: AggregateProblems::new(aggregate),
        }))
    }

    /// Follows the checkpoints of projections of this database, through one connection. The component is ready while
    /// Postgres answers.
    pub fn follow<const N: usize>(
        &self,
        projections: [&'static str; N],
        health: Component,
    ) -> [Projection; N] {
        let source = |name: &str| Source { projection: name.to_owned(), topic: self.topic().to_owned() };
        let watches = follow(&self.0.connect, projections.map(source), self.partitions(), health);
        let mut names = projections.into_iter();
        watches.map(|checkpoints| {
            let name = names.next().expect("there is a name for each");
            Projection::new(name, checkpoints, self.clone())
        })
    }

    /// The connections of queries. Statements are planned once, without regard to their parameters.
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// A read-only transaction whose statements are planned anew each time. For queries with filters that may be absent:
    /// one plan for all combinations would serve none of them well.
    pub async fn begin_planned(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.0.pool.begin_with("BEGIN READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan").await
    }

    /// The topic that everything here is projected from.
    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    /// How many partitions that topic has.
    pub fn partitions(&self) -> i32 {
        self.0.partitions
    }

    /// What the id of an aggregate is called in JSON: `order_id`.
    pub(crate) fn aggregate_id_field(&self) -> &str {
        &self.0.aggregate_id_field
    }

    pub(crate) fn partition_of(&self, id: &AggregateId) -> i32 {
        event_log::partition_of(id, self.0.partitions)
    }

    pub(crate) fn wait_limits(&self) -> WaitLimits {
        self.0.wait_limits
    }

    pub(crate) fn problems(&self) -> &AggregateProblems {
        &self.0.problems
    }
}

/// Most queries look rows up by their keys: planning them each time would take longer than running them.
fn options(connect: &PgConnectOptions, application: &str) -> PgConnectOptions {
    connect.clone().application_name(application).options([("plan_cache_mode", "force_generic_plan")])
}

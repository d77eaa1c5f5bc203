use std::{sync::Arc, time::Duration};

use aggregate::AggregateId;
use projection::{Source, follow};
use service_kit::{health::Component, json::id_field};
use sqlx::{
    Connection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{Projection, Settings, WaitLimits, problems::AggregateProblems};

/// A connection that was idle for less than this is not tested before it is used again.
const TEST_AFTER_IDLE: Duration = Duration::from_secs(1);

/// The database that the projectors of a context fill, for queries about one kind of aggregate. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct ReadModel {
    database: Arc<Database>,
    aggregate: Arc<AggregateNames>,
}

#[derive(Debug)]
struct Database {
    pool: PgPool,
    connect: PgConnectOptions,
    topic: String,
    partitions: i32,
    wait_limits: WaitLimits,
}

/// The name of a kind of aggregate, and what contains that name.
#[derive(Debug)]
struct AggregateNames {
    kind: String,
    id_field: String,
    problems: AggregateProblems,
}

impl ReadModel {
    /// The read model of a context, for queries about the kind `aggregate` (`order`). It connects on the first query.
    pub fn connect(settings: &Settings, aggregate: &str) -> Self {
        let database = &settings.database;
        let application = format!("{}-query-api", settings.topics.context());
        let pool = PgPoolOptions::new()
            .max_connections(database.connections.get())
            .acquire_timeout(database.acquire_timeout)
            .test_before_acquire(false)
            // An idle connection may be dead because Postgres was restarted.
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for >= TEST_AFTER_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options(&database.connect, &application));
        let database = Database {
            pool,
            connect: database.connect.clone(),
            topic: settings.topics.events(),
            partitions: settings.partitions,
            wait_limits: settings.wait_limits,
        };
        Self { database: Arc::new(database), aggregate: Arc::new(AggregateNames::new(aggregate)) }
    }

    /// The same database, for queries about another kind of aggregate.
    pub(crate) fn of(&self, aggregate: &str) -> Self {
        Self { database: Arc::clone(&self.database), aggregate: Arc::new(AggregateNames::new(aggregate)) }
    }

    /// Follows the checkpoints of projections of this database through one connection. The component is ready while
    /// Postgres responds.
    pub fn follow<const N: usize>(
        &self,
        projections: [&'static str; N],
        health: Component,
    ) -> [Projection; N] {
        let source = |name: &str| Source { projection: name.to_owned(), topic: self.topic().to_owned() };
        let watches = follow(&self.database.connect, projections.map(source), self.partitions(), health);
        let mut names = projections.into_iter();
        watches.map(|checkpoints| {
            let name = names.next().expect("there is one name for each watch");
            Projection::new(name, checkpoints, self.clone())
        })
    }

    /// The connection pool for queries. Statements are planned once, regardless of their parameters.
    pub fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    /// A read-only transaction whose statements are planned each time. It is for queries with optional filters: one
    /// plan for all combinations of filters would be a bad plan for most of them.
    pub async fn begin_planned(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.database.pool.begin_with("BEGIN READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan").await
    }

    /// The topic that the read model is projected from.
    pub fn topic(&self) -> &str {
        &self.database.topic
    }

    /// How many partitions that topic has.
    pub fn partitions(&self) -> i32 {
        self.database.partitions
    }

    /// The kind of aggregate that the queries are about: `order`.
    pub(crate) fn aggregate_kind(&self) -> &str {
        &self.aggregate.kind
    }

    /// The name of the aggregate's id in JSON: `order_id`.
    pub(crate) fn aggregate_id_field(&self) -> &str {
        &self.aggregate.id_field
    }

    pub(crate) fn partition_of(&self, id: &AggregateId) -> i32 {
        event_log::partition_of(id, self.database.partitions)
    }

    pub(crate) fn wait_limits(&self) -> WaitLimits {
        self.database.wait_limits
    }

    pub(crate) fn problems(&self) -> &AggregateProblems {
        &self.aggregate.problems
    }
}

impl AggregateNames {
    fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), id_field: id_field(kind), problems: AggregateProblems::new(kind) }
    }
}

/// Generic plans by default: most queries look up rows by key, and planning those each time would take longer than
/// running them.
fn options(connect: &PgConnectOptions, application: &str) -> PgConnectOptions {
    connect.clone().application_name(application).options([("plan_cache_mode", "force_generic_plan")])
}

//! The questions in SQL. Each is one statement, so that its rows and the checkpoints beside them are of one snapshot.

mod changes;
mod customer_totals;
mod history;
mod order;
mod orders;
mod past;
mod row;

use std::time::Duration;

use projection::Source;
use sqlx::{
    Connection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub(crate) use customer_totals::TotalsOf;
pub(crate) use history::OneHistory;
pub(crate) use order::OneOrder;
pub(crate) use orders::{After, Filter, ManyOrders};
pub(crate) use past::OnePast;

use crate::settings::DatabaseSettings;

/// A connection that was used a moment ago is not tried before it is used again.
const MOMENT: Duration = Duration::from_secs(1);

/// The rows that the projector of orders keeps.
#[derive(Debug, Clone)]
pub(crate) struct ReadModel {
    pool: PgPool,
    source: Source,
    partitions: i32,
}

impl ReadModel {
    /// Connects when first asked.
    pub(crate) fn new(settings: &DatabaseSettings, source: Source, partitions: i32) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections.get())
            .acquire_timeout(settings.acquire_timeout)
            .test_before_acquire(false)
            // What has lain idle may have died with a Postgres that was restarted.
            .before_acquire(|connection, past| {
                Box::pin(async move {
                    if past.idle_for >= MOMENT {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options(&settings.connect));
        Self { pool, source, partitions }
    }

    /// For questions with filters that may be absent: a plan made once for all of them would serve none.
    async fn begin_planning(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool.begin_with("BEGIN READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan").await
    }
}

/// Most questions are for rows by their keys, whichever they are: planning each anew would take longer than answering it.
fn options(connect: &PgConnectOptions) -> PgConnectOptions {
    connect.clone().application_name("orders-query-api").options([("plan_cache_mode", "force_generic_plan")])
}

use projection::{CheckpointWatch, Source, follow};
use service_kit::health::Health;
use tokio_util::sync::CancellationToken;

use crate::{
    changes::Changes,
    read_model::ReadModel,
    settings::{Settings, WaitLimits},
};

/// The projection of the tables `orders` and `order_lines`.
pub(crate) const ORDERS: &str = "orders";
/// The projection of the table `order_journal`.
pub(crate) const ORDER_JOURNAL: &str = "order_journal";
/// The projection of the table `customer_totals`.
pub(crate) const CUSTOMER_TOTALS: &str = "customer_totals";

/// What every question needs. Each projection of the database is as fresh as its own checkpoints say: a question asks
/// the one whose tables it reads.
#[derive(Debug, Clone)]
pub(crate) struct ReadState {
    pub(crate) read_model: ReadModel,
    /// How fresh [`ORDERS`] is.
    pub(crate) orders: CheckpointWatch,
    /// How fresh [`ORDER_JOURNAL`] is.
    pub(crate) journal: CheckpointWatch,
    /// How fresh [`CUSTOMER_TOTALS`] is.
    pub(crate) customer_totals: CheckpointWatch,
    /// Streams of what happens.
    pub(crate) changes: Changes,
    pub(crate) topic: String,
    pub(crate) partitions: i32,
    pub(crate) patience: WaitLimits,
}

impl ReadState {
    pub(crate) fn open(settings: &Settings, health: &Health, shutdown: &CancellationToken) -> Self {
        let topic = settings.topics.events();
        let source = |projection: &str| Source { projection: projection.to_owned(), topic: topic.clone() };
        let (database, partitions) = (&settings.database, settings.partitions);
        let sources = [ORDERS, ORDER_JOURNAL, CUSTOMER_TOTALS].map(source);
        let [orders, journal, customer_totals] =
            follow(&database.connect, sources, partitions, health.component("read model"));
        let read_model = ReadModel::new(database, source(ORDERS), partitions);
        let changes = Changes::follow(
            read_model.clone(),
            journal.moves(),
            settings.changes,
            partitions,
            shutdown.clone(),
        );
        Self {
            read_model,
            changes,
            orders,
            journal,
            customer_totals,
            topic,
            partitions,
            patience: settings.patience,
        }
    }
}

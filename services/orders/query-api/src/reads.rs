use aggregate::Aggregate;
use orders_domain::Order;
use query_service::{Changes, JOURNAL, Journal, Projection, ReadModel, Settings};
use service_kit::health::Health;
use tokio_util::sync::CancellationToken;

/// The projections that the queries read. Each has checkpoints of its own: a query waits for the one whose tables it
/// reads.
#[derive(Debug, Clone)]
pub(crate) struct Reads {
    /// The tables `orders` and `order_lines`.
    pub(crate) orders: Projection,
    /// The table `customer_totals`.
    pub(crate) customer_totals: Projection,
    /// History and earlier states.
    pub(crate) journal: Journal,
    /// Events as they happen.
    pub(crate) changes: Changes,
}

impl Reads {
    pub(crate) fn follow(settings: &Settings, health: &Health, shutdown: &CancellationToken) -> Self {
        let read_model = ReadModel::connect(settings, Order::NAME);
        let [orders, customer_totals, journal] =
            read_model.follow(["orders", "customer_totals", JOURNAL], health.component("read model"));
        Self {
            orders,
            customer_totals,
            changes: Changes::follow(
                journal.clone(),
                Some("customer_id"),
                settings.changes,
                shutdown.clone(),
            ),
            journal: Journal::new(journal),
        }
    }
}

//! Poisoned records: events that the tables of a projection refuse, and records that are not events.

use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer},
};
use std::time::Duration;
use test_kit::TestEnvironment;
use uuid::Uuid;

use crate::database;

/// The projections `orders` and `customer_totals` refuse every event of an order of this customer.
pub(crate) const CUSTOMER: &str = "refused";
/// The projections `orders` and `journal` refuse a cancellation with this reason. It is the last event of an order, so
/// the rest of the batch makes no difference.
pub(crate) const REASON: &str = "refused";

/// Adds constraints that make each projection refuse some events. They differ between projections.
pub(crate) async fn refuse(environment: &TestEnvironment) {
    let refuse = format!(
        "ALTER TABLE orders
           ADD CONSTRAINT customer_is_allowed CHECK (customer_id <> '{CUSTOMER}'),
           ADD CONSTRAINT reason_is_allowed CHECK (cancellation_reason <> '{REASON}');
         ALTER TABLE journal
           ADD CONSTRAINT reason_is_allowed CHECK (event ->> 'reason' <> '{REASON}');
         ALTER TABLE customer_open_orders
           ADD CONSTRAINT customer_is_allowed CHECK (customer_id <> '{CUSTOMER}')"
    );
    sqlx::raw_sql(&refuse).execute(&mut database::connect(environment).await).await.unwrap();
}

/// Whether the next write is poisoned: one in fifty is.
pub(crate) fn is_due(random: &mut fastrand::Rng) -> bool {
    random.u8(..50) == 0
}

/// Writes records that are not events to the log: under new keys, without a key, and under the key of a live order,
/// which is then parked. It blocks.
pub(crate) fn write_invalid_records(
    environment: &TestEnvironment,
    live_order: Option<Uuid>,
    random: &mut fastrand::Rng,
) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &environment.servers.brokers)
        .set("partitioner", "murmur2_random")
        .create()
        .unwrap();
    let topic = environment.topic("orders.events");
    let new_key = Uuid::from_u128(random.u128(..));
    let keys =
        [None, live_order, Some(new_key)].into_iter().chain((0..random.usize(..20)).map(|_| Some(new_key)));
    for key in keys {
        let key = key.map(|key| key.to_string()).unwrap_or_default();
        let payload: Vec<u8> = (0..random.usize(..40)).map(|_| random.u8(..)).collect();
        let mut record = BaseRecord::<str, [u8]>::to(&topic);
        record.key = (!key.is_empty()).then_some(&key);
        record.payload = (random.u8(..5) > 0).then_some(&payload);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
}

//! Passes librdkafka's log lines and errors to `tracing`. What the library recovers from by itself is logged at a low
//! level.

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
    message::DeliveryResult,
    producer::ProducerContext,
};
use tracing::{debug, warn};

/// A client context without further callbacks.
pub(super) struct KafkaLogContext;

impl ClientContext for KafkaLogContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report(&error, reason);
    }
}

impl ConsumerContext for KafkaLogContext {}

/// The commit of a transaction fails if one of its records was not delivered, so nothing is done here.
impl ProducerContext for KafkaLogContext {
    type DeliveryOpaque = ();

    fn delivery(&self, _result: &DeliveryResult<'_>, _opaque: ()) {}
}

/// Logs a line of librdkafka.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            warn!(facility, "{message}");
        }
        _ => debug!(facility, "{message}"),
    }
}

/// Logs an error of the client as a whole. The library retries; a call that fails because of it returns the error
/// itself.
pub(super) fn report(error: &KafkaError, reason: &str) {
    if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
        debug!(%error, reason, "kafka client");
    }
}

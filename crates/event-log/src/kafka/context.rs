//! How librdkafka's own words reach our log: what it handles itself is of no interest to those on call.

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
};
use tracing::{debug, warn};

/// The context of a client that needs no call-backs of its own.
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

/// A line of the library's log.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            warn!(facility, "{message}");
        }
        _ => debug!(facility, "{message}"),
    }
}

/// An error that concerns the client as a whole. The library retries; a call that fails for it says so itself.
pub(super) fn report(error: &KafkaError, reason: &str) {
    if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
        debug!(%error, reason, "kafka client");
    }
}

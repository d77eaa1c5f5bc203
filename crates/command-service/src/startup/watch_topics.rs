//! Notices when somebody changes the number of a topic's partitions while the service runs: the aggregates would then
//! belong to other partitions, and commands in a new partition would never be decided.

use event_log::{TopicsError, check_partitions};
use metrics::gauge;
use service_kit::health::Component;
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::Settings;

/// Checks the topics regularly, in a task of its own.
pub(super) fn watch_topics(settings: Settings, component: Component, shutdown: CancellationToken) {
    tokio::spawn(shutdown.run_until_cancelled_owned(watch(settings, component)));
}

async fn watch(settings: Settings, component: Component) {
    let mut is_right = true;
    loop {
        sleep(settings.topics_check_interval).await;
        let log = settings.log.clone();
        #[expect(clippy::disallowed_methods, reason = "it runs on a blocking thread")]
        let check = spawn_blocking(move || check_partitions(&log.client, &log.topics, log.shards));
        match check.await {
            Ok(Err(wrong @ (TopicsError::PartitionCount { .. } | TopicsError::Missing(_)))) => {
                if is_right {
                    error!(error = %wrong, "the topics have changed: {wrong}");
                }
                is_right = false;
                component.not_ready(wrong.to_string());
            }
            Ok(Ok(())) => {
                is_right = true;
                component.ready();
            }
            // Kafka does not answer, which other components show.
            _ => {}
        }
        gauge!("event_log_topics_changed").set(f64::from(u8::from(!is_right)));
    }
}

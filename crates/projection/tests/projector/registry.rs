//! An event is parked only if the registry itself answers that the schema does not exist. While the registry does not
//! answer, or another server answers in its place, the projector waits.

use event_log::NewRecord;
use projection::kit::{Running, batches_of};
use test_kit::{ConnectionFault, Servers, TcpProxy, TestEnvironment, eventually};

use crate::{
    environment::prepared,
    events::{closed, deposited, new_account, opened},
    expected::{expected, rows},
    log::{accounts, log_of},
    parked::{parked, until_parked},
    running::start,
};

/// The responses of a gateway without a route to the registry, and of one that cannot reach it.
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\nconnection: close\r\n\r\nnot found";
const UNAVAILABLE: &str =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

const FAULTS: [ConnectionFault; 4] = [
    ConnectionFault::Refused,
    ConnectionFault::Held,
    ConnectionFault::Answered(NOT_FOUND),
    ConnectionFault::Answered(UNAVAILABLE),
];

/// Sets a schema id that no registry has, different for each version.
fn set_unknown_schema(record: &mut NewRecord) {
    let version = u8::try_from(record.envelope.version.0).unwrap();
    record.payload[1..5].copy_from_slice(&[0x7f, 0, 0, version]);
}

/// The same environment with the registry behind a proxy.
fn behind(proxy: &TcpProxy, environment: &TestEnvironment) -> TestEnvironment {
    let registry_url = proxy.rewrite(&environment.servers.registry_url);
    TestEnvironment {
        servers: Servers { registry_url, ..environment.servers.clone() },
        ..environment.clone()
    }
}

async fn until_registry_is_missing(running: &Running) {
    eventually("the registry is reported as missing", || async {
        !running.is_ready() && running.state().contains("schema registry")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_schema_parks_an_event_and_an_unavailable_registry_does_not() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let mut proxy = TcpProxy::in_front_of(&environment.servers.registry_url).await;
    let running = start(&behind(&proxy, &environment), "registry", batches_of(500));
    running.until_ready().await;
    // Each time, an event whose schema has not been fetched yet, and then one whose schema does not exist.
    let mut first = [opened("Ada"), deposited(2), closed("moved away")].into_iter();
    let id = new_account();
    for (trouble, version) in FAULTS.into_iter().zip(1..) {
        proxy.inject(trouble).await;
        if let Some(event) = first.next() {
            log.append(&id, version, event).await;
        }
        log.append_corrupt(&new_account(), version, &closed("moved away"), set_unknown_schema).await;
        until_registry_is_missing(&running).await;
        let before = usize::try_from(version).unwrap() - 1;
        assert_eq!(parked(&environment).await.len(), before, "{trouble:?}");

        proxy.heal().await;
        until_parked(&environment, before + 1).await;
        running.until_applied(log.events()).await;
        running.until_ready().await;
        assert_eq!(rows(&environment).await, expected(&log), "{trouble:?}");
    }
    for (_, _, cause, reason) in parked(&environment).await {
        assert_eq!(cause.as_deref(), Some("payload"));
        assert!(reason.unwrap().starts_with("the registry has no avro schema with the id"));
    }
    running.end().await;
}

/// It waits even though there is nothing to read yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_starts_without_its_registry_waits_for_it() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let mut proxy = TcpProxy::in_front_of(&environment.servers.registry_url).await;
    proxy.inject(ConnectionFault::Refused).await;
    let running = start(&behind(&proxy, &environment), "early", batches_of(500));
    until_registry_is_missing(&running).await;

    proxy.heal().await;
    running.until_ready().await;
    log.append_new(accounts(10)).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

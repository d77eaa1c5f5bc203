use std::{net::TcpListener, time::Duration};

use event_log::{Registry, RegistryError, SchemaFile};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    codec::{V1, V2, counted, register, registry, schema_id},
    support::{Log, RUNTIME, error},
};

const SUBJECT: &str = "foldline.tests.Counted";

/// Like version 2, but without a default for the field that version 1 does not have.
const INCOMPATIBLE_WITH_FIRST: SchemaFile = SchemaFile {
    version: 3,
    text: r#"{"type": "record", "namespace": "foldline.tests", "name": "Counted",
        "fields": [{"name": "by", "type": "long"}, {"name": "tags", "type": {"type": "array", "items": "string"}},
                   {"name": "note", "type": "string"}]}"#,
};

const WITH_ANOTHER_TYPE: SchemaFile = SchemaFile {
    version: 2,
    text: r#"{"type": "record", "namespace": "foldline.tests", "name": "Counted",
        "fields": [{"name": "by", "type": "string"}]}"#,
};

#[test]
fn registering_again_returns_the_same_ids() {
    let log = Log::without_topics();
    for files in [&[V1][..], &[V1, V2]] {
        let [first, second] = [(); 2].map(|()| register(&log, files).unwrap().encode(&counted()).unwrap());
        assert_eq!(schema_id(&first), schema_id(&second));
    }
}

#[test]
fn an_incompatible_version_is_refused_with_the_reason() {
    let log = Log::without_topics();
    register(&log, &[V1, V2]).unwrap();
    // Versions 2 and 3 can read each other; only transitive compatibility refuses version 3.
    for files in [&[V1, WITH_ANOTHER_TYPE][..], &[V1, V2, INCOMPATIBLE_WITH_FIRST]] {
        let refused = error(register(&log, files));
        assert!(!refused.is_transient(), "{refused}");
        let message = refused.to_string();
        assert!(message.contains("ncompatible"), "{message}");
        assert!(message.contains(SUBJECT), "the error names the subject: {message}");
    }
    register(&log, &[V1, V2]).unwrap();
}

#[test]
fn every_subject_requires_full_transitive_compatibility() {
    let log = Log::without_topics();
    register(&log, &[V1]).unwrap();
    let url = format!("{}/config/{}-{SUBJECT}", log.environment.servers.registry_url, log.topics.events());
    let config: Value = RUNTIME.block_on(async { reqwest::get(url).await.unwrap().json().await.unwrap() });
    assert_eq!(config["compatibilityLevel"], "FULL_TRANSITIVE");
}

#[test]
fn a_running_registry_answers() {
    RUNTIME.block_on(registry(&Log::without_topics()).is_there()).unwrap();
}

#[test]
fn a_registry_that_never_answers_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let registry = Registry::new(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
    RUNTIME.block_on(async {
        let calls = async {
            tokio::join!(
                registry.register("subject", V1.text),
                registry.require_full_compatibility("subject"),
                registry.is_there(),
                registry.schema(1),
            )
        };
        let (registered, required, there, schema) = timeout(Duration::from_secs(30), calls).await.unwrap();
        let errors = [error(registered), error(required), error(there), error(schema)];
        assert!(errors.iter().all(RegistryError::is_transient), "{errors:?}");
    });
}

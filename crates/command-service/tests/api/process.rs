//! Serves the accounts in a separate process that can be killed: this test program, started again to run a single test.

use command_service::{Settings, Startup, router};
use service_kit::{Start, http, start};
use test_kit::{Service, TestEnvironment};

use crate::{
    account::{ACCOUNTS, routes},
    environment::{PARTITIONS, SHARDS, database_url},
};

/// Starts the process.
pub(crate) fn start_process(environment: &TestEnvironment) -> Service {
    let settings = [
        ("FOLDLINE_DATABASE_URL", database_url(environment)),
        ("FOLDLINE_TOPIC_PARTITIONS", PARTITIONS.to_string()),
        ("FOLDLINE_SHARDS", SHARDS.to_string()),
        // On a busy machine a commit may time out, and the shard is then claimed again. Requests wait that long.
        ("FOLDLINE_FORWARD_WAIT", "6s".to_owned()),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    Service::command_api_in_test(environment, ACCOUNTS.name, "process::serves_accounts", &settings)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "other tests start it as a process"]
async fn serves_accounts() {
    if std::env::var_os("FOLDLINE_HTTP_ADDRESS").is_none() {
        return;
    }
    let Start { settings, health, shutdown } =
        start(&ACCOUNTS.admin_address(), |environment| Settings::read(environment, &ACCOUNTS)).await.unwrap();
    let listener = settings.http.listen().await.unwrap();
    let startup = Startup::begin(&ACCOUNTS, &settings, &health, &shutdown);
    http::serve(router(routes(), &startup), listener, &settings.http.limits, startup.handed_over()).await;
    startup.finish().await.unwrap();
}

//! The query API of {{plural_words}}: serves the read model over HTTP. A query can wait for a consistency token.

mod routes;
mod {{aggregate}};
mod {{plural}};

use aggregate::Aggregate;
use query_service::{Changes, JOURNAL, Journal, ReadModel, Settings};
use service_kit::{Start, http, start};
use {{context}}_domain::{{Aggregate}};

use crate::routes::Reads;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let read = |environment: &mut _| Settings::read(environment, "{{context}}", "127.0.0.1:{{query_port}}");
    let Start { settings, health, shutdown } = start("127.0.0.1:{{query_admin_port}}", read).await?;

    let listener = settings.http.listen().await?;
    let read_model = ReadModel::connect(&settings, {{Aggregate}}::NAME);
    let [{{plural}}, journal] = read_model.follow(["{{plural}}", JOURNAL], health.component("read model"));
    let changes = Changes::follow(journal.clone(), None, settings.changes, shutdown.clone());
    let router = routes::router(Reads { {{plural}}, journal: Journal::new(journal) }, &changes);
    http::serve(router, listener, &settings.http.limits, shutdown).await;
    Ok(())
}

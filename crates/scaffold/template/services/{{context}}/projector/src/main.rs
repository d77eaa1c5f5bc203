//! The projector of {{plural_words}}: it fills the tables of each projection from their events in Kafka. The journal is
//! part of the platform; history, time travel and the change stream read from it.

mod {{plural}};

use projection::{Journal, Projectors, Settings};
use service_kit::{Start, start};

use crate::{{plural}}::{{Plural}};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Start { settings, health, shutdown } =
        start("127.0.0.1:{{projector_admin_port}}", |environment| Settings::read(environment, "{{context}}")).await?;

    let mut projectors = Projectors::new("{{package}}-projector", settings, health, shutdown)?;
    projectors.run({{Plural}});
    projectors.run(Journal);
    Ok(projectors.until_shutdown().await?)
}

//! The projector of {{plural_words}}: their events in Kafka become the tables of each projection. The platform brings the
//! journal, which history, time travel and the change stream are read from.

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

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Subcommand;

/// How long a service may take to respond.
const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Subcommand)]
pub(crate) enum Health {
    /// Succeed if a service's health check responds with 2xx within 3 seconds; for containers and scripts.
    #[command(after_help = "Example:\n  foldline health check http://127.0.0.1:9101/health/ready")]
    Check {
        /// The URL of the health check.
        #[arg(value_name = "URL")]
        url: String,
    },
}

impl Health {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self::Check { url } = self;
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let response = client.get(&url).send().await.with_context(|| format!("{url} does not respond"))?;
        let status = response.status();
        ensure!(status.is_success(), "{url} responded with {status}: {}", response.text().await?);
        Ok(())
    }
}

use std::time::Duration;

use anyhow::{Context, ensure};

/// Asks a service's health check once.
pub(crate) async fn check(url: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).build()?;
    let answer = client.get(url).send().await.with_context(|| format!("{url} does not answer"))?;
    let status = answer.status();
    ensure!(status.is_success(), "{url} answers {status}: {}", answer.text().await?);
    Ok(())
}

//! The settings, from the environment.

use std::{env, str::FromStr};

use anyhow::Context as _;

pub(crate) struct Settings {
    /// `PEER_ADDRESS`: where it listens, as `host:port`.
    pub(crate) address: String,
    /// `PEER_DATABASE_URL`: its own database.
    pub(crate) database_url: String,
    /// `PEER_CONNECTIONS`: the size of the pool.
    pub(crate) connections: u32,
    /// `PEER_SNAPSHOT_EVERY`: the number of events of an order after which a snapshot is written; 0: never.
    pub(crate) snapshot_every: usize,
}

impl Settings {
    pub(crate) fn read() -> anyhow::Result<Self> {
        Ok(Self {
            address: variable("PEER_ADDRESS")?,
            database_url: variable("PEER_DATABASE_URL")?,
            connections: variable("PEER_CONNECTIONS")?,
            snapshot_every: variable("PEER_SNAPSHOT_EVERY")?,
        })
    }
}

fn variable<T: FromStr>(name: &str) -> anyhow::Result<T> {
    let text = env::var(name).with_context(|| format!("{name} is not set"))?;
    text.parse().ok().with_context(|| format!("{name} is invalid: {text}"))
}

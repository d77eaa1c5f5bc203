//! What figures depend on: the machine and the versions of the servers.

use std::{fs, thread};

use crate::program::repository;

/// The machine and the servers of the native stack in one sentence, without a full stop.
pub fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let [kafka, postgres] = ["kafka", "postgres"].map(server_version);
    format!(
        "Measured on {} with {cores} × {}, {} GB of memory, Linux {}; Kafka {kafka}, Postgres {postgres}",
        event_log::now().date(),
        value("/proc/cpuinfo", "model name"),
        value("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1_000_000,
        fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
    )
}

/// The value of the first line `name: value` of a file.
fn value(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// The version that the native stack fetches.
fn server_version(server: &str) -> String {
    let versions = fs::read_to_string(repository().join("deploy/native/pom.xml")).unwrap_or_default();
    let version =
        versions.split_once(&format!("<{server}.version>")).and_then(|(_, rest)| rest.split_once('<'));
    version.map_or_else(String::new, |(version, _)| version.to_owned())
}

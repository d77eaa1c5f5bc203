//! The targets of Foldline as numbers. They hold for two cores that also run Kafka, the registry, Postgres and the
//! client.

/// One line of the report.
pub(crate) struct Target {
    /// Lines about the same subject have the same row.
    pub(crate) row: &'static str,
    pub(crate) what: &'static str,
    /// The name under which the figure is recorded.
    pub(crate) figure: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) bound: Bound,
    pub(crate) limit: Option<Limit>,
}

/// What a figure must reach.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// A multiple of the limit.
    ShareAtLeast(f64),
    /// A multiple of the limit.
    ShareAtMost(f64),
}

/// What bounds a figure on this machine: another figure of the same run.
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) figure: &'static str,
}

use Bound::{AtLeast, AtMost, ShareAtLeast, ShareAtMost};

const RATE: &str = "commands/s";

#[rustfmt::skip]
pub(crate) const TARGETS: &[Target] = &[
    target("1a", "16 connections", "16.rate", RATE, AtLeast(4_400.0)).of("bare log", "bare-log.16.rate"),
    target("1a", "16 connections", "16.rate", RATE, ShareAtLeast(0.9)).of("bare log", "bare-log.16.rate"),
    target("1a", "16 connections, p50", "16.p50", "ms", AtMost(3.6)).of("bare log", "bare-log.16.p50"),
    target("1b", "64 connections", "64.rate", RATE, AtLeast(12_500.0)).of("bare log", "bare-log.64.rate"),
    target("1b", "64 connections", "64.rate", RATE, ShareAtLeast(0.75)).of("bare log", "bare-log.64.rate"),
    target("1c", "256 connections", "256.rate", RATE, AtLeast(20_000.0)).of("bare log", "bare-log.256.rate"),
    target("1d", "512 connections", "512.rate", RATE, AtLeast(22_000.0)).of("bare log", "bare-log.512.rate"),
    target("2", "64 orders with 1,000 events each", "streams.rate", RATE, ShareAtLeast(0.9)).of("row 1b", "64.rate"),
    target("3", "one command in flight, p50", "command.p50", "ms", ShareAtMost(1.3)).of("bare commit", "commit.p50"),
    target("4", "half of the maximum, p50", "half.p50", "ms", ShareAtMost(1.6)).of("bare commit", "commit.p50"),
    target("4", "half of the maximum, p99", "half.p99", "ms", ShareAtMost(2.3)).of("bare commit", "commit.p99"),
    target("4", "half of the maximum, p99.9", "half.p99.9", "ms", ShareAtMost(5.0)).of("bare commit", "commit.p99.9"),
    target("5", "150 % of the maximum offered", "overload.rate", RATE, ShareAtLeast(0.95)).of("maximum", "maximum.rate"),
    target("5", "p99 of what is then accepted", "overload.p99", "ms", ShareAtMost(2.0)).of("row 4", "half.p99"),
    target("6", "processor time at 512 connections: client", "512.cpu.client", "µs", AtMost(14.0)),
    target("6", "command API", "512.cpu.command-API", "µs", AtMost(35.0)),
    target("6", "Kafka", "512.cpu.Kafka", "µs", AtMost(12.0)),
    target("6", "projector", "512.cpu.projector", "µs", AtMost(12.0)),
    target("6", "Postgres", "512.cpu.Postgres", "µs", AtMost(20.0)),
    target("6", "all", "512.cpu.all", "µs", AtMost(93.0)),
    target("7", "threads of the command API", "512.threads", "", AtMost(48.0)),
    target("7", "its context switches a command, 64 connections", "64.switches", "", AtMost(4.0)),
    target("7", "its context switches a command, 512 connections", "512.switches", "", AtMost(4.0)),
    target("8", "live projection, for each core of Postgres", "live.per-core", "events/s", AtLeast(65_000.0)).of("bare upsert", "upsert.per-core"),
    target("8", "live projection", "live.rate", "events/s", ShareAtLeast(0.7)).of("bare upsert", "upsert.rate"),
    target("9", "visible in a query after the answer, p50", "visible.p50", "ms", AtMost(5.0)),
    target("9", "visible in a query after the answer, p99", "visible.p99", "ms", AtMost(25.0)),
    target("10", "rebuild beside 250 commands/s", "rebuild.rate", "events/s", AtLeast(80_000.0)),
    target("11", "hand-over of a shard, p99", "the-old-owner-goes-on.p99", "ms", AtMost(100.0)),
    target("13", "cold start, 1 M orders, 2 M events", "start.2000000", "s", AtMost(5.0)),
    target("13", "cold start, 1 M orders, 10 M events", "start.10000000", "s", ShareAtMost(1.1)).of("2 M events", "start.2000000"),
    target("14", "memory for 1 M aggregates of 64 bytes", "cache", "MB", AtMost(256.0)),
];

/// The limits themselves: what they are, the name of the figure, and its unit.
pub(crate) const LIMITS: &[(&str, &str, &str)] = &[
    ("empty route: an axum route that parses an order, 512 connections", "route.rate", RATE),
    ("bare log: such a route that also writes the order to Kafka, 16 connections", "bare-log.16.rate", RATE),
    ("bare log, 64 connections", "bare-log.64.rate", RATE),
    ("bare log, 256 connections", "bare-log.256.rate", RATE),
    ("bare log, 512 connections", "bare-log.512.rate", RATE),
    ("bare commit: one transaction of one record, p50", "commit.p50", "ms"),
    ("bare upsert: the statements of a projection without a log", "upsert.rate", "events/s"),
    ("bare commit, p99", "commit.p99", "ms"),
];

const fn target(
    row: &'static str,
    what: &'static str,
    figure: &'static str,
    unit: &'static str,
    bound: Bound,
) -> Target {
    Target { row, what, figure, unit, bound, limit: None }
}

impl Target {
    const fn of(self, name: &'static str, figure: &'static str) -> Self {
        Self { limit: Some(Limit { name, figure }), ..self }
    }
}

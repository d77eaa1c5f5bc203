//! The real stack for tests: Kafka, the registry and Postgres are shared by the whole run, and every test has its own
//! topics and databases. Services run as separate processes.
//!
//! Only tests use this crate, so it panics when a test cannot continue.

#![allow(clippy::disallowed_methods, reason = "no async task shares these threads")]

mod address;
mod applied;
mod consumer_groups;
mod databases;
mod disturbance;
mod environment;
mod event_writer;
mod figures;
mod files;
mod foreign_record;
mod foreign_transaction;
pub mod history;
mod kafka_cluster;
mod kafka_proxy;
mod log_view;
mod log_writer;
mod machine;
mod own_servers;
mod payloads;
mod processor_time;
mod program;
pub mod read_history;
pub mod schemas;
mod service;
mod setting;
mod tcp_proxy;
mod topic_changes;
mod wait;

pub use address::free_port;
pub use applied::until_applied;
pub use consumer_groups::consumer_groups;
pub use disturbance::Disturbance;
pub use environment::{Servers, TestEnvironment};
pub use event_writer::EventWriter;
pub use figures::{record_figure, recorded_figures};
pub use files::files_in;
pub use foreign_record::ForeignRecord;
pub use foreign_transaction::ForeignTransaction;
pub use kafka_cluster::KafkaCluster;
pub use kafka_proxy::{Api, Fault, KafkaProxy};
pub use log_view::{ConsumedRecord, LogView};
pub use log_writer::{LogWriter, Sample, write_log};
pub use machine::machine;
pub use own_servers::OwnServers;
pub use payloads::Payloads;
pub use processor_time::{Processes, processor_time, threads_and_switches};
pub use program::{program, repository};
pub use service::Service;
pub use setting::setting;
pub use tcp_proxy::{ConnectionFault, TcpProxy};
pub use topic_changes::{add_partitions, delete_before};
pub use wait::{eventually, eventually_some};

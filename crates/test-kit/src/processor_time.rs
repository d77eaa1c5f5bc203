//! What processes cost, as Linux counts it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// The unit of `/proc/<pid>/stat`, on every machine that runs Linux.
const TICK: Duration = Duration::from_millis(10);

/// The processes of one part of the system.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// The process with this id.
    Process(u32),
    /// All processes of this program.
    Program(&'static str),
    /// All processes with this in their command line.
    CommandLine(&'static str),
}

/// The processor time that a part has taken until now, and that of its children that have ended.
pub fn processor_time(part: Part) -> Duration {
    folders(part).iter().filter_map(|folder| ticks(folder)).sum::<u32>() * TICK
}

/// How many threads a process has, and how often they have been switched.
pub fn threads_and_switches(pid: u32) -> (usize, u64) {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let switches: Vec<u64> = tasks.map(|task| switches(&task.path())).collect();
    (switches.len(), switches.iter().sum())
}

fn folders(part: Part) -> Vec<PathBuf> {
    match part {
        Part::Process(pid) => vec![PathBuf::from(format!("/proc/{pid}"))],
        Part::Program(name) => folders_where("comm", |program| program.trim_end() == name),
        Part::CommandLine(text) => folders_where("cmdline", |line| line.contains(text)),
    }
}

/// The processes in whose folder a file says this.
fn folders_where(file: &str, is_meant: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").expect("linux has it").flatten().map(|entry| entry.path());
    processes
        .filter(|folder| fs::read_to_string(folder.join(file)).is_ok_and(|text| is_meant(&text)))
        .collect()
}

/// User and system time of a process, and of its children that have ended.
fn ticks(folder: &Path) -> Option<u32> {
    let text = fs::read_to_string(folder.join("stat")).ok()?;
    // The state is the third field; the times are the 14th to the 17th.
    let (_, rest) = text.rsplit_once(") ")?;
    rest.split(' ').skip(11).take(4).map(|number| number.parse::<u32>().ok()).sum()
}

fn switches(task: &Path) -> u64 {
    let text = fs::read_to_string(task.join("status")).unwrap_or_default();
    let counts = text.lines().filter(|line| line.contains("ctxt_switches"));
    counts.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

//! The processor time of processes, as Linux counts it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// The unit of `/proc/<pid>/stat`, on every machine that runs Linux.
const TICK: Duration = Duration::from_millis(10);

/// One or more processes.
#[derive(Debug, Clone, Copy)]
pub enum Processes {
    /// The process with this id.
    Process(u32),
    /// All processes of this program.
    Program(&'static str),
    /// All processes whose command line contains this text.
    CommandLine(&'static str),
}

/// The processor time that processes have used so far, including their children that have ended.
pub fn processor_time(processes: Processes) -> Duration {
    folders(processes).iter().filter_map(|folder| ticks(folder)).sum::<u32>() * TICK
}

/// How many threads a process has, and how often they have been switched.
pub fn threads_and_switches(pid: u32) -> (usize, u64) {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let switches: Vec<u64> = tasks.map(|task| switches(&task.path())).collect();
    (switches.len(), switches.iter().sum())
}

fn folders(processes: Processes) -> Vec<PathBuf> {
    match processes {
        Processes::Process(pid) => vec![PathBuf::from(format!("/proc/{pid}"))],
        Processes::Program(name) => folders_where("comm", |program| program.trim_end() == name),
        Processes::CommandLine(text) => folders_where("cmdline", |line| line.contains(text)),
    }
}

/// The folders of the processes for which the content of a file matches.
fn folders_where(file: &str, matches: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").expect("/proc exists on Linux").flatten().map(|entry| entry.path());
    processes
        .filter(|folder| fs::read_to_string(folder.join(file)).is_ok_and(|text| matches(&text)))
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

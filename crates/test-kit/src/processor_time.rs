//! The processor time of processes, as Linux counts it.

use std::{env, fs, path::Path, time::Duration};

/// The unit of `/proc/<pid>/stat`, on every machine that runs Linux.
const TICK: Duration = Duration::from_millis(10);

/// One or more processes.
#[derive(Debug, Clone, Copy)]
pub enum Processes {
    /// The process with this id.
    Process(u32),
    /// A server of the stack that `FOLDLINE_STACK_DIR` names, `kafka` or `postgres`, and its child processes.
    Server(&'static str),
}

/// The processor time that processes have used so far, including their children that have ended.
pub fn processor_time(processes: Processes) -> Duration {
    let ticks = match processes {
        Processes::Process(pid) => stat(pid).map_or(0, |stat| stat.ticks),
        Processes::Server(name) => server_ticks(server_pid(name)),
    };
    ticks * TICK
}

/// How many threads a process has, and how often they have been switched.
pub fn threads_and_switches(pid: u32) -> (usize, u64) {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let switches: Vec<u64> = tasks.map(|task| switches(&task.path().join("status"))).collect();
    (switches.len(), switches.iter().sum())
}

/// What the kernel counts for a process.
struct Stat {
    parent: u32,
    /// User and system time, also of its children that have ended.
    ticks: u32,
}

fn server_pid(name: &str) -> u32 {
    let stack = env::var("FOLDLINE_STACK_DIR").expect("FOLDLINE_STACK_DIR names the stack of the servers");
    let pid = fs::read_to_string(format!("{stack}/run/{name}.pid")).expect("the server is running");
    pid.trim().parse().expect("a pid file contains a number")
}

fn server_ticks(server: u32) -> u32 {
    let processes = fs::read_dir("/proc").expect("/proc exists on Linux").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let stats = pids.filter_map(|pid: u32| Some((pid, stat(pid)?)));
    stats.filter(|(pid, stat)| *pid == server || stat.parent == server).map(|(_, stat)| stat.ticks).sum()
}

/// Returns nothing if the process has ended.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The state is the third field, the parent the fourth; the times are the 14th to the 17th.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<u32> = rest.split(' ').skip(1).map(|field| field.parse().unwrap_or_default()).collect();
    Some(Stat { parent: fields[0], ticks: fields[10..14].iter().sum() })
}

fn switches(status: &Path) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let counts = text.lines().filter(|line| line.contains("ctxt_switches"));
    counts.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

//! What Postgres costs, as Linux counts it.

use std::{fs, time::Duration};

/// The unit of `/proc/<pid>/stat`, on every machine that runs Linux.
const TICK: Duration = Duration::from_millis(10);

/// The processor time that every process of Postgres has taken until now, those that have ended included.
pub(crate) fn processor_time() -> Duration {
    let processes = fs::read_dir("/proc").expect("linux has it").flatten();
    let ticks: u32 = processes.filter_map(|process| ticks(&process.path().join("stat"))).sum();
    TICK * ticks
}

/// User and system time of a process of Postgres, and of its children that have ended.
fn ticks(stat: &std::path::Path) -> Option<u32> {
    let text = fs::read_to_string(stat).ok()?;
    let (name, rest) = text.split_once('(')?.1.rsplit_once(") ")?;
    if !name.starts_with("postgres") {
        return None;
    }
    // The state is the third field; the times are the 14th to the 17th.
    rest.split(' ').skip(11).take(4).map(|number| number.parse::<u32>().ok()).sum()
}

//! Measures the cost of a cache: memory for a million aggregates, and the time that snapshots take in a Postgres of the
//! test environment. Each part runs in a process of its own, to measure its memory.

mod ledger;

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use command_engine::{AggregateCache, CacheSettings, NoSnapshots, SnapshotDatabase, SnapshotSettings};
use test_kit::{TestEnvironment, record_figure};
use tokio::runtime::Runtime;

use ledger::{Ledger, id, records};

const PARTITIONS: usize = 8;
const AGGREGATES: usize = 1_000_000;
const PER_PARTITION: usize = AGGREGATES / PARTITIONS;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["hold"] => hold(),
        ["save", url] => save(url),
        ["restore", url] => restore(url),
        _ => {
            let environment = TestEnvironment::empty();
            environment.platform_databases();
            let url = environment.database_url("platform_write");
            println!(
                "{AGGREGATES} aggregates with states of 64 bytes in {PARTITIONS} partitions, one command each"
            );
            for part in [&["hold"][..], &["save", &url], &["restore", &url]] {
                let program = std::env::current_exe().expect("a running program has a path");
                let status = Command::new(program).args(part).status().expect("it runs again");
                assert!(status.success(), "{part:?} failed");
            }
        }
    }
}

/// Keeps all aggregates in memory.
fn hold() {
    let before = resident();
    let images: Vec<_> = (0..PARTITIONS)
        .map(|partition| {
            let mut cache = AggregateCache::<Ledger>::new(Box::new(NoSnapshots), CacheSettings::default());
            fill(&mut cache, partition);
            cache
        })
        .collect();
    let bytes = resident() - before;
    println!("all in memory: {} MB, {} bytes per aggregate", bytes >> 20, bytes / AGGREGATES);
    record_figure("cache", (bytes >> 20) as f64);
    drop(images);
}

/// Saves a snapshot of each aggregate to an empty database, as after the first replay of a log.
fn save(url: &str) {
    let runtime = Runtime::new().expect("a runtime can be made");
    let started = Instant::now();
    let images = in_parallel(url, &runtime, |partition, mut cache| {
        fill(&mut cache, partition);
        cache.save_now(1).expect("it is saved");
        cache
    });
    println!("folded and saved: {:.1} s", started.elapsed().as_secs_f64());
    println!("memory then: {} MB, {} in memory", resident() >> 20, in_memory(&images));
}

/// Restores the cache from these snapshots, as a new instance does.
fn restore(url: &str) {
    let runtime = Runtime::new().expect("a runtime can be made");
    let before = resident();
    let started = Instant::now();
    let mut images = in_parallel(url, &runtime, |_, cache| cache);
    println!("restored: {:.2} s", started.elapsed().as_secs_f64());
    println!("memory: {} MB before, {} MB then", before >> 20, resident() >> 20);
    let cache = &mut images[0];
    let loads: Vec<_> = (0..100).map(|group| millis(|| load(cache, 0, group * 100, 100))).collect();
    report("cold load of 100", loads);
    let saves: Vec<_> = (0..20).map(|round| save_changed(cache, round)).collect();
    report("save of 1,000, the copy for it included", saves);
    for (partition, cache) in images.iter_mut().enumerate() {
        (0..PER_PARTITION / 1_000).for_each(|group| load(cache, partition, group * 1_000, 1_000));
    }
    println!("memory with all the room taken: {} MB, {} in memory", resident() >> 20, in_memory(&images));
}

fn in_parallel(
    url: &str,
    runtime: &Runtime,
    work: fn(usize, AggregateCache<Ledger>) -> AggregateCache<Ledger>,
) -> Vec<AggregateCache<Ledger>> {
    let limit = Duration::from_mins(2);
    let settings =
        SnapshotSettings { load_timeout: limit, save_timeout: limit, ..SnapshotSettings::default() };
    let options = url.parse().expect("a database URL");
    let database = SnapshotDatabase::new(options, runtime.handle(), settings);
    let threads: Vec<_> = (0..PARTITIONS)
        .map(|partition| {
            let store = database.partition(i32::try_from(partition).expect("a handful"));
            thread::spawn(move || {
                let mut cache = AggregateCache::new(Box::new(store), CacheSettings::default());
                cache.restore().expect("it is restored");
                work(partition, cache)
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("it works")).collect()
}

fn fill(cache: &mut AggregateCache<Ledger>, partition: usize) {
    for first in (0..PER_PARTITION).step_by(1_000) {
        let sequence = cache.continuity.sequence;
        let tail = records((first..first + 1_000).map(|number| (partition, number)), 1, sequence);
        cache.fold_tail(&tail, &mut |_, _| ()).expect("it follows");
        cache.write_behind(1).expect("nothing is lost");
    }
}

fn load(cache: &mut AggregateCache<Ledger>, partition: usize, first: usize, count: usize) {
    let ids: Vec<_> = (first..first + count).map(|number| id(partition, number)).collect();
    cache.load(&ids).expect("they are loaded");
    assert!(ids.iter().all(|id| cache.get(id).is_some()));
}

/// Changes 1,000 aggregates in memory and saves them.
fn save_changed(cache: &mut AggregateCache<Ledger>, round: usize) -> f64 {
    let (version, sequence) = (2 + round as u64, cache.continuity.sequence);
    let tail = records((0..1_000).map(|number| (0, number)), version, sequence);
    cache.fold_tail(&tail, &mut |_, _| ()).expect("it follows");
    millis(|| cache.save_now(1).expect("it is saved"))
}

fn in_memory(images: &[AggregateCache<Ledger>]) -> usize {
    images.iter().map(AggregateCache::len).sum()
}

fn millis(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64() * 1_000.0
}

fn report(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    println!("{what}: median {:.2} ms, longest {:.2} ms", times[times.len() / 2], times[times.len() - 1]);
}

/// The resident memory of this process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("it is among the lines");
    let kilobytes = line.split_whitespace().nth(1).expect("a number follows");
    kilobytes.parse::<usize>().expect("a number") * 1024
}

//! Checks of each answer, and of consecutive answers within a session.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Behind, Promise, Read, ReadAnswer, ReadHistory, Shown, Violation,
    timeline::{Timeline, Timelines},
};

/// Checks each answer separately.
pub(super) fn each_read(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let nowhere = Timeline::default();
    let mut violations = Vec::new();
    for read in &history.reads {
        match &read.answer {
            ReadAnswer::Shown(shown) => {
                let timeline = timelines.get(&read.aggregate).unwrap_or(&nowhere);
                violations.extend(token_honoured(timeline, read, shown));
                violations.extend(matches_its_position(timeline, read, shown));
                violations.extend(reports_parked(timeline, read, shown));
            }
            ReadAnswer::Wrong(what) => {
                violations.push(Violation::new(Promise::Answers, format!("{what}: {read}")));
            }
            ReadAnswer::NotYetVisible | ReadAnswer::NotNow { .. } | ReadAnswer::Nothing => {}
        }
    }
    violations
}

/// Only the aggregate's own partition counts, since no other partition can change it.
fn token_honoured(timeline: &Timeline<'_>, read: &Read, shown: &Shown) -> Option<Violation> {
    let partition = timeline.partition()?;
    let wanted = *read.wanted.get(&partition)?;
    let owed = timeline.at(wanted).map_or(0, |step| step.version);
    let is_honoured = offsets(timeline, shown) >= wanted && shown.version >= owed;
    (!is_honoured && !read.lenient)
        .then(|| Violation::new(Promise::TokenHonoured, format!("version {owed} was due: {read}")))
}

fn matches_its_position(timeline: &Timeline<'_>, read: &Read, shown: &Shown) -> Option<Violation> {
    let step = timeline.at(offsets(timeline, shown));
    let (version, content) = step.map_or((0, &Value::Null), |step| (step.version, &step.content));
    (shown.version != version || shown.content != *content).then(|| {
        let what = format!("the log says version {version}, {content}: {read}");
        Violation::new(Promise::MatchesItsPosition, what)
    })
}

fn reports_parked(timeline: &Timeline<'_>, read: &Read, shown: &Shown) -> Option<Violation> {
    let first = timeline.first_parked();
    let is_correct = match shown.behind {
        Behind::No => first.is_none_or(|first| first > offsets(timeline, shown)),
        Behind::Since(since) => first == Some(since),
        Behind::Possibly => true,
    };
    (!is_correct).then(|| Violation::new(Promise::ReportsParked, format!("parked since {first:?}: {read}")))
}

/// The offset that the answer has seen in the aggregate's partition; -1 if none.
fn offsets(timeline: &Timeline<'_>, shown: &Shown) -> i64 {
    timeline.partition().and_then(|partition| shown.offsets.get(&partition)).map_or(-1, |offset| *offset)
}

/// A session never sees a version lower than one it wrote or saw before, unless it accepts old answers.
pub(super) fn monotonic_reads(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut floors = BTreeMap::<(usize, &str), u64>::new();
    for event in in_time(history) {
        match event {
            Observation::Write(write) => {
                raise(&mut floors, (write.session, &write.aggregate), write.version);
            }
            Observation::Read(read, shown) => {
                let of = (read.session, read.aggregate.as_str());
                let highest = timelines.get(&read.aggregate).map_or(0, Timeline::highest);
                let floor = floors.get(&of).copied().unwrap_or(0).min(highest);
                if shown.version < floor && !read.lenient {
                    let what = format!("the session has seen version {floor}: {read}");
                    violations.push(Violation::new(Promise::MonotonicReads, what));
                }
                raise(&mut floors, of, shown.version);
            }
        }
    }
    violations
}

/// An acknowledged write, or a read that returned content.
enum Observation<'h> {
    Write(&'h super::Write),
    Read(&'h Read, &'h Shown),
}

fn in_time(history: &ReadHistory) -> Vec<Observation<'_>> {
    let writes = history.writes.iter().map(|write| (write.answered, Observation::Write(write)));
    let reads = history.reads.iter().filter_map(|read| match &read.answer {
        ReadAnswer::Shown(shown) => Some((read.answered, Observation::Read(read, shown))),
        _ => None,
    });
    let mut observed: Vec<_> = writes.chain(reads).collect();
    observed.sort_by_key(|(answered, _)| *answered);
    observed.into_iter().map(|(_, observed)| observed).collect()
}

fn raise<'h>(floors: &mut BTreeMap<(usize, &'h str), u64>, of: (usize, &'h str), version: u64) {
    let floor = floors.entry(of).or_default();
    *floor = version.max(*floor);
}

//! Checks of each answer, and of consecutive answers within a session.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Behind, Invariant, Read, ReadAnswer, ReadHistory, Shown, Violation,
    timeline::{Timeline, Timelines},
};

/// Checks each answer separately.
pub(super) fn each_read(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let empty = Timeline::default();
    let mut violations = Vec::new();
    for read in &history.reads {
        match &read.answer {
            ReadAnswer::Shown(shown) => {
                let timeline = timelines.get(&read.aggregate).unwrap_or(&empty);
                violations.extend(token_honoured(timeline, read, shown));
                violations.extend(matches_its_position(timeline, read, shown));
                violations.extend(reports_parked(timeline, read, shown));
            }
            ReadAnswer::Invalid(description) => {
                violations.push(Violation::new(Invariant::Answers, format!("{description}: {read}")));
            }
            ReadAnswer::NotYetVisible | ReadAnswer::Unavailable { .. } | ReadAnswer::NoResponse => {}
        }
    }
    violations
}

/// Only the aggregate's own partition matters, because no other partition can change it.
fn token_honoured(timeline: &Timeline<'_>, read: &Read, shown: &Shown) -> Option<Violation> {
    let partition = timeline.partition()?;
    let token = *read.token.get(&partition)?;
    let expected = timeline.at(token).map_or(0, |step| step.version);
    let is_honoured = offsets(timeline, shown) >= token && shown.version >= expected;
    (!is_honoured && !read.lenient)
        .then(|| Violation::new(Invariant::TokenHonoured, format!("version {expected} was expected: {read}")))
}

fn matches_its_position(timeline: &Timeline<'_>, read: &Read, shown: &Shown) -> Option<Violation> {
    let step = timeline.at(offsets(timeline, shown));
    let (version, content) = step.map_or((0, &Value::Null), |step| (step.version, &step.content));
    (shown.version != version || shown.content != *content).then(|| {
        let description = format!("the log says version {version}, {content}: {read}");
        Violation::new(Invariant::MatchesItsPosition, description)
    })
}

fn reports_parked(timeline: &Timeline<'_>, read: &Read, shown: &Shown) -> Option<Violation> {
    let first = timeline.first_parked();
    let is_correct = match shown.behind {
        Behind::No => first.is_none_or(|first| first > offsets(timeline, shown)),
        Behind::Since(since) => first == Some(since),
        Behind::Possibly => true,
    };
    (!is_correct).then(|| Violation::new(Invariant::ReportsParked, format!("parked since {first:?}: {read}")))
}

/// The offset that the answer has seen in the aggregate's partition; -1 if none.
fn offsets(timeline: &Timeline<'_>, shown: &Shown) -> i64 {
    timeline.partition().and_then(|partition| shown.offsets.get(&partition)).map_or(-1, |offset| *offset)
}

/// A session never sees a version lower than one that it wrote or saw before, unless it accepts old answers.
pub(super) fn monotonic_reads(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut floors = BTreeMap::<(usize, &str), u64>::new();
    for event in in_order_of_time(history) {
        match event {
            Observation::Write(write) => {
                raise(&mut floors, (write.session, &write.aggregate), write.version);
            }
            Observation::Read(read, shown) => {
                let key = (read.session, read.aggregate.as_str());
                let highest = timelines.get(&read.aggregate).map_or(0, Timeline::highest);
                let floor = floors.get(&key).copied().unwrap_or(0).min(highest);
                if shown.version < floor && !read.lenient {
                    let description = format!("the session has seen version {floor}: {read}");
                    violations.push(Violation::new(Invariant::MonotonicReads, description));
                }
                raise(&mut floors, key, shown.version);
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

fn in_order_of_time(history: &ReadHistory) -> Vec<Observation<'_>> {
    let writes = history.writes.iter().map(|write| (write.answered, Observation::Write(write)));
    let reads = history.reads.iter().filter_map(|read| match &read.answer {
        ReadAnswer::Shown(shown) => Some((read.answered, Observation::Read(read, shown))),
        _ => None,
    });
    let mut observations: Vec<_> = writes.chain(reads).collect();
    observations.sort_by_key(|(answered, _)| *answered);
    observations.into_iter().map(|(_, observation)| observation).collect()
}

fn raise<'h>(floors: &mut BTreeMap<(usize, &'h str), u64>, key: (usize, &'h str), version: u64) {
    let floor = floors.entry(key).or_default();
    *floor = version.max(*floor);
}

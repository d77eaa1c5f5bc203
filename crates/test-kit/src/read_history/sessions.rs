//! What is looked at in each answer, and from one answer of a session to the next.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Behind, Promise, Read, ReadAnswer, ReadHistory, Shown, Violation,
    timeline::{Timeline, Timelines},
};

/// Looks at each answer by itself.
pub(super) fn each_read(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let nowhere = Timeline::default();
    let mut breaches = Vec::new();
    for read in &history.reads {
        match &read.answer {
            ReadAnswer::Shown(shown) => {
                let timeline = timelines.get(&read.aggregate).unwrap_or(&nowhere);
                breaches.extend(kept_token(timeline, read, shown));
                breaches.extend(true_to_its_stand(timeline, read, shown));
                breaches.extend(says_behind(timeline, read, shown));
            }
            ReadAnswer::Wrong(what) => {
                breaches.push(Violation::new(Promise::Answers, format!("{what}: {read}")));
            }
            ReadAnswer::NotYetVisible | ReadAnswer::NotNow { .. } | ReadAnswer::Nothing => {}
        }
    }
    breaches
}

/// Only the aggregate's own partition counts: nothing in another one can change it.
fn kept_token(timeline: &Timeline<'_>, read: &Read, shown: &Shown) -> Option<Violation> {
    let partition = timeline.partition()?;
    let wanted = *read.wanted.get(&partition)?;
    let owed = timeline.at(wanted).map_or(0, |step| step.version);
    let is_kept = offsets(timeline, shown) >= wanted && shown.version >= owed;
    (!is_kept && !read.lenient)
        .then(|| Violation::new(Promise::TokenKept, format!("version {owed} was owed: {read}")))
}

fn true_to_its_stand(timeline: &Timeline<'_>, read: &Read, shown: &Shown) -> Option<Violation> {
    let step = timeline.at(offsets(timeline, shown));
    let (version, content) = step.map_or((0, &Value::Null), |step| (step.version, &step.content));
    (shown.version != version || shown.content != *content).then(|| {
        let what = format!("the log says version {version}, {content}: {read}");
        Violation::new(Promise::TrueToItsStand, what)
    })
}

fn says_behind(timeline: &Timeline<'_>, read: &Read, shown: &Shown) -> Option<Violation> {
    let first = timeline.first_parked();
    let is_said = match shown.behind {
        Behind::No => first.is_none_or(|first| first > offsets(timeline, shown)),
        Behind::Since(since) => first == Some(since),
        Behind::Somebody => true,
    };
    (!is_said).then(|| Violation::new(Promise::SaysBehind, format!("parked since {first:?}: {read}")))
}

/// The offset up to which the answer has seen the aggregate's partition; -1 where it has seen nothing.
fn offsets(timeline: &Timeline<'_>, shown: &Shown) -> i64 {
    timeline.partition().and_then(|partition| shown.offsets.get(&partition)).map_or(-1, |offset| *offset)
}

/// Goes through each session: what it was told of a write, or saw, is the least that it sees later, unless it says that
/// it can do with less.
pub(super) fn never_back(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let mut breaches = Vec::new();
    let mut floors = BTreeMap::<(usize, &str), u64>::new();
    for event in in_time(history) {
        match event {
            Told::Write(write) => {
                raise(&mut floors, (write.session, &write.aggregate), write.version);
            }
            Told::Read(read, shown) => {
                let of = (read.session, read.aggregate.as_str());
                let highest = timelines.get(&read.aggregate).map_or(0, Timeline::highest);
                let floor = floors.get(&of).copied().unwrap_or(0).min(highest);
                if shown.version < floor && !read.lenient {
                    let what = format!("the session knew of version {floor}: {read}");
                    breaches.push(Violation::new(Promise::NeverBack, what));
                }
                raise(&mut floors, of, shown.version);
            }
        }
    }
    breaches
}

/// What a session was told.
enum Told<'h> {
    Write(&'h super::Write),
    Read(&'h Read, &'h Shown),
}

fn in_time(history: &ReadHistory) -> Vec<Told<'_>> {
    let writes = history.writes.iter().map(|write| (write.answered, Told::Write(write)));
    let reads = history.reads.iter().filter_map(|read| match &read.answer {
        ReadAnswer::Shown(shown) => Some((read.answered, Told::Read(read, shown))),
        _ => None,
    });
    let mut told: Vec<_> = writes.chain(reads).collect();
    told.sort_by_key(|(answered, _)| *answered);
    told.into_iter().map(|(_, told)| told).collect()
}

fn raise<'h>(floors: &mut BTreeMap<(usize, &'h str), u64>, of: (usize, &'h str), version: u64) {
    let floor = floors.entry(of).or_default();
    *floor = version.max(*floor);
}

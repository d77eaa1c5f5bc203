//! What is there in the end.

use serde_json::Value;

use super::{
    Promise, ReadHistory, Violation,
    timeline::{Timeline, Timelines},
};

/// Every model says of every aggregate what its last event that can be applied makes of it.
pub(super) fn are_the_fold(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let mut breaches = Vec::new();
    for (name, model) in &history.models {
        for (aggregate, step) in timelines.ends() {
            let rows = model.get(aggregate).unwrap_or(&Value::Null);
            if *rows != step.content {
                let what = format!("{name}, {aggregate}: {rows}, the log says {}", step.content);
                breaches.push(Violation::new(Promise::Fold, what));
            }
        }
        let known = timelines.ends().map(|(aggregate, _)| aggregate).collect::<Vec<_>>();
        for aggregate in model.keys().filter(|aggregate| known.binary_search(&aggregate.as_str()).is_err()) {
            let what = format!("{name}: nothing in the log says that there is {aggregate}");
            breaches.push(Violation::new(Promise::Fold, what));
        }
    }
    breaches
}

/// Every acknowledged write is in the log, where the models are measured by it, or is parked.
pub(super) fn show_every_write(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let is_there = |timeline: &Timeline<'_>, version| timeline.highest() >= version || timeline.has_parked();
    let lost = history.writes.iter().filter(|write| {
        !timelines.get(&write.aggregate).is_some_and(|timeline| is_there(timeline, write.version))
    });
    lost.map(|write| Violation::new(Promise::Visible, format!("{write:?}"))).collect()
}

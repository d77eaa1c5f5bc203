//! The models at the end of a run.

use serde_json::Value;

use super::{
    Promise, ReadHistory, Violation,
    timeline::{Timeline, Timelines},
};

/// In every model, each aggregate is as it was after the last event that can be applied.
pub(super) fn are_the_fold(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, model) in &history.models {
        for (aggregate, step) in timelines.ends() {
            let rows = model.get(aggregate).unwrap_or(&Value::Null);
            if *rows != step.content {
                let what = format!("{name}, {aggregate}: {rows}, the log says {}", step.content);
                violations.push(Violation::new(Promise::Fold, what));
            }
        }
        let known = timelines.ends().map(|(aggregate, _)| aggregate).collect::<Vec<_>>();
        for aggregate in model.keys().filter(|aggregate| known.binary_search(&aggregate.as_str()).is_err()) {
            let what = format!("{name}: {aggregate} is not in the log");
            violations.push(Violation::new(Promise::Fold, what));
        }
    }
    violations
}

/// Every acknowledged write is in the log, which the models are compared with, or is parked.
pub(super) fn show_every_write(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let is_there = |timeline: &Timeline<'_>, version| timeline.highest() >= version || timeline.has_parked();
    let lost = history.writes.iter().filter(|write| {
        !timelines.get(&write.aggregate).is_some_and(|timeline| is_there(timeline, write.version))
    });
    lost.map(|write| Violation::new(Promise::Visible, format!("{write:?}"))).collect()
}

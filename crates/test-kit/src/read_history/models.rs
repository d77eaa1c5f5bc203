//! The models at the end of a run.

use serde_json::Value;

use super::{
    Invariant, ReadHistory, Violation,
    timeline::{Timeline, Timelines},
};

/// In every model, each aggregate has the content that it had after its last event that can be applied.
pub(super) fn are_the_fold(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, model) in &history.models {
        for (aggregate, step) in timelines.ends() {
            let rows = model.get(aggregate).unwrap_or(&Value::Null);
            if *rows != step.content {
                let description = format!("{name}, {aggregate}: {rows}, the log says {}", step.content);
                violations.push(Violation::new(Invariant::Fold, description));
            }
        }
        let known = timelines.ends().map(|(aggregate, _)| aggregate).collect::<Vec<_>>();
        for aggregate in model.keys().filter(|aggregate| known.binary_search(&aggregate.as_str()).is_err()) {
            let description = format!("{name}: {aggregate} is not in the log");
            violations.push(Violation::new(Invariant::Fold, description));
        }
    }
    violations
}

/// Every acknowledged write is either in the log, with which the models are compared, or parked.
pub(super) fn show_every_write(timelines: &Timelines<'_>, history: &ReadHistory) -> Vec<Violation> {
    let is_explained =
        |timeline: &Timeline<'_>, version| timeline.highest() >= version || timeline.has_parked();
    let lost = history.writes.iter().filter(|write| {
        !timelines.get(&write.aggregate).is_some_and(|timeline| is_explained(timeline, write.version))
    });
    lost.map(|write| Violation::new(Invariant::Visible, format!("{write:?}"))).collect()
}

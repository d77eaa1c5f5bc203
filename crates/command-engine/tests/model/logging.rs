//! Receives what the production code logs while a schedule runs: everything is added to the trace, and an error fails
//! the schedule.

use std::{
    fmt::{self, Write},
    sync::Once,
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};

use crate::scheduler::Scheduler;

struct SchedulerLog;

/// Sends log messages to the [`Scheduler`] of the thread that logs them.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(SchedulerLog).unwrap());
}

impl Subscriber for SchedulerLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        let Some(scheduler) = Scheduler::current() else { return };
        let line = || {
            let mut line = Line::default();
            event.record(&mut line);
            line.0
        };
        let mut shared = scheduler.lock();
        if *event.metadata().level() == Level::ERROR {
            shared.logged_error = Some(line());
        }
        let instance = shared.running;
        shared.note(|| format!("{instance}:{}", line()));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
        written.expect("a string takes any text");
    }
}

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::Context;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use projection::{
    Generation, GenerationState,
    generations::{self, Notifications, Progress},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

const BAR: &str = "{msg} {bar:30} {human_pos} of {human_len} events, {rate}, {eta} left";
/// The minimum time between two queries of the progress.
const QUERY_INTERVAL: Duration = Duration::from_millis(100);
/// The time between two lines if standard error is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(2);
/// How long to wait for progress before printing a warning.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Shows the progress of a generation until it has reached the current position of the live one and is at most
/// `max_lag` events behind.
pub(super) async fn follow(
    database: &PgConnectOptions,
    generation: &Generation,
    max_lag: i64,
) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(database).await?;
    let mut notifications = Notifications::listen(database, &generation.projection).await?;
    let goal = generations::progress(&mut connection, &generation.projection, generation.number).await?.live;
    let mut view = View::of(generation, goal)?;
    loop {
        let now = still_building(&mut connection, generation).await?;
        let progress =
            generations::progress(&mut connection, &generation.projection, generation.number).await?;
        view.show(progress);
        view.show_trouble(&now);
        if progress.applied >= goal && progress.behind() <= max_lag {
            view.finish(progress);
            return Ok(());
        }
        sleep(QUERY_INTERVAL).await;
        match timeout(STALL_TIMEOUT, notifications.next()).await {
            Ok(next) => next?,
            Err(_) => view.warn(&now),
        }
    }
}

/// Reads the generation again. Fails if it is no longer building.
async fn still_building(
    connection: &mut PgConnection,
    generation: &Generation,
) -> anyhow::Result<Generation> {
    let now = generations::generations_of(connection, &generation.projection).await?;
    let is_same =
        |one: &Generation| one.number == generation.number && one.state == GenerationState::Building;
    now.into_iter()
        .find(is_same)
        .with_context(|| format!("generation {} is no longer building", generation.number))
}

/// A progress bar on a terminal, otherwise a line every few seconds.
struct View {
    bar: ProgressBar,
    last_line: Option<Instant>,
    trouble: Option<String>,
}

impl View {
    fn of(generation: &Generation, goal: i64) -> anyhow::Result<Self> {
        let rate = |state: &ProgressState, to: &mut dyn Write| {
            // A progress bar cannot report an error.
            let _ = write!(to, "{:.0}/s", state.per_sec());
        };
        let style = ProgressStyle::with_template(BAR)?.with_key("rate", rate);
        let bar = ProgressBar::new(goal.unsigned_abs()).with_style(style);
        bar.set_message(format!("{} generation {}", generation.projection, generation.number));
        Ok(Self { bar, last_line: None, trouble: None })
    }

    fn show(&mut self, progress: Progress) {
        self.bar.set_length(progress.live.unsigned_abs());
        self.bar.set_position(progress.applied.unsigned_abs());
        if self.bar.is_hidden() && self.last_line.is_none_or(|last| last.elapsed() >= LINE_INTERVAL) {
            self.print_line(progress);
        }
    }

    fn print_line(&mut self, Progress { applied, live }: Progress) {
        self.last_line = Some(Instant::now());
        let (message, rate) = (self.bar.message(), self.bar.per_sec());
        eprintln!(
            "{message}: {applied} of {live} events, {rate:.0}/s, {} left",
            HumanDuration(self.bar.eta())
        );
    }

    /// Prints why the projector makes no progress, whenever that changes.
    fn show_trouble(&mut self, Generation { number, trouble, .. }: &Generation) {
        if self.trouble != *trouble {
            self.trouble.clone_from(trouble);
            if let Some(trouble) = trouble {
                self.bar.suspend(|| eprintln!("generation {number} makes no progress: {trouble}"));
            }
        }
    }

    fn warn(&self, Generation { number, version, paused, trouble, .. }: &Generation) {
        let cause = match trouble {
            _ if *paused => format!("generation {number} is paused"),
            Some(trouble) => trouble.clone(),
            None => format!("check that a projector of version {version} is running"),
        };
        self.bar.suspend(|| eprintln!("no progress for {} s: {cause}", STALL_TIMEOUT.as_secs()));
    }

    fn finish(&mut self, progress: Progress) {
        if self.bar.is_hidden() {
            self.print_line(progress);
        }
        self.bar.finish();
    }
}

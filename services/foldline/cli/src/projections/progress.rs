use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::Context;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use projection::{
    Generation, GenerationState,
    generations::{self, Moves, Progress},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

const BAR: &str = "{msg} {bar:30} {human_pos} of {human_len} events, {rate}, {eta} left";
/// The least time between two looks at the progress.
const LOOK: Duration = Duration::from_millis(100);
/// The time between two lines if there is no terminal.
const LINE: Duration = Duration::from_secs(2);
/// How long nothing may move before a warning.
const STALLED: Duration = Duration::from_secs(10);

/// Shows the progress of a generation until it has reached the position that the live one has now, and is at most
/// `max_lag` events behind.
pub(super) async fn follow(
    database: &PgConnectOptions,
    generation: &Generation,
    max_lag: i64,
) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(database).await?;
    let mut moves = Moves::listen(database, &generation.projection).await?;
    let goal = generations::progress(&mut connection, &generation.projection, generation.number).await?.live;
    let mut view = View::of(generation, goal)?;
    loop {
        let now = still_building(&mut connection, generation).await?;
        let progress =
            generations::progress(&mut connection, &generation.projection, generation.number).await?;
        view.show(progress);
        view.show_trouble(&now);
        if progress.applied >= goal && progress.behind() <= max_lag {
            view.end(progress);
            return Ok(());
        }
        sleep(LOOK).await;
        match timeout(STALLED, moves.next()).await {
            Ok(next) => next?,
            Err(_) => view.warn(&now),
        }
    }
}

/// The generation as it is now, unless it is no longer building.
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

/// A progress bar on a terminal, else a line every few seconds.
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
        if self.bar.is_hidden() && self.last_line.is_none_or(|last| last.elapsed() >= LINE) {
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

    /// Says at once what keeps the projector from going on.
    fn show_trouble(&mut self, Generation { number, trouble, .. }: &Generation) {
        if self.trouble != *trouble {
            self.trouble.clone_from(trouble);
            if let Some(trouble) = trouble {
                self.bar.suspend(|| eprintln!("generation {number} does not get on: {trouble}"));
            }
        }
    }

    fn warn(&self, Generation { number, version, paused, trouble, .. }: &Generation) {
        let cause = match trouble {
            _ if *paused => format!("generation {number} is paused"),
            Some(trouble) => trouble.clone(),
            None => format!("is no projector of version {version} running?"),
        };
        self.bar.suspend(|| eprintln!("no progress for {} s: {cause}", STALLED.as_secs()));
    }

    fn end(&mut self, progress: Progress) {
        if self.bar.is_hidden() {
            self.print_line(progress);
        }
        self.bar.finish();
    }
}

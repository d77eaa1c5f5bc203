use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::bail;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use projection::{
    Generation, GenerationState,
    generations::{self, Moves, Progress},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

const BAR: &str = "{msg} {bar:30} {human_pos} of {human_len} events, {rate}, {eta} left";
/// How far one look is from the next while everything moves.
const LOOK: Duration = Duration::from_millis(100);
/// How far a line is from the next where there is no terminal.
const LINE: Duration = Duration::from_secs(2);
/// How long nothing may move before that is said.
const SILENCE: Duration = Duration::from_secs(10);

/// Shows how far a generation is, until it has come to where the live one stands now and no more than so many events
/// are missing.
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
        require(&mut connection, generation).await?;
        let progress =
            generations::progress(&mut connection, &generation.projection, generation.number).await?;
        view.show(progress);
        if progress.applied >= goal && progress.behind() <= max_lag {
            view.end(progress);
            return Ok(());
        }
        sleep(LOOK).await;
        match timeout(SILENCE, moves.next()).await {
            Ok(heard) => heard?,
            Err(_) => view.complain(generation),
        }
    }
}

/// Refuses to wait for a generation that is not built any more.
async fn require(connection: &mut PgConnection, generation: &Generation) -> anyhow::Result<()> {
    let now = generations::generations_of(connection, &generation.projection).await?;
    let is_same =
        |one: &Generation| one.number == generation.number && one.state == GenerationState::Building;
    if !now.iter().any(is_same) {
        bail!("generation {} is not being built any more", generation.number);
    }
    Ok(())
}

/// A bar on a terminal, else a line now and then.
struct View {
    bar: ProgressBar,
    said: Option<Instant>,
}

impl View {
    fn of(generation: &Generation, goal: i64) -> anyhow::Result<Self> {
        let rate = |state: &ProgressState, to: &mut dyn Write| {
            // A bar has no way to fail.
            let _ = write!(to, "{:.0}/s", state.per_sec());
        };
        let style = ProgressStyle::with_template(BAR)?.with_key("rate", rate);
        let bar = ProgressBar::new(goal.unsigned_abs()).with_style(style);
        bar.set_message(format!("{} generation {}", generation.projection, generation.number));
        Ok(Self { bar, said: None })
    }

    fn show(&mut self, progress: Progress) {
        self.bar.set_length(progress.live.unsigned_abs());
        self.bar.set_position(progress.applied.unsigned_abs());
        if self.bar.is_hidden() && self.said.is_none_or(|said| said.elapsed() >= LINE) {
            self.say(progress);
        }
    }

    fn say(&mut self, Progress { applied, live }: Progress) {
        self.said = Some(Instant::now());
        let (message, rate) = (self.bar.message(), self.bar.per_sec());
        eprintln!(
            "{message}: {applied} of {live} events, {rate:.0}/s, {} left",
            HumanDuration(self.bar.eta())
        );
    }

    fn complain(&self, Generation { number, version, .. }: &Generation) {
        self.bar.suspend(|| {
            eprintln!(
                "nothing has moved for {} s: is generation {number} paused, and does a projector of version \
                 {version} run?",
                SILENCE.as_secs()
            );
        });
    }

    fn end(&mut self, progress: Progress) {
        if self.bar.is_hidden() {
            self.say(progress);
        }
        self.bar.finish();
    }
}

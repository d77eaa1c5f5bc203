//! An instance: drives a writer as the engine's thread does, and lets the others go on wherever that one would wait.

use command_engine::{
    AggregateCache, CommandError,
    protocol::{InDoubt, QueuedCommand, Unsettled, Writer},
};
use event_log::{Claimed, LogError};

use crate::{
    account::{Account, CODEC, topics},
    flaw::Flaw,
    log::Log,
    mailbox::Mailbox,
    stage::{Moment, Stage, give_way},
};

/// How often the announcement of a newer owner is looked for.
const LOOKS: usize = 3;
/// How often a driver that was replaced gives way before it claims again unasked.
const REST: usize = 12;

pub(crate) struct Instance {
    number: usize,
    stage: Stage,
    writer: Writer<Account, Log>,
    flaw: Option<Flaw>,
}

#[derive(PartialEq)]
enum End {
    Unwanted,
    Replaced,
}

impl Instance {
    pub(crate) fn new(
        number: usize,
        stage: Stage,
        log: Log,
        cache: AggregateCache<Account>,
        flaw: Option<Flaw>,
    ) -> Self {
        Self { number, stage, writer: Writer::new(0, &topics(), log, CODEC.clone(), cache), flaw }
    }

    /// Runs until it is dropped.
    pub(crate) fn run(mut self) -> Moment {
        let mut rest: usize = 0;
        loop {
            while !self.mailbox(|mailbox| mailbox.is_wished(rest == 0)) {
                rest = rest.saturating_sub(1);
                give_way(Moment::Resting);
            }
            let end = if self.own() { self.serve() } else { End::Unwanted };
            rest = if end == End::Replaced { REST } else { 0 };
            self.note("lets go");
            self.mailbox(Mailbox::leave);
            self.writer.release();
        }
    }

    fn own(&mut self) -> bool {
        loop {
            match self.claim_first() {
                Ok(owned) => return owned,
                Err(error) => self.look_at(&error),
            }
            self.mailbox(Mailbox::show_warming);
            if !self.mailbox(|mailbox| mailbox.wants()) {
                return false;
            }
            give_way(Moment::Resting);
        }
    }

    fn claim_first(&mut self) -> Result<bool, LogError> {
        self.mailbox(Mailbox::show_warming);
        self.writer.warm_up()?;
        if !self.mailbox(Mailbox::begin_claim) {
            return Ok(false);
        }
        let claimed = self.claim(&mut InDoubt::nothing())?;
        self.mailbox(|mailbox| mailbox.show_owned(claimed));
        Ok(true)
    }

    fn claim(&mut self, in_doubt: &mut InDoubt<Account>) -> Result<Claimed, LogError> {
        let claimed = self.writer.claim(in_doubt)?;
        self.note(&format!("owns {claimed:?}"));
        Ok(claimed)
    }

    fn serve(&mut self) -> End {
        let mut group = Vec::new();
        loop {
            if group.is_empty() {
                if self.mailbox(|mailbox| mailbox.is_dismissed()) {
                    return End::Unwanted;
                }
                group = self.next_group();
            }
            group = match self.process(group) {
                Ok(Some(again)) => again,
                Ok(None) if self.is_taken() => return End::Replaced,
                Ok(None) => {
                    give_way(Moment::Resting);
                    Vec::new()
                }
                Err(end) => return end,
            };
            self.writer.write_behind();
        }
    }

    fn next_group(&self) -> Vec<QueuedCommand<Account>> {
        let mut scene = self.stage.lock();
        let most = scene.dice.pick(&[1, 2, 3, 8]);
        scene.desks[self.number].group(most)
    }

    /// What is left of a group to be decided again; nothing if there was no group.
    fn process(
        &mut self,
        group: Vec<QueuedCommand<Account>>,
    ) -> Result<Option<Vec<QueuedCommand<Account>>>, End> {
        if group.is_empty() {
            return Ok(None);
        }
        self.note(&format!("decides {}", group.len()));
        match self.writer.process(group) {
            Ok(undecidable) => {
                self.mailbox(|mailbox| mailbox.put_back(undecidable));
                Ok(Some(Vec::new()))
            }
            Err(unsettled) => self.settle(*unsettled).map(Some),
        }
    }

    fn is_taken(&mut self) -> bool {
        self.mailbox(|mailbox| mailbox.is_handed_over()) && !self.writer.still_owns()
    }

    fn settle(&mut self, unsettled: Unsettled<Account>) -> Result<Vec<QueuedCommand<Account>>, End> {
        let Unsettled { error, mut in_doubt } = unsettled;
        self.look_at(&error);
        self.mailbox(Mailbox::show_doubt);
        let fenced = error.is_fenced();
        if fenced && self.flaw == Some(Flaw::TrustsFenced) {
            return Err(self.yield_to_newer(in_doubt));
        }
        let mut looks = 0;
        loop {
            if self.writer.is_replaced(&mut in_doubt).unwrap_or(false) {
                self.mailbox(Mailbox::leave);
                return Err(self.yield_to_newer(in_doubt));
            }
            let may_claim = self.mailbox(|mailbox| mailbox.may_claim_again(fenced));
            looks += 1;
            if (fenced || !may_claim) && looks <= LOOKS {
                give_way(Moment::Resting);
                continue;
            }
            if !may_claim {
                in_doubt.give_up();
                return Err(End::Unwanted);
            }
            match self.claim(&mut in_doubt) {
                Ok(claimed) => {
                    self.mailbox(|mailbox| mailbox.show_owned(claimed));
                    return Ok(self.writer.resolve(in_doubt));
                }
                Err(error) => self.look_at(&error),
            }
            give_way(Moment::Resting);
        }
    }

    /// Answers what the log says; the rest is another's.
    fn yield_to_newer(&self, in_doubt: InDoubt<Account>) -> End {
        for waiting in self.writer.resolve(in_doubt) {
            waiting.turn_away(CommandError::Elsewhere);
        }
        End::Replaced
    }

    /// A log that is broken is what the model looks for; everything else may be met.
    fn look_at(&self, error: &LogError) {
        self.note(&format!("meets {error}"));
        assert!(error.is_transient(), "instance {} finds a broken log: {error}", self.number);
    }

    fn mailbox<R>(&self, with: impl FnOnce(&mut Mailbox) -> R) -> R {
        with(&mut self.stage.lock().desks[self.number])
    }

    fn note(&self, line: &str) {
        self.stage.note(|| format!("{}: {line}", self.number));
    }
}

//! Clients that send commands to any instance or through Kafka. Some repeat or reuse ids; all retry until an answer is
//! final, may have several attempts open at once, and may stop waiting for an answer.

mod request;

use std::collections::BTreeMap;

use command_engine::{CommandRequest, Rejection, protocol::PendingReply};
use event_log::partition_of;

use crate::{
    account::{Account, Command, SHARDS},
    outcome::Outcome,
    random::Random,
    scheduler::{Scheduler, Shared},
};
use request::{new_request, repeated};

pub(crate) type Request = CommandRequest<Command>;

pub(crate) struct Clients {
    scheduler: Scheduler,
    pub(crate) commands: Vec<ClientCommand>,
    /// The partitions of the commands topic.
    pub(crate) topic: BTreeMap<i32, Vec<SentCommand>>,
    /// How many attempts were made.
    attempts: u64,
}

/// A command that a client sends until it is finished.
pub(crate) struct ClientCommand {
    pub(crate) request: Request,
    pub(crate) attempts: Vec<Attempt>,
    through_kafka: bool,
    /// Whether the client sends no more attempts.
    is_finished: bool,
}

pub(crate) struct Attempt {
    /// How many events were committed when it began.
    pub(crate) since: usize,
    /// The outcome reported to the client, and how many events were committed by then.
    pub(crate) received: Option<(Outcome, usize)>,
    number: u64,
    instance: usize,
    reply: Option<PendingReply<Account>>,
}

/// A command in Kafka.
pub(crate) struct SentCommand {
    pub(crate) key: String,
    pub(crate) request: Request,
    pub(crate) rejection: Option<Rejection>,
    pub(crate) since: usize,
}

impl Clients {
    pub(crate) fn new(scheduler: &Scheduler, random: &mut Random) -> Self {
        let mut commands: Vec<ClientCommand> = Vec::new();
        for _ in 0..4 + random.below(9) {
            let request = match commands.len() {
                0 => new_request(random),
                count if random.one_in(3) => repeated(&commands[random.below(count)].request, random),
                _ => new_request(random),
            };
            let through_kafka = random.one_in(4);
            commands.push(ClientCommand { request, attempts: Vec::new(), through_kafka, is_finished: false });
        }
        Self { scheduler: scheduler.clone(), commands, topic: BTreeMap::new(), attempts: 0 }
    }

    /// All commands in Kafka, partition by partition.
    pub(crate) fn sent(&self) -> impl Iterator<Item = &SentCommand> {
        self.topic.values().flatten()
    }

    /// Takes a random step for one of the commands, while faults are possible.
    pub(crate) fn act(&mut self, committed: usize) {
        let mut shared = self.scheduler.lock();
        let index = shared.random.below(self.commands.len());
        let command = &mut self.commands[index];
        if command.is_finished {
            return;
        }
        if command.through_kafka {
            command.is_finished = !shared.random.one_in(4);
            let partition = partition_of(&command.request.aggregate_id, SHARDS.partitions());
            let sent = SentCommand::new(&command.request, &mut shared.random, committed);
            self.topic.entry(partition).or_default().push(sent);
        } else if !command.is_waiting() {
            command.is_finished = !command.attempts.is_empty() && shared.random.one_in(10);
            if !command.is_finished {
                command.send(&mut shared, committed, &mut self.attempts);
            }
        } else {
            match shared.random.below(8) {
                0 => command.abandon_one(&mut shared, committed),
                1 => command.send(&mut shared, committed, &mut self.attempts),
                _ => {}
            }
        }
    }

    /// Retries open commands once there are no more faults. Returns whether all are finished.
    pub(crate) fn finish(&mut self, committed: usize) -> bool {
        let mut shared = self.scheduler.lock();
        for command in &mut self.commands {
            command.is_finished |= command.through_kafka || command.attempts.is_empty();
            if !command.is_waiting() && !command.is_finished && shared.random.one_in(20) {
                command.send(&mut shared, committed, &mut self.attempts);
            }
        }
        self.commands.iter().all(|command| command.is_finished && !command.is_waiting())
    }

    /// Receives the answers that have arrived.
    pub(crate) fn receive(&mut self, committed: impl Fn() -> usize) {
        for command in &mut self.commands {
            let mut is_final = false;
            for attempt in command.attempts.iter_mut().filter(|attempt| attempt.received.is_none()) {
                let Some(answer) = attempt.reply.as_mut().and_then(PendingReply::try_receive) else {
                    continue;
                };
                let outcome = Outcome::of_answer(answer);
                is_final |= outcome.is_final();
                attempt.end(outcome, committed(), &mut self.scheduler.lock());
            }
            command.stop_if(is_final, &self.scheduler);
        }
    }

    /// An instance crashes: clients that wait for it lose the connection.
    pub(crate) fn disconnect(&mut self, instance: usize, committed: usize) {
        let attempts = self.commands.iter_mut().flat_map(|command| &mut command.attempts);
        for attempt in attempts.filter(|attempt| attempt.instance == instance && attempt.received.is_none()) {
            attempt.end(Outcome::Unknown, committed, &mut self.scheduler.lock());
        }
    }
}

impl ClientCommand {
    fn is_waiting(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.received.is_none())
    }

    /// Most clients stop after a final answer; some send the command once more.
    fn stop_if(&mut self, is_final: bool, scheduler: &Scheduler) {
        self.is_finished |= is_final && !scheduler.lock().random.one_in(6);
    }

    fn send(&mut self, shared: &mut Shared, since: usize, attempts: &mut u64) {
        let instance = shared.likely_owner();
        *attempts += 1;
        let number = *attempts;
        let Request { aggregate_id, command, expected, request_hash, metadata, .. } = &self.request;
        shared.note(|| {
            let id = metadata.command_id.as_u128() >> 112;
            format!(
                "attempt {number} at {instance}: {aggregate_id} {id:x}/{request_hash} {command:?} {expected:?}"
            )
        });
        let mut attempt = Attempt { since, received: None, number, instance, reply: None };
        match shared.mailboxes[instance].enqueue(self.request.clone()) {
            Ok(reply) => attempt.reply = Some(reply),
            Err(error) => attempt.end(Outcome::of_answer(Err(error)), since, shared),
        }
        self.attempts.push(attempt);
    }

    /// Stops waiting for one of the answers.
    fn abandon_one(&mut self, shared: &mut Shared, committed: usize) {
        let mut waiting = self.attempts.iter_mut().filter(|attempt| attempt.received.is_none());
        let Some(attempt) = waiting.next() else { return };
        let Some(reply) = attempt.reply.take() else { return };
        attempt.end(Outcome::of_answer(reply.give_up()), committed, shared);
    }
}

impl Attempt {
    fn end(&mut self, outcome: Outcome, committed: usize, shared: &mut Shared) {
        shared.note(|| format!("attempt {} receives {outcome:?}", self.number));
        (self.reply, self.received) = (None, Some((outcome, committed)));
    }
}

impl SentCommand {
    fn new(request: &Request, random: &mut Random, since: usize) -> Self {
        let rejection = random.one_in(8).then(|| Rejection {
            code: "unreadable".to_owned(),
            detail: String::new(),
            facts: serde_json::Value::Null,
            dead_letter: true,
        });
        let key = request.metadata.command_id.to_string();
        Self { key, request: request.clone(), rejection, since }
    }
}

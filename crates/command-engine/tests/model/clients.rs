//! Those who send commands: with ids, some of them repeated or used for something else, to any instance or through
//! Kafka, again where the answer is not final, twice at a time, and sometimes without waiting for the answer.

use std::time::{Duration, Instant};

use aggregate::{AggregateId, Expected, Metadata, Version};
use command_engine::{CommandRequest, Rejection, protocol::QueuedCommand};
use tokio::sync::oneshot::{Receiver, error::TryRecvError};
use uuid::Uuid;

use crate::{
    account::{Account, Command, Refusal},
    decision::Decision,
    dice::Dice,
    stage::{Scene, Stage},
};

pub(crate) type Request = CommandRequest<Command>;
type Answer = Result<command_engine::Accepted, command_engine::CommandError<Refusal>>;

pub(crate) struct Clients {
    stage: Stage,
    pub(crate) wishes: Vec<DesiredOwnership>,
    /// The commands topic.
    pub(crate) topic: Vec<Sent>,
    numbered: u64,
}

/// What a client wants.
pub(crate) struct DesiredOwnership {
    pub(crate) request: Request,
    pub(crate) tries: Vec<Try>,
    through_kafka: bool,
    /// Nothing more is done for it.
    over: bool,
}

pub(crate) struct Try {
    /// How many events were committed when it began.
    pub(crate) since: usize,
    /// What was heard, and how many events were committed by then.
    pub(crate) heard: Option<(Decision, usize)>,
    number: u64,
    instance: usize,
    reply: Option<Receiver<Answer>>,
}

/// A command in Kafka.
pub(crate) struct Sent {
    pub(crate) key: String,
    pub(crate) request: Request,
    pub(crate) rejection: Option<Rejection>,
    pub(crate) since: usize,
}

impl Clients {
    pub(crate) fn new(stage: &Stage, dice: &mut Dice) -> Self {
        let mut wishes: Vec<DesiredOwnership> = Vec::new();
        for _ in 0..4 + dice.below(9) {
            let request = match wishes.len() {
                0 => new_request(dice),
                many if dice.one_in(3) => repeated(&wishes[dice.below(many)].request, dice),
                _ => new_request(dice),
            };
            wishes.push(DesiredOwnership {
                request,
                tries: Vec::new(),
                through_kafka: dice.one_in(4),
                over: false,
            });
        }
        Self { stage: stage.clone(), wishes, topic: Vec::new(), numbered: 0 }
    }

    /// Does something for one of the wishes, while anything can happen.
    pub(crate) fn act(&mut self, committed: usize) {
        let mut scene = self.stage.lock();
        let index = scene.dice.below(self.wishes.len());
        let wish = &mut self.wishes[index];
        if wish.over {
            return;
        }
        if wish.through_kafka {
            wish.over = !scene.dice.one_in(4);
            self.topic.push(Sent::new(&wish.request, &mut scene.dice, committed));
        } else if !wish.is_waiting() {
            wish.over = !wish.tries.is_empty() && scene.dice.one_in(10);
            if !wish.over {
                let instance = scene.likely_owner();
                wish.ask(&mut scene, instance, committed, &mut self.numbered);
            }
        } else {
            match scene.dice.below(8) {
                0 => wish.give_up_one(&mut scene, committed),
                1 => {
                    let instance = scene.likely_owner();
                    wish.ask(&mut scene, instance, committed, &mut self.numbered);
                }
                _ => {}
            }
        }
    }

    /// Does what is left to do, once nothing fails any more; whether all is done.
    pub(crate) fn finish(&mut self, committed: usize) -> bool {
        let mut scene = self.stage.lock();
        for wish in &mut self.wishes {
            wish.over |= wish.through_kafka || wish.tries.is_empty();
            if !wish.is_waiting() && !wish.over && scene.dice.one_in(20) {
                let instance = scene.likely_owner();
                wish.ask(&mut scene, instance, committed, &mut self.numbered);
            }
        }
        self.wishes.iter().all(DesiredOwnership::is_over)
    }

    /// Hears what has been answered.
    pub(crate) fn hear(&mut self, committed: impl Fn() -> usize) {
        for wish in &mut self.wishes {
            let mut heard_final = false;
            for one in wish.tries.iter_mut().filter(|one| one.heard.is_none()) {
                let decision = match one.reply.as_mut().map(Receiver::try_recv) {
                    Some(Err(TryRecvError::Empty)) => continue,
                    Some(Ok(answer)) => Decision::of_answer(answer),
                    Some(Err(TryRecvError::Closed)) | None => Decision::Unknown,
                };
                self.stage.note(|| format!("try {} hears {decision:?}", one.number));
                heard_final |= decision.is_final();
                one.heard = Some((decision, committed()));
            }
            // Some ask once more what they know already.
            wish.over |= heard_final && !self.stage.lock().dice.one_in(6);
        }
    }
}

impl DesiredOwnership {
    fn is_over(&self) -> bool {
        self.over && !self.is_waiting()
    }

    fn is_waiting(&self) -> bool {
        self.tries.iter().any(|one| one.heard.is_none())
    }

    fn ask(&mut self, scene: &mut Scene, instance: usize, committed: usize, numbered: &mut u64) {
        *numbered += 1;
        let number = *numbered;
        let (waiting, reply) = QueuedCommand::<Account>::caller(self.request.clone());
        let Request { aggregate_id, command, expected, request_hash, metadata, .. } = &self.request;
        scene.note(|| {
            let id = metadata.command_id.as_u128() >> 112;
            format!(
                "try {number} at {instance}: {aggregate_id} {id:x}/{request_hash} {command:?} {expected:?}"
            )
        });
        scene.desks[instance].hand_in(number, waiting);
        self.tries.push(Try { since: committed, heard: None, number, instance, reply: Some(reply) });
    }

    /// Waits no longer for one of the answers.
    fn give_up_one(&mut self, scene: &mut Scene, committed: usize) {
        let Some(one) = self.tries.iter_mut().find(|one| one.heard.is_none()) else { return };
        let withdrawn = scene.desks[one.instance].withdraw(one.number);
        let decision = if withdrawn { Decision::Nothing } else { Decision::Unknown };
        scene.note(|| format!("try {} is given up: {decision:?}", one.number));
        (one.reply, one.heard) = (None, Some((decision, committed)));
    }
}

impl Sent {
    fn new(request: &Request, dice: &mut Dice, since: usize) -> Self {
        let rejection = dice.one_in(8).then(|| Rejection {
            code: "unreadable".to_owned(),
            detail: String::new(),
            facts: serde_json::Value::Null,
            dead_letter: true,
        });
        let key = request.metadata.command_id.to_string();
        Self { key, request: request.clone(), rejection, since }
    }
}

fn new_request(dice: &mut Dice) -> Request {
    let account = dice.pick(&["a", "a", "b", "c"]);
    let (coins, amount) = (dice.below(4), i64::try_from(dice.below(4)).unwrap());
    Request {
        aggregate_id: AggregateId::try_from(account).unwrap(),
        command: match dice.weigh(&[5, 4, 1]) {
            0 => Command::Deposit(coins),
            1 => Command::Withdraw(amount),
            _ => Command::Close,
        },
        expected: match dice.weigh(&[6, 1, 1, 2]) {
            0 => Expected::Any,
            1 => Expected::Absent,
            2 => Expected::Present,
            _ => Expected::OneOf(vec![Version(1 + dice.next() % 3)]),
        },
        request_hash: 1,
        metadata: Metadata {
            command_id: Uuid::from_u64_pair(dice.next(), dice.next()),
            correlation_id: String::new(),
            causation_id: String::new(),
            actor: String::new(),
            traceparent: String::new(),
        },
        deadline: Instant::now() + Duration::from_hours(24),
    }
}

/// The same request, or its id used for another.
fn repeated(request: &Request, dice: &mut Dice) -> Request {
    let request = request.clone();
    if dice.one_in(3) {
        Request { command: Command::Deposit(1), request_hash: 2, ..request }
    } else {
        request
    }
}

//! A model of the engine, without threads or a log. The only fault it knows is the one that can change an answer.

use std::collections::{BTreeMap, HashMap, HashSet};

use aggregate::{Aggregate, AggregateId, Expected, fold};
use command_engine::CommandError;
use serde_json::Value;
use uuid::Uuid;

use super::Fault;
use crate::support::{Account, Answer, CommandRequest, Event, Refusal};

/// The answer to a caller.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Accepted { version: u64, events: usize, replayed: bool },
    Refused(Refusal),
    Mismatch(u64),
    IdReused,
    Unwritable,
    Expired,
}

#[derive(Default)]
pub(super) struct Model {
    accounts: BTreeMap<AggregateId, Vec<Event>>,
    completed: HashMap<(AggregateId, Uuid), CompletedCommand>,
}

struct CompletedCommand {
    request_hash: u64,
    version: u64,
    events: usize,
    answered: bool,
}

impl Model {
    pub(super) fn events(&self, account: &str) -> Vec<Event> {
        let id = AggregateId::try_from(account).unwrap();
        self.accounts.get(&id).cloned().unwrap_or_default()
    }

    /// The answers to the callers of a group. If the append succeeded but its acknowledgement was lost, the events of
    /// the group are in the log, and every command without events is decided once more.
    pub(super) fn group(&mut self, requests: &[CommandRequest], fault: Fault) -> Vec<Reply> {
        if fault == Fault::After {
            let known_before: HashSet<_> = self.completed.keys().cloned().collect();
            for request in requests {
                self.decide(request);
            }
            for (key, completed) in &mut self.completed {
                completed.answered = known_before.contains(key);
            }
        }
        requests.iter().map(|request| self.decide(request)).collect()
    }

    /// The answer to a command that is decided once, whatever faults occur.
    pub(super) fn once(&mut self, request: &CommandRequest) -> Reply {
        self.decide(request)
    }

    fn decide(&mut self, request: &CommandRequest) -> Reply {
        let key = (request.aggregate_id.clone(), request.metadata.command_id);
        if let Some(completed) = self.completed.get_mut(&key) {
            return completed.reply(request.request_hash);
        }
        let history = self.accounts.entry(request.aggregate_id.clone()).or_default();
        let version = history.len() as u64;
        if !is_met(&request.expected, version) {
            return Reply::Mismatch(version);
        }
        let events = match Account::decide(&fold::<Account>(&*history), request.command.clone()) {
            Err(refusal) => return Reply::Refused(refusal),
            Ok(events) if events.contains(&Event::Frozen) => {
                return Reply::Unwritable;
            }
            Ok(events) => events,
        };
        let mut completed = CompletedCommand {
            request_hash: request.request_hash,
            version: version + events.len() as u64,
            events: events.len(),
            answered: false,
        };
        let reply = completed.reply(request.request_hash);
        // A command that changes nothing is not remembered.
        if !events.is_empty() {
            history.extend(events);
            self.completed.insert(key, completed);
        }
        reply
    }
}

impl CompletedCommand {
    fn reply(&mut self, request_hash: u64) -> Reply {
        if request_hash != self.request_hash {
            return Reply::IdReused;
        }
        Reply::Accepted {
            version: self.version,
            events: self.events,
            replayed: std::mem::replace(&mut self.answered, true),
        }
    }
}

impl Reply {
    /// The same answer as an outcome, which does not contain whether the command was replayed.
    pub(super) fn outcome(self) -> Self {
        match self {
            Self::Accepted { version, events, .. } => Self::Accepted { version, events, replayed: false },
            other => other,
        }
    }
}

impl From<&Value> for Reply {
    fn from(outcome: &Value) -> Self {
        if outcome["status"] == "accepted" {
            let events = outcome["events"].as_array().unwrap().len();
            return Self::Accepted { version: outcome["version"].as_u64().unwrap(), events, replayed: false };
        }
        let problem = &outcome["problem"];
        match (problem["type"].as_str().unwrap(), problem["detail"].as_str()) {
            ("/problems/account-refused", Some("Overdrawn")) => Self::Refused(Refusal::Overdrawn),
            ("/problems/account-refused", Some("IsClosed")) => Self::Refused(Refusal::IsClosed),
            ("/problems/version-mismatch", _) => Self::Mismatch(problem["current_version"].as_u64().unwrap()),
            ("/problems/idempotency-key-reused", _) => Self::IdReused,
            ("/problems/internal", None) => Self::Unwritable,
            other => panic!("{other:?}"),
        }
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        match answer {
            Ok(accepted) => Self::Accepted {
                version: accepted.version.0,
                events: accepted.events.len(),
                replayed: accepted.replayed,
            },
            Err(CommandError::Refused(refusal)) => Self::Refused(refusal),
            Err(CommandError::VersionMismatch { current }) => Self::Mismatch(current.0),
            Err(CommandError::IdReused) => Self::IdReused,
            Err(CommandError::Unwritable(_)) => Self::Unwritable,
            Err(CommandError::Expired) => Self::Expired,
            Err(error) => panic!("{error}"),
        }
    }
}

fn is_met(expected: &Expected, version: u64) -> bool {
    match expected {
        Expected::Any => true,
        Expected::Absent => version == 0,
        Expected::Present => version > 0,
        Expected::OneOf(versions) => version > 0 && versions.iter().any(|one| one.0 == version),
    }
}

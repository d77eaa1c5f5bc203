//! A group without events, in a schedule that is not random: the commit of the group before it is held back, which shows
//! whether the answer waits for it.

use std::time::{Duration, Instant};

use aggregate::{AggregateId, Expected, Metadata};
use command_engine::{CommandError, protocol::PendingReply};
use uuid::Uuid;

use super::World;
use crate::{
    account::{Account, Command, Refusal},
    clients::Request,
};

/// After this many turns, a thread of an instance waits.
const TURNS: usize = 200;

impl World {
    /// Runs one thread of the first instance until it waits: the one that decides, or the one that commits.
    fn run_until_waiting(&mut self, commits: bool) {
        (0..TURNS).for_each(|_| self.instances[0].resume(commits));
    }

    /// Sends a command to the first instance, which decides it at once.
    fn send(&mut self, command: Command) -> PendingReply<Account> {
        let request = Request {
            aggregate_id: AggregateId::try_from("a").unwrap(),
            command,
            expected: Expected::Any,
            request_hash: 1,
            metadata: Metadata {
                command_id: Uuid::new_v4(),
                correlation_id: "".into(),
                causation_id: "".into(),
                actor: "".into(),
                traceparent: "".into(),
            },
            has_key: true,
            deadline: Instant::now() + Duration::from_hours(24),
        };
        let reply = self.mailbox(0).enqueue(request).unwrap();
        self.run_until_waiting(false);
        reply
    }
}

#[test]
fn a_refusal_that_follows_from_the_group_before_it_waits_for_the_commit_of_that_group() {
    let mut world = World::new(1, None, false);
    world.scheduler.lock().faults = 0;
    world.run_until_waiting(false);
    let mut closed = world.send(Command::Close);
    let mut refused = world.send(Command::Deposit(1));
    assert!(refused.try_receive().is_none(), "the account may turn out not to be closed");

    world.run_until_waiting(true);
    assert!(matches!(closed.try_receive(), Some(Ok(_))));
    world.run_until_waiting(false);
    assert!(matches!(refused.try_receive(), Some(Err(CommandError::Refused(Refusal::IsClosed)))));
}

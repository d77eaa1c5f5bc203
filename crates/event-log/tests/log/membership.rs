//! The consumer group that assigns the shards, while members join, leave, hang and return.

use std::{
    collections::BTreeSet,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use event_log::{ClientSettings, GroupChange, LogError, Membership, Shards, Topics, apply_topics};
use test_kit::{OwnServers, TestEnvironment};

use crate::support::{Log, RUNTIME, error};

const SHARDS: i32 = 8;
const POLL: Duration = Duration::from_millis(20);

/// A member that applies and records the changes of the group.
struct Member {
    membership: Membership,
    owned: BTreeSet<i32>,
    changes: Vec<GroupChange>,
}

impl Member {
    fn join(log: &Log, instance_id: Option<&str>) -> Self {
        Self::of(Membership::join(&log.client, &log.topics, instance_id).unwrap())
    }

    fn of(membership: Membership) -> Self {
        Self { membership, owned: BTreeSet::new(), changes: Vec::new() }
    }

    fn poll(&mut self) {
        let Some(change) = self.membership.next(POLL).unwrap() else { return };
        self.changes.push(change.clone());
        match change {
            GroupChange::Assigned(new) => self.owned.extend(new),
            GroupChange::Revoked(removed) | GroupChange::Lost(removed) => {
                self.owned.retain(|shard| !removed.contains(shard));
            }
        }
    }

    fn has_lost(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, GroupChange::Lost(_)))
    }
}

/// Polls all members until the condition holds.
fn wait_until<const N: usize>(mut members: [&mut Member; N], condition: impl Fn(&[&mut Member; N]) -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !condition(&members) {
        let owned = || members.iter().map(|member| &member.owned).collect::<Vec<_>>();
        assert!(Instant::now() < deadline, "the condition did not hold within a minute: {:?}", owned());
        for member in &mut members {
            member.poll();
        }
    }
}

fn all() -> BTreeSet<i32> {
    (0..SHARDS).collect()
}

/// Whether two members share the shards evenly.
fn is_shared(one: &Member, other: &Member) -> bool {
    let half = all().len() / 2;
    one.owned.len() == half && other.owned.len() == half && one.owned.is_disjoint(&other.owned)
}

#[test]
fn two_members_share_the_shards_until_one_leaves() {
    let log = Log::with_shards(2 * SHARDS, SHARDS);
    let mut first = Member::join(&log, None);
    wait_until([&mut first], |[first]| first.owned == all());
    assert_eq!(first.membership.others().unwrap(), 0);
    let mut second = Member::join(&log, None);
    wait_until([&mut first, &mut second], |[first, second]| is_shared(first, second));
    assert_eq!([first.membership.others().unwrap(), second.membership.others().unwrap()], [1, 1]);
    second.membership.leave();
    wait_until([&mut first], |[first]| first.owned == all());
    assert_eq!(first.membership.others().unwrap(), 0);
    assert!(!first.has_lost(), "{:?}", first.changes);
}

#[test]
fn a_silent_member_loses_its_shards_and_gets_its_share_back_when_it_polls_again() {
    let log = Log::with_shards(2 * SHARDS, SHARDS);
    let (mut active, mut silent) = (Member::join(&log, None), Member::join(&log, None));
    wait_until([&mut active, &mut silent], |[active, silent]| is_shared(active, silent));
    let share = silent.owned.len();
    // The member stops polling, like a thread that hangs.
    wait_until([&mut active], |[active]| active.owned == all());
    silent.changes.clear();
    silent.poll();
    wait_until([&mut silent], |[silent]| silent.has_lost());
    assert!(
        matches!(&silent.changes[..], [GroupChange::Lost(lost)] if lost.len() == share),
        "{:?}",
        silent.changes
    );
    wait_until([&mut active, &mut silent], |[active, silent]| is_shared(active, silent));
    assert!(!active.has_lost(), "{:?}", active.changes);
}

#[test]
fn a_static_member_that_returns_within_its_session_keeps_its_shards_without_a_rebalance() {
    let log = Log::with_shards(2 * SHARDS, SHARDS);
    let (mut one, mut two) = (Member::join(&log, Some("one")), Member::join(&log, Some("two")));
    wait_until([&mut one, &mut two], |[one, two]| is_shared(one, two));
    let (before, changes) = (two.owned.clone(), one.changes.clone());
    two.membership.leave();
    assert_eq!(one.membership.others().unwrap(), 1, "the membership of the second is kept");
    let mut rejoined = Member::join(&log, Some("two"));
    wait_until([&mut one, &mut rejoined], |[_, rejoined]| rejoined.owned == before);
    assert_eq!(one.changes, changes);
    assert_eq!([one.membership.others().unwrap(), rejoined.membership.others().unwrap()], [1, 1]);
}

#[test]
fn a_member_whose_instance_id_is_taken_over_gets_a_permanent_error() {
    let log = Log::with_partitions(1);
    let mut old = Member::join(&log, Some("one"));
    wait_until([&mut old], |[old]| !old.owned.is_empty());
    let mut new = Member::join(&log, Some("one"));
    wait_until([&mut new], |[new]| !new.owned.is_empty());
    let deadline = Instant::now() + Duration::from_mins(1);
    let result = loop {
        assert!(Instant::now() < deadline, "the old member got no error");
        match old.membership.next(POLL) {
            Ok(_) => {}
            result => break result,
        }
    };
    assert!(matches!(error(result), LogError::Kafka(_)));
}

#[test]
fn a_member_survives_a_crash_of_the_broker() {
    let own = OwnServers::not_started();
    own.start_server("kafka");
    let environment = TestEnvironment::on(own.servers.clone());
    let client = ClientSettings { brokers: environment.servers.brokers.clone() };
    let topics = Topics::new(&environment.topic_prefix, "tests");
    RUNTIME.block_on(apply_topics(&client, &topics, Shards::new(SHARDS, SHARDS).unwrap(), 1)).unwrap();
    let mut member = Member::of(Membership::join(&client, &topics, None).unwrap());
    wait_until([&mut member], |[member]| member.owned == all());
    own.kill("kafka");
    while TcpStream::connect(&client.brokers).is_ok() {
        member.poll();
    }
    thread::scope(|scope| {
        let restart = scope.spawn(|| own.start_server("kafka"));
        while !restart.is_finished() {
            member.poll();
        }
    });
    // If a second member gets its share, the group still works.
    let mut second = Member::of(Membership::join(&client, &topics, None).unwrap());
    wait_until([&mut member, &mut second], |[member, second]| is_shared(member, second));
}

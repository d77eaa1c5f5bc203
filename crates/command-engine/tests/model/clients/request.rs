use std::time::{Duration, Instant};

use aggregate::{AggregateId, Expected, Metadata, Version};
use uuid::Uuid;

use super::Request;
use crate::{account::Command, random::Random};

pub(super) fn new_request(random: &mut Random) -> Request {
    // Accounts of both partitions.
    let account = random.pick(&["a", "a", "b", "c", "d", "d", "f"]);
    let (coins, amount) = (random.below(4), i64::try_from(random.below(4)).unwrap());
    Request {
        aggregate_id: AggregateId::try_from(account).unwrap(),
        command: match random.weighted(&[5, 4, 1]) {
            0 => Command::Deposit(coins),
            1 => Command::Withdraw(amount),
            _ => Command::Close,
        },
        expected: match random.weighted(&[6, 1, 1, 2]) {
            0 => Expected::Any,
            1 => Expected::Absent,
            2 => Expected::Present,
            _ => Expected::OneOf(vec![Version(1 + random.next() % 3)]),
        },
        request_hash: 1,
        metadata: Metadata {
            command_id: Uuid::from_u64_pair(random.next(), random.next()),
            correlation_id: "".into(),
            causation_id: "".into(),
            actor: "".into(),
            traceparent: "".into(),
        },
        has_key: true,
        deadline: Instant::now() + Duration::from_hours(24),
    }
}

/// The same request, or another with the same id.
pub(super) fn repeated(request: &Request, random: &mut Random) -> Request {
    let request = request.clone();
    if random.one_in(3) {
        Request { command: Command::Deposit(1), request_hash: 2, ..request }
    } else {
        request
    }
}

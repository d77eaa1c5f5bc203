use aggregate::Version;
use event_log::{Continuity, Discontinuity, Recorded};

use super::{Ticked, tick};
use crate::projector::{batch::Batch, checkpoint::Checkpoint};

const START: Checkpoint =
    Checkpoint { next_offset: 0, epoch: 1, continuity: Continuity { sequence: 0, epoch: 0 } };

/// Adds an event, as it comes from the log.
pub(super) fn push(batch: &mut Batch<Ticked>, recorded: Recorded) -> Result<(), Discontinuity> {
    let before = Version(recorded.envelope.version.0 - 1);
    let reached = batch.after(START, &recorded)?;
    batch.check(&recorded, before)?;
    let partition = recorded.position.partition;
    batch.push(recorded, Ticked {}, before);
    batch.reach(partition, reached, None);
    Ok(())
}

#[test]
fn events_are_put_together_by_aggregate() {
    let mut batch = Batch::new();
    for (sequence, (aggregate, version)) in (1..).zip([("a", 1), ("b", 5), ("a", 2), ("b", 6)]) {
        push(&mut batch, tick(aggregate, version, sequence)).unwrap();
    }
    let histories = batch.histories();
    let seen: Vec<_> = histories
        .iter()
        .map(|history| {
            (history.aggregate_id().as_str(), history.before().0, history.last().envelope.version.0)
        })
        .collect();
    assert_eq!(seen, [("a", 0, 2), ("b", 4, 6)]);
    assert_eq!(batch.reached()[&0].next_offset, 9);
}

#[test]
fn a_hole_in_the_sequence_is_found_and_leaves_the_batch_as_it_was() {
    let mut batch = Batch::new();
    push(&mut batch, tick("a", 1, 1)).unwrap();
    let hole = push(&mut batch, tick("a", 2, 3));
    assert!(matches!(hole, Err(Discontinuity::Sequence { expected: 2, found: 3, .. })));
    assert_eq!((batch.len(), batch.reached()[&0].next_offset), (1, 3));
}

#[test]
fn a_hole_in_the_versions_of_an_aggregate_is_found() {
    let mut batch = Batch::new();
    push(&mut batch, tick("a", 1, 1)).unwrap();
    let hole = push(&mut batch, tick("a", 3, 2));
    assert!(matches!(hole, Err(Discontinuity::Version { expected: 2, found: 3, .. })));
    assert_eq!((batch.len(), batch.reached()[&0].continuity.sequence), (1, 1));
}

#[test]
fn what_belongs_to_somebody_else_now_is_left_out() {
    let mut batch = Batch::new();
    push(&mut batch, tick("a", 1, 1)).unwrap();
    batch.forget(&[0]);
    assert_eq!((batch.len(), batch.reached().len(), batch.histories().len()), (0, 0, 0));
}

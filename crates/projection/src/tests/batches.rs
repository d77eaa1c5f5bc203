use aggregate::Version;
use event_log::{Continuity, Discontinuity, Recorded};

use super::{Ticked, tick};
use crate::projector::{batch::Batch, checkpoint::Checkpoint};

const START: Checkpoint =
    Checkpoint { next_offset: 0, epoch: 1, continuity: Continuity { sequence: 0, epoch: 0 } };

/// Adds an event that follows the previous version.
pub(super) fn push(batch: &mut Batch<Ticked>, recorded: Recorded) -> Result<(), Discontinuity> {
    let before = Version(recorded.envelope.version.0 - 1);
    let reached = batch.checkpoint_after(START, &recorded)?;
    batch.check(&recorded, before)?;
    let partition = recorded.position.partition;
    batch.push(recorded.into(), Ticked {}, before);
    batch.move_checkpoint(partition, reached, None);
    Ok(())
}

#[test]
fn events_are_grouped_by_aggregate() {
    let mut batch = Batch::new();
    for (sequence, (aggregate, version)) in (1..).zip([("a", 1), ("b", 5), ("a", 2), ("b", 6)]) {
        push(&mut batch, tick(aggregate, version, sequence)).unwrap();
    }
    let histories = batch.histories();
    let versions: Vec<_> = histories
        .iter()
        .map(|history| {
            (history.aggregate_id().as_str(), history.before().0, history.last().envelope.version.0)
        })
        .collect();
    assert_eq!(versions, [("a", 0, 2), ("b", 4, 6)]);
    assert_eq!(batch.reached()[&0].next_offset, 9);
}

#[test]
fn a_gap_in_the_sequence_is_an_error_and_leaves_the_batch_unchanged() {
    let mut batch = Batch::new();
    push(&mut batch, tick("a", 1, 1)).unwrap();
    let gap = push(&mut batch, tick("a", 2, 3));
    assert!(matches!(gap, Err(Discontinuity::Sequence { expected: 2, found: 3, .. })));
    assert_eq!((batch.len(), batch.reached()[&0].next_offset), (1, 3));
}

#[test]
fn a_gap_in_the_versions_of_an_aggregate_is_an_error() {
    let mut batch = Batch::new();
    push(&mut batch, tick("a", 1, 1)).unwrap();
    let gap = push(&mut batch, tick("a", 3, 2));
    assert!(matches!(gap, Err(Discontinuity::Version { expected: 2, found: 3, .. })));
    assert_eq!((batch.len(), batch.reached()[&0].continuity.sequence), (1, 1));
}

#[test]
fn events_of_a_revoked_partition_are_removed() {
    let mut batch = Batch::new();
    push(&mut batch, tick("a", 1, 1)).unwrap();
    batch.remove_partitions(&[0]);
    assert_eq!((batch.len(), batch.reached().len(), batch.histories().len()), (0, 0, 0));
}

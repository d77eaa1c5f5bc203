//! Folds what is read of the log into the image, in pieces that fit in memory.

use aggregate::{Aggregate, Message};
use event_log::{Codec, LogError, Recorded};

use crate::{
    image::{Image, ImageError},
    in_doubt::InDoubt,
    snapshots::SnapshotError,
};

/// How many events are folded together; the cold aggregates among them are loaded by one query.
const PIECE: usize = 1024;

/// A replay under way.
pub(crate) struct Replay<'w, A: Aggregate> {
    image: &'w mut Image<A>,
    codec: &'w Codec,
    in_doubt: &'w mut InDoubt<A>,
    piece: Vec<(Recorded, A::Event)>,
    /// Whether the image must begin anew.
    pub(crate) lost: bool,
}

impl<'w, A: Aggregate> Replay<'w, A> {
    pub(crate) const fn new(image: &'w mut Image<A>, codec: &'w Codec, in_doubt: &'w mut InDoubt<A>) -> Self {
        Self { image, codec, in_doubt, piece: Vec::new(), lost: false }
    }

    /// Takes in the next event of the log.
    pub(crate) fn take(&mut self, recorded: Recorded) -> Result<(), LogError> {
        let event = self
            .codec
            .decode::<A::Event>(&recorded)
            .map_err(|source| LogError::unreadable(&recorded, source))?;
        self.in_doubt.note(&recorded, event.message_type());
        self.piece.push((recorded, event));
        if self.piece.len() < PIECE { Ok(()) } else { self.fold() }
    }

    /// Folds what was taken in, also when the reading broke off: what is read stays read.
    pub(crate) fn fold(&mut self) -> Result<(), LogError> {
        let piece = std::mem::take(&mut self.piece);
        self.image.fold_tail(&piece, &mut |_, _| ()).map_err(|error| {
            self.lost |= matches!(error, ImageError::Snapshots(SnapshotError::Lost));
            match error {
                ImageError::Discontinuous(error) => error.into(),
                error @ ImageError::Snapshots(_) => LogError::Fold(error.into()),
            }
        })
    }
}

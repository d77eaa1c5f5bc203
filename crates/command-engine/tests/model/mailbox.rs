//! What an instance is to do, as the engine's mailbox has it: who wants the partition where, and which commands wait.

use std::collections::VecDeque;

use command_engine::{CommandError, Delivery, protocol::QueuedCommand};
use event_log::Claimed;

use crate::account::{Account, Refusal};

#[derive(Default)]
pub(crate) struct Mailbox {
    wish: DesiredOwnership,
    provisional: bool,
    /// Whether the wish is newer than the last ownership.
    fresh: bool,
    dismissed: bool,
    place: Place,
    queue: VecDeque<(u64, QueuedCommand<Account>)>,
    deliveries: VecDeque<Delivery<Account>>,
    next_delivery: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum DesiredOwnership {
    #[default]
    Elsewhere,
    Owned,
    HandedOver,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Elsewhere,
    Claiming,
    Owned {
        epoch: u64,
    },
}

/// The wishes.
impl Mailbox {
    pub(crate) fn own(&mut self) {
        self.provisional = false;
        if self.wish != DesiredOwnership::Owned {
            self.dismissed |= self.wish == DesiredOwnership::HandedOver;
            (self.wish, self.fresh) = (DesiredOwnership::Owned, true);
        }
    }

    pub(crate) fn take_over(&mut self) {
        if self.wish == DesiredOwnership::Elsewhere {
            (self.wish, self.fresh, self.provisional) = (DesiredOwnership::Owned, true, true);
        }
    }

    pub(crate) fn hand_over(&mut self) {
        if self.wish == DesiredOwnership::Owned {
            self.deliveries.clear();
            self.wish = if self.place == Place::Elsewhere {
                DesiredOwnership::Elsewhere
            } else {
                DesiredOwnership::HandedOver
            };
            self.provisional &= self.wish != DesiredOwnership::Elsewhere;
        }
    }

    pub(crate) fn lose(&mut self) {
        (self.wish, self.provisional) = (DesiredOwnership::Elsewhere, false);
        self.dismissed |= self.place != Place::Elsewhere;
        self.empty();
    }

    pub(crate) fn is_wished(&self, rested: bool) -> bool {
        self.wish == DesiredOwnership::Owned && (self.fresh || rested)
    }

    pub(crate) fn wants(&self) -> bool {
        self.wish == DesiredOwnership::Owned && !self.dismissed
    }

    pub(crate) fn may_claim_again(&self, fenced: bool) -> bool {
        match self.wish {
            DesiredOwnership::Owned if self.provisional => !fenced && !self.dismissed,
            DesiredOwnership::Owned => !self.dismissed,
            DesiredOwnership::HandedOver => !fenced,
            DesiredOwnership::Elsewhere => false,
        }
    }

    pub(crate) fn is_handed_over(&self) -> bool {
        self.wish == DesiredOwnership::HandedOver || self.provisional
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.dismissed
    }
}

/// What the driver shows.
impl Mailbox {
    pub(crate) fn show_warming(&mut self) {
        if self.wants() {
            self.place = Place::Elsewhere;
        }
    }

    pub(crate) fn begin_claim(&mut self) -> bool {
        let wanted = self.wants();
        if wanted {
            self.place = Place::Claiming;
        }
        wanted
    }

    pub(crate) fn show_doubt(&mut self) {
        self.place = Place::Claiming;
        self.deliveries.clear();
    }

    pub(crate) fn show_owned(&mut self, claimed: Claimed) {
        (self.place, self.next_delivery) = (Place::Owned { epoch: claimed.epoch }, claimed.next_command);
        self.fresh &= self.dismissed;
    }

    pub(crate) fn leave(&mut self) {
        (self.place, self.dismissed) = (Place::Elsewhere, false);
        if self.is_handed_over() {
            (self.wish, self.provisional) = (DesiredOwnership::Elsewhere, false);
        }
        self.empty();
    }

    fn empty(&mut self) {
        self.deliveries.clear();
        self.queue.drain(..).for_each(|(_, waiting)| waiting.turn_away(CommandError::Elsewhere));
    }
}

/// The commands.
impl Mailbox {
    pub(crate) fn hand_in(&mut self, number: u64, waiting: QueuedCommand<Account>) {
        match self.admits() {
            Ok(()) => self.queue.push_back((number, waiting)),
            Err(error) => waiting.turn_away(error),
        }
    }

    fn admits(&self) -> Result<(), CommandError<Refusal>> {
        match self.place {
            _ if self.dismissed => Err(CommandError::Elsewhere),
            Place::Owned { .. } => Ok(()),
            Place::Claiming if self.wish == DesiredOwnership::Owned => Err(CommandError::NotReady),
            Place::Claiming | Place::Elsewhere => Err(CommandError::Elsewhere),
        }
    }

    /// Takes a command out whose caller has given it up; false if its turn has come before.
    pub(crate) fn withdraw(&mut self, number: u64) -> bool {
        let before = self.queue.len();
        self.queue.retain(|(its, _)| *its != number);
        self.queue.len() < before
    }

    pub(crate) fn owns(&self) -> bool {
        matches!(self.place, Place::Owned { .. }) && !self.dismissed
    }

    /// For which ownership deliveries are read, and the first that has not come yet.
    pub(crate) fn next_delivery(&self) -> Option<(u64, i64)> {
        match self.place {
            Place::Owned { epoch } if self.wants() => Some((epoch, self.next_delivery)),
            _ => None,
        }
    }

    pub(crate) fn deliver(&mut self, delivery: Delivery<Account>) {
        self.next_delivery = delivery.position.offset + 1;
        self.deliveries.push_back(delivery);
    }

    pub(crate) fn put_back(&mut self, undecidable: Vec<QueuedCommand<Account>>) {
        if self.wish != DesiredOwnership::Owned {
            return;
        }
        for waiting in undecidable.into_iter().rev() {
            if let QueuedCommand::Delivered(delivery) = waiting {
                self.deliveries.push_front(delivery);
            }
        }
    }

    pub(crate) fn group(&mut self, most: usize) -> Vec<QueuedCommand<Account>> {
        let asked = self.queue.len().min(most);
        let mut group: Vec<_> = self.queue.drain(..asked).map(|(_, waiting)| waiting).collect();
        let delivered = self.deliveries.len().min(most - asked);
        group.extend(self.deliveries.drain(..delivered).map(QueuedCommand::Delivered));
        group
    }
}

//! What may happen beside the steps of the instances.

use command_engine::Delivery;
use event_log::Position;

use super::World;
use crate::{account::topics, clients::Sent, mailbox::Mailbox, snapshots::Shelf};

impl World {
    pub(super) fn disturb(&mut self) {
        let happens = self.stage.lock().dice.weigh(&self.weather);
        let instance = self.below(self.drivers.len());
        match happens {
            0 if self.simulated.held() > 0 => {
                self.note("a late request arrives");
                self.simulated.deliver(self.below(self.simulated.held()));
            }
            1 => {
                self.note("transactions expire");
                self.simulated.expire_transactions();
            }
            2 => self.simulated.show_commits(),
            3 => self.regroup(instance),
            4 => self.crash(instance),
            5 => {
                self.drivers[instance].frozen ^= true;
                let frozen = self.drivers[instance].frozen;
                self.note(&format!("{instance} frozen: {frozen}"));
            }
            6 => self.settle_save(),
            7 => {
                self.note("snapshots are set back");
                self.shelf.iter().for_each(Shelf::set_back);
            }
            8 => self.deliver(instance),
            _ => {}
        }
    }

    /// The group gives the partition to an instance; the others hear of it, in one way or another.
    fn regroup(&mut self, to: usize) {
        for number in 0..self.drivers.len() {
            let change = if number == to { self.below(4) } else { 4 + self.below(4) };
            let (change, name): (fn(&mut Mailbox), _) = match change {
                0 => (Mailbox::take_over, "takes over"),
                1..4 => (Mailbox::own, "is to own"),
                4 | 5 => (Mailbox::hand_over, "hands over"),
                6 => (Mailbox::lose, "loses"),
                _ => (|_| (), "hears nothing"),
            };
            self.note(&format!("{number} {name}"));
            self.with(number, change);
        }
    }

    fn crash(&mut self, number: usize) {
        self.note(&format!("{number} crashes"));
        let anew = self.driver(number);
        self.drivers[number] = anew;
        self.with(number, |mailbox| *mailbox = Mailbox::default());
    }

    pub(super) fn settle_save(&self) {
        if let Some(shelf) = self.shelf.as_ref().filter(|shelf| shelf.pending() > 0) {
            shelf.settle(self.below(shelf.pending()));
        }
    }

    /// Hands an owner its next command of the commands topic.
    pub(super) fn deliver(&self, number: usize) {
        let next = self.stage.lock().desks[number].next_delivery();
        let Some((epoch, offset)) = next else { return };
        let Some(sent) = usize::try_from(offset).ok().and_then(|place| self.clients.topic.get(place)) else {
            return;
        };
        self.note(&format!("{number} is delivered {offset}"));
        let Sent { key, request, rejection, .. } = sent;
        let delivery = Delivery {
            epoch,
            position: Position { topic: topics().commands(), partition: 0, offset },
            key: key.clone(),
            command: rejection.clone().map_or_else(|| Ok(request.clone()), Err),
        };
        self.with(number, |mailbox| mailbox.deliver(delivery));
    }
}

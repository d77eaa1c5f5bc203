//! Disturbances: events outside the instances.

use command_engine::{Delivery, protocol::Mailbox};
use event_log::Position;

use super::World;
use crate::{
    account::{Account, topics},
    clients::SentCommand,
    snapshots::SharedSnapshots,
};

impl World {
    pub(super) fn disturb(&mut self) {
        let disturbance = self.scheduler.lock().random.weighted(&self.disturbances);
        let instance = self.below(self.instances.len());
        match disturbance {
            0 if self.simulated.delayed() > 0 => {
                self.note("a delayed request arrives");
                self.simulated.deliver(self.below(self.simulated.delayed()));
            }
            1 => {
                self.note("transactions expire");
                self.simulated.expire_transactions();
            }
            2 => self.simulated.show_commits(),
            3 => self.reassign(instance),
            4 => self.crash(instance),
            5 => {
                self.instances[instance].frozen ^= true;
                let frozen = self.instances[instance].frozen;
                self.note(&format!("{instance} frozen: {frozen}"));
            }
            6 => self.finish_save(),
            7 => {
                self.note("the last save of snapshots is lost");
                self.disturb_snapshots(SharedSnapshots::lose_last_save);
            }
            8 => self.deliver(instance),
            9 => self.change_layout(),
            10 => {
                self.note("snapshots are discarded");
                self.disturb_snapshots(SharedSnapshots::discard);
            }
            11 => {
                self.note("snapshots cannot be opened, or can again");
                self.disturb_snapshots(SharedSnapshots::toggle_down);
            }
            _ => {}
        }
    }

    /// The group assigns the shard to an instance; the others are notified, in one way or another.
    fn reassign(&mut self, to: usize) {
        for number in 0..self.instances.len() {
            let change = if number == to { self.below(4) } else { 4 + self.below(4) };
            let (change, name): (fn(&Mailbox<Account>), _) = match change {
                0 => (Mailbox::take_over, "takes over"),
                1..4 => (Mailbox::own, "is to own"),
                4 | 5 => (Mailbox::hand_over, "hands over"),
                6 => (Mailbox::lose, "loses"),
                _ => (|_| (), "is not notified"),
            };
            self.note(&format!("{number} {name}"));
            change(&self.mailbox(number));
        }
    }

    pub(super) fn crash(&mut self, number: usize) {
        self.note(&format!("{number} crashes"));
        self.clients.disconnect(number, self.simulated.committed());
        self.start(number);
    }

    fn disturb_snapshots(&self, disturb: fn(&SharedSnapshots)) {
        if !self.snapshots.is_empty() {
            disturb(&self.snapshots[self.below(self.snapshots.len())]);
        }
    }

    pub(super) fn finish_save(&self) {
        let pending: Vec<_> = self.snapshots.iter().filter(|snapshots| snapshots.pending() > 0).collect();
        if !pending.is_empty() {
            let snapshots = pending[self.below(pending.len())];
            snapshots.finish_save(self.below(snapshots.pending()));
        }
    }

    /// Delivers an owner its next command of a partition of the commands topic.
    pub(super) fn deliver(&mut self, number: usize) {
        let partition = self.scheduler.lock().random.pick(&[0, 1]);
        let Some((epoch, offset)) = self.instances[number].commands.next(partition) else { return };
        let sent =
            usize::try_from(offset).ok().and_then(|index| self.clients.topic.get(&partition)?.get(index));
        let Some(sent) = sent else { return };
        self.note(&format!("{number} is delivered {partition}@{offset}"));
        let SentCommand { key, request, rejection, .. } = sent;
        let delivery = Delivery {
            epoch,
            position: Position { topic: topics().commands(), partition, offset },
            key: key.clone(),
            command: rejection.clone().map_or_else(|| Ok(request.clone()), Err),
        };
        self.instances[number].commands.advance(partition);
        self.mailbox(number).deliver(delivery);
    }
}

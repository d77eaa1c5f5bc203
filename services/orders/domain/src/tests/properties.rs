//! Properties of every history that arbitrary commands can lead to.

use aggregate::{Aggregate, Version, fold};
use garde::Validate;
use proptest::{collection::vec, prelude::*};

use super::{
    arbitrary::{commands, lines, texts},
    samples::{self, order_of, placed},
};
use crate::{
    CancelOrder, Command, DeliveryAddress, Event, Order, State, commands::OrderLine, events::OrderCancelled,
    validation::MAX_AMOUNT_MINOR,
};

/// An order's events, and the state and version after them.
#[derive(Default)]
struct History {
    events: Vec<Event>,
    state: State,
    version: Version,
}

impl History {
    /// Executes a command; a refused one has no effect.
    fn execute(&mut self, command: Command) {
        for event in Order::decide(&self.state, command).unwrap_or_default() {
            self.state = Order::evolve(self.state, &event);
            self.version = self.version.next();
            self.events.push(event);
        }
    }
}

/// The history after all valid commands of a sequence.
fn history_of(commands: Vec<Command>) -> History {
    let mut history = History::default();
    let valid = commands.into_iter().filter(|command| command.validate().is_ok());
    valid.for_each(|command| history.execute(command));
    history
}

/// The total of the lines, in a type that holds any sum; `None` if a line is invalid.
fn sum(lines: &[OrderLine]) -> Option<i128> {
    let is_valid = |line: &OrderLine| {
        (1..=999).contains(&line.quantity)
            && line.unit_price_minor >= 0
            && line.currency.as_deref().is_none_or(|currency| currency == "EUR")
    };
    let count_fits = (1..=100).contains(&lines.len());
    let price = |line: &OrderLine| i128::from(line.quantity) * i128::from(line.unit_price_minor);
    (count_fits && lines.iter().all(is_valid)).then(|| lines.iter().map(price).sum())
}

fn addresses(events: &[Event]) -> Vec<&DeliveryAddress> {
    let addresses = events.iter().map(|event| match event {
        Event::OrderPlaced(placed) => Some(&placed.delivery_address),
        Event::DeliveryAddressChanged(changed) => Some(&changed.delivery_address),
        Event::OrderCancelled(_) => None,
    });
    addresses.flatten().collect()
}

proptest! {
    #[test]
    fn only_the_first_event_places_an_order_and_only_the_last_cancels_it(sent in vec(commands(), 0..20)) {
        let events = history_of(sent).events;
        for (position, event) in events.iter().enumerate() {
            prop_assert_eq!(matches!(event, Event::OrderPlaced(_)), position == 0);
            if matches!(event, Event::OrderCancelled(_)) {
                prop_assert_eq!(position, events.len() - 1);
            }
        }
    }

    #[test]
    fn a_state_is_the_fold_of_its_history(sent in vec(commands(), 0..20)) {
        let history = history_of(sent);
        prop_assert_eq!(fold::<Order>(&history.events), history.state);
        prop_assert_eq!(history.version, Version::NONE.plus(history.events.len() as u64));
    }

    #[test]
    fn an_address_never_changes_to_itself(sent in vec(commands(), 0..20)) {
        let events = history_of(sent).events;
        let addresses = addresses(&events);
        prop_assert!(addresses.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_total_is_the_sum_of_the_lines_or_the_order_is_refused(lines in lines()) {
        let expected = sum(&lines).filter(|sum| *sum <= i128::from(MAX_AMOUNT_MINOR));
        let total = placed(order_of(lines)).map(|event| match event {
            Event::OrderPlaced(placed) => i128::from(placed.total_minor),
            other => panic!("{other:?}"),
        });
        prop_assert_eq!(total, expected);
    }

    #[test]
    fn the_lines_of_the_event_are_those_of_the_command(lines in lines()) {
        if let Some(Event::OrderPlaced(placed)) = placed(order_of(lines.clone())) {
            prop_assert_eq!(placed.lines.len(), lines.len());
            for (placed, ordered) in placed.lines.iter().zip(lines) {
                prop_assert_eq!(&placed.sku, &ordered.sku);
                prop_assert_eq!(i64::from(placed.quantity), ordered.quantity);
                prop_assert_eq!(placed.unit_price_minor, ordered.unit_price_minor);
            }
        }
    }

    #[test]
    fn text_is_either_kept_unchanged_or_refused(text in prop_oneof![texts().boxed(), any::<String>().boxed()]) {
        let cancel = CancelOrder { reason: text.clone() };
        if cancel.validate().is_ok() {
            prop_assert!(!text.contains(char::is_control));
            let placed = samples::order_placed();
            let history = history_of(vec![samples::place(samples::order()), Command::CancelOrder(cancel)]);
            let cancelled = Event::OrderCancelled(OrderCancelled { reason: text });
            prop_assert_eq!(history.events, vec![placed, cancelled]);
        }
    }
}

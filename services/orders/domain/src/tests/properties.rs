//! Properties of every history that the rules accept, whatever commands came in.

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

/// What an order went through: its events, the state folded on the way, and its version.
#[derive(Default)]
struct Life {
    events: Vec<Event>,
    state: State,
    version: Version,
}

impl Life {
    fn ask(&mut self, command: Command) {
        for event in Order::decide(&self.state, command).unwrap_or_default() {
            self.state = Order::evolve(self.state, &event);
            self.version = self.version.next();
            self.events.push(event);
        }
    }
}

fn life_of(asked: Vec<Command>) -> Life {
    let mut life = Life::default();
    asked.into_iter().filter(|command| command.validate().is_ok()).for_each(|command| life.ask(command));
    life
}

/// The order's lines summed in a type that has room for any sum; `None` where one of them breaks a rule.
fn sum(lines: &[OrderLine]) -> Option<i128> {
    let sound = |line: &OrderLine| {
        (1..=999).contains(&line.quantity)
            && line.unit_price_minor >= 0
            && line.currency.as_deref().is_none_or(|currency| currency == "EUR")
    };
    let count_fits = (1..=100).contains(&lines.len());
    let price = |line: &OrderLine| i128::from(line.quantity) * i128::from(line.unit_price_minor);
    (count_fits && lines.iter().all(sound)).then(|| lines.iter().map(price).sum())
}

fn addresses(events: &[Event]) -> Vec<&DeliveryAddress> {
    let known = events.iter().map(|event| match event {
        Event::OrderPlaced(placed) => Some(&placed.delivery_address),
        Event::DeliveryAddressChanged(changed) => Some(&changed.delivery_address),
        Event::OrderCancelled(_) => None,
    });
    known.flatten().collect()
}

proptest! {
    #[test]
    fn a_history_starts_with_the_only_placing_and_ends_with_the_only_cancel(asked in vec(commands(), 0..20)) {
        let events = life_of(asked).events;
        for (position, event) in events.iter().enumerate() {
            prop_assert_eq!(matches!(event, Event::OrderPlaced(_)), position == 0);
            if matches!(event, Event::OrderCancelled(_)) {
                prop_assert_eq!(position, events.len() - 1);
            }
        }
    }

    #[test]
    fn a_state_is_the_fold_of_its_history(asked in vec(commands(), 0..20)) {
        let life = life_of(asked);
        prop_assert_eq!(fold::<Order>(&life.events), life.state);
        prop_assert_eq!(life.version, Version::NONE.plus(life.events.len() as u64));
    }

    #[test]
    fn an_address_never_changes_to_itself(asked in vec(commands(), 0..20)) {
        let events = life_of(asked).events;
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
    fn an_event_repeats_the_lines_as_they_were_asked_for(lines in lines()) {
        if let Some(Event::OrderPlaced(placed)) = placed(order_of(lines.clone())) {
            prop_assert_eq!(placed.lines.len(), lines.len());
            for (placed, asked) in placed.lines.iter().zip(lines) {
                prop_assert_eq!(&placed.sku, &asked.sku);
                prop_assert_eq!(i64::from(placed.quantity), asked.quantity);
                prop_assert_eq!(placed.unit_price_minor, asked.unit_price_minor);
            }
        }
    }

    #[test]
    fn a_text_is_kept_as_given_or_refused(text in prop_oneof![texts().boxed(), any::<String>().boxed()]) {
        let cancel = CancelOrder { reason: text.clone() };
        if cancel.validate().is_ok() {
            prop_assert!(!text.contains(char::is_control));
            let placed = samples::order_placed();
            let life = life_of(vec![samples::place(samples::order()), Command::CancelOrder(cancel)]);
            let cancelled = Event::OrderCancelled(OrderCancelled { reason: text });
            prop_assert_eq!(life.events, vec![placed, cancelled]);
        }
    }
}

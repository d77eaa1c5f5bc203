//! The rules of an order. The limits of values are tested in [`validation`], properties of every history in
//! [`properties`], and the encoding of messages in [`schemas`].

mod arbitrary;
mod properties;
mod refusals;
mod samples;
mod schemas;
mod validation;

use aggregate::given;

use crate::{Order, Refusal};
use samples::{address_changed, address_in, cancel, cancelled, change_address, order, order_placed, place};

#[test]
fn an_order_is_placed_with_the_total_of_its_lines() {
    given::<Order>([]).when(place(order())).then([order_placed()]);
}

#[test]
fn an_order_is_placed_only_once() {
    given::<Order>([order_placed()]).when(place(order())).then_refused(Refusal::OrderAlreadyPlaced {});
}

#[test]
fn a_cancelled_order_cannot_be_placed_again() {
    given::<Order>([order_placed(), cancelled()])
        .when(place(order()))
        .then_refused(Refusal::OrderAlreadyPlaced {});
}

#[test]
fn an_order_can_be_sent_to_another_address() {
    given::<Order>([order_placed()]).when(change_address(address_in("Jena"))).then([address_changed("Jena")]);
}

#[test]
fn an_order_can_be_sent_back_to_its_first_address() {
    given::<Order>([order_placed(), address_changed("Jena")])
        .when(change_address(address_in("Weimar")))
        .then([address_changed("Weimar")]);
}

#[test]
fn a_change_to_the_current_address_has_no_effect() {
    given::<Order>([order_placed()]).when(change_address(address_in("Weimar"))).then_nothing();
}

#[test]
fn repeating_a_change_of_address_has_no_effect() {
    given::<Order>([order_placed(), address_changed("Jena")])
        .when(change_address(address_in("Jena")))
        .then_nothing();
}

#[test]
fn the_address_changes_if_any_part_of_it_changes() {
    let mut changes = vec![address_in("Weimar"); 5];
    changes[0].name.push('x');
    changes[1].street.push('x');
    changes[2].postal_code.push('x');
    changes[3].city.push('x');
    changes[4].country = "AT".to_owned();
    for address in changes {
        let event = samples::changed_to(address.clone());
        given::<Order>([order_placed()]).when(change_address(address)).then([event]);
    }
}

#[test]
fn moving_text_from_one_part_of_the_address_to_the_next_changes_the_address() {
    let mut address = address_in("Weimar");
    let number = address.street.split_off(address.street.len() - 1);
    address.postal_code.insert_str(0, &number);
    let event = samples::changed_to(address.clone());
    given::<Order>([order_placed()]).when(change_address(address)).then([event]);
}

#[test]
fn the_address_of_an_order_that_was_never_placed_cannot_be_changed() {
    given::<Order>([]).when(change_address(address_in("Jena"))).then_refused(Refusal::OrderNotFound {});
}

#[test]
fn the_address_of_a_cancelled_order_cannot_be_changed() {
    for city in ["Jena", "Weimar"] {
        given::<Order>([order_placed(), cancelled()])
            .when(change_address(address_in(city)))
            .then_refused(Refusal::OrderAlreadyCancelled {});
    }
}

#[test]
fn an_order_is_cancelled_with_a_reason() {
    given::<Order>([order_placed(), address_changed("Jena")]).when(cancel()).then([cancelled()]);
}

#[test]
fn a_cancelled_order_cannot_be_cancelled_again() {
    given::<Order>([order_placed(), cancelled()])
        .when(cancel())
        .then_refused(Refusal::OrderAlreadyCancelled {});
}

#[test]
fn an_order_that_was_never_placed_cannot_be_cancelled() {
    given::<Order>([]).when(cancel()).then_refused(Refusal::OrderNotFound {});
}

#[test]
fn a_state_is_small_enough_to_keep_millions_in_memory() {
    assert!(size_of::<crate::State>() <= 24);
}

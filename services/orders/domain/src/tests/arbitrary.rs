//! Random commands. Most of them are valid, so that histories become long, but some are not.

use proptest::{collection::vec, option, prelude::*};

use crate::{CancelOrder, ChangeDeliveryAddress, Command, DeliveryAddress, PlaceOrder, commands::OrderLine};

pub(super) fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => orders().prop_map(Command::PlaceOrder),
        4 => addresses().prop_map(|delivery_address| {
            Command::ChangeDeliveryAddress(ChangeDeliveryAddress { delivery_address })
        }),
        1 => texts().prop_map(|reason| Command::CancelOrder(CancelOrder { reason })),
    ]
}

pub(super) fn orders() -> impl Strategy<Value = PlaceOrder> {
    (texts(), currencies(), lines(), addresses()).prop_map(
        |(customer_id, currency, lines, delivery_address)| PlaceOrder {
            order_id: None,
            customer_id,
            currency,
            lines,
            delivery_address,
        },
    )
}

/// Lines whose totals are below, near and above every limit.
pub(super) fn lines() -> impl Strategy<Value = Vec<OrderLine>> {
    prop_oneof![
        9 => vec(line(1..=999_i64, 0..=100_000_i64), 1..=100),
        3 => vec(line(1..=999_i64, 0..=i64::MAX >> 20), 1..=100),
        1 => vec(line(any::<i64>(), any::<i64>()), 0..=102),
    ]
}

fn line(
    quantity: impl Strategy<Value = i64>,
    unit_price_minor: impl Strategy<Value = i64>,
) -> impl Strategy<Value = OrderLine> {
    let currency = option::weighted(0.01, currencies());
    ("[a-z]{1,8}", quantity, unit_price_minor, currency).prop_map(
        |(sku, quantity, unit_price_minor, currency)| OrderLine { sku, quantity, unit_price_minor, currency },
    )
}

/// Addresses from a small set, so that some repeat, and arbitrary ones.
fn addresses() -> impl Strategy<Value = DeliveryAddress> {
    let city = prop_oneof![4 => "[AB]".boxed(), 1 => texts().boxed()];
    let country = prop_oneof![9 => Just("DE".to_owned()).boxed(), 1 => any::<String>().boxed()];
    (city, country).prop_map(|(city, country)| DeliveryAddress {
        city,
        country,
        ..super::samples::address_in("")
    })
}

fn currencies() -> impl Strategy<Value = String> {
    prop_oneof![9 => Just("EUR".to_owned()).boxed(), 1 => any::<String>().boxed()]
}

pub(super) fn texts() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[a-zA-Z0-9-]{1,20}".boxed(), 1 => any::<String>().boxed(), 1 => "x{490,510}".boxed()]
}

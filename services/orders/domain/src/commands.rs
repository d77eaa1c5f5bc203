//! What can be asked of an order. A command that exists has been checked; only the past can refuse it.

use crate::{
    Refusal,
    address::Address,
    money::Currency,
    order_lines::OrderLines,
    text::{CustomerId, Reason},
    unchecked,
};

/// A request to an order.
#[derive(Debug, Clone)]
pub enum Command {
    /// Place it.
    PlaceOrder(PlaceOrder),
    /// Have it delivered elsewhere.
    ChangeDeliveryAddress(ChangeDeliveryAddress),
    /// Do not deliver it.
    CancelOrder(CancelOrder),
}

/// Places an order: 1 to 100 lines of one currency.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    pub(crate) customer_id: CustomerId,
    pub(crate) lines: OrderLines,
    pub(crate) delivery_address: Address,
}

/// Has an order delivered elsewhere.
#[derive(Debug, Clone)]
pub struct ChangeDeliveryAddress {
    pub(crate) delivery_address: Address,
}

/// Cancels an order, with a reason of 1 to 500 characters.
#[derive(Debug, Clone)]
pub struct CancelOrder {
    pub(crate) reason: Reason,
}

impl TryFrom<unchecked::Command> for Command {
    type Error = Refusal;

    fn try_from(command: unchecked::Command) -> Result<Self, Refusal> {
        Ok(match command {
            unchecked::Command::PlaceOrder(order) => Self::PlaceOrder(order.try_into()?),
            unchecked::Command::ChangeDeliveryAddress(change) => {
                Self::ChangeDeliveryAddress(change.delivery_address.try_into()?)
            }
            unchecked::Command::CancelOrder(cancel) => Self::CancelOrder(cancel.reason.try_into()?),
        })
    }
}

impl TryFrom<unchecked::PlaceOrder> for PlaceOrder {
    type Error = Refusal;

    fn try_from(order: unchecked::PlaceOrder) -> Result<Self, Refusal> {
        let currency = Currency::try_from(order.currency.as_str())
            .map_err(|fault| Refusal::CurrencyInvalid { fault })?;
        Ok(Self {
            customer_id: order.customer_id.try_into()?,
            lines: OrderLines::parse(order.lines, currency)?,
            delivery_address: order.delivery_address.try_into()?,
        })
    }
}

impl TryFrom<unchecked::DeliveryAddress> for ChangeDeliveryAddress {
    type Error = Refusal;

    fn try_from(address: unchecked::DeliveryAddress) -> Result<Self, Refusal> {
        Ok(Self { delivery_address: address.try_into()? })
    }
}

impl TryFrom<String> for CancelOrder {
    type Error = Refusal;

    fn try_from(reason: String) -> Result<Self, Refusal> {
        Ok(Self { reason: reason.try_into()? })
    }
}

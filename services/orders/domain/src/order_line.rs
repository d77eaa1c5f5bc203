//! One line of an order: so many of one product at one price.

use crate::{
    Refusal, events,
    money::{Currency, Money},
    text::Sku,
    unchecked,
};

/// How many of a product are ordered at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quantity(u16);

#[derive(Debug, Clone)]
pub(crate) struct OrderLine {
    sku: Sku,
    quantity: Quantity,
    unit_price: Money,
}

impl Quantity {
    const MINIMUM: u16 = 1;
    const MAXIMUM: u16 = 999;

    fn parse(line: usize, quantity: i64) -> Result<Self, Refusal> {
        u16::try_from(quantity)
            .ok()
            .filter(|quantity| (Self::MINIMUM..=Self::MAXIMUM).contains(quantity))
            .map(Self)
            .ok_or(Refusal::QuantityOutOfRange {
                line,
                quantity,
                minimum: Self::MINIMUM,
                maximum: Self::MAXIMUM,
            })
    }
}

impl OrderLine {
    /// Parses the line with this number (from 1) of an order in this currency.
    pub(crate) fn parse(
        number: usize,
        line: unchecked::OrderLine,
        currency: Currency,
    ) -> Result<Self, Refusal> {
        if line.currency.is_some_and(|own| own != currency.as_str()) {
            let currency = currency.as_str().to_owned();
            return Err(Refusal::CurrencyMismatch { line: number, currency });
        }
        Ok(Self {
            sku: Sku::try_from(line.sku).map_err(|fault| Refusal::SkuInvalid { line: number, fault })?,
            quantity: Quantity::parse(number, line.quantity)?,
            unit_price: unit_price(number, line.unit_price_minor, currency)?,
        })
    }

    /// What the line costs.
    pub(crate) fn total(&self) -> Result<Money, Refusal> {
        self.unit_price.times(self.quantity.0)
    }
}

fn unit_price(line: usize, unit_price_minor: i64, currency: Currency) -> Result<Money, Refusal> {
    match u64::try_from(unit_price_minor) {
        Ok(amount_minor) => Money::new(amount_minor, currency),
        Err(_) => Err(Refusal::UnitPriceNegative { line, unit_price_minor }),
    }
}

impl From<OrderLine> for events::OrderLine {
    fn from(line: OrderLine) -> Self {
        Self {
            sku: line.sku.into(),
            quantity: line.quantity.0.into(),
            unit_price_minor: line.unit_price.amount_minor(),
        }
    }
}

//! All lines of an order, with the sum that they make.

use crate::{
    Refusal,
    money::{Currency, Money},
    order_line::OrderLine,
    unchecked,
};

/// Between 1 and 100 lines of one currency, whose total is an amount of money.
#[derive(Debug, Clone)]
pub(crate) struct OrderLines {
    lines: Vec<OrderLine>,
    total: Money,
}

impl OrderLines {
    const MAXIMUM: usize = 100;

    pub(crate) fn parse(lines: Vec<unchecked::OrderLine>, currency: Currency) -> Result<Self, Refusal> {
        if lines.is_empty() {
            return Err(Refusal::OrderIsEmpty {});
        }
        if lines.len() > Self::MAXIMUM {
            return Err(Refusal::TooManyLines { lines: lines.len(), maximum: Self::MAXIMUM });
        }
        let lines = (1..)
            .zip(lines)
            .map(|(number, line)| OrderLine::parse(number, line, currency))
            .collect::<Result<Vec<_>, _>>()?;
        let total = total(&lines, currency)?;
        Ok(Self { lines, total })
    }

    pub(crate) const fn total(&self) -> Money {
        self.total
    }
}

fn total(lines: &[OrderLine], currency: Currency) -> Result<Money, Refusal> {
    lines.iter().try_fold(Money::zero(currency), |sum, line| sum.plus(line.total()?))
}

impl IntoIterator for OrderLines {
    type Item = OrderLine;
    type IntoIter = std::vec::IntoIter<OrderLine>;

    fn into_iter(self) -> Self::IntoIter {
        self.lines.into_iter()
    }
}

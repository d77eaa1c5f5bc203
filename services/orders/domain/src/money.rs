//! Money: a whole number of minor units with its currency. It never wraps and never rounds.

use crate::{
    Refusal,
    text::{TextFault, capital_letters},
};

/// A currency by its code of three capital letters (ISO 4217).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Currency([u8; 3]);

/// An amount between nothing and [`Money::MAXIMUM_MINOR`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Money {
    amount_minor: u64,
    currency: Currency,
}

impl Currency {
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("a currency is ASCII")
    }
}

impl TryFrom<&str> for Currency {
    type Error = TextFault;

    fn try_from(text: &str) -> Result<Self, TextFault> {
        capital_letters(text).map(Self)
    }
}

impl Money {
    /// 2⁵³ - 1, the largest integer that every JSON reader keeps exactly (RFC 8259, section 6).
    pub(crate) const MAXIMUM_MINOR: u64 = 9_007_199_254_740_991;

    pub(crate) const fn zero(currency: Currency) -> Self {
        Self { amount_minor: 0, currency }
    }

    pub(crate) fn new(amount_minor: u64, currency: Currency) -> Result<Self, Refusal> {
        if amount_minor <= Self::MAXIMUM_MINOR {
            Ok(Self { amount_minor, currency })
        } else {
            Err(Refusal::TotalTooLarge { maximum_minor: Self::MAXIMUM_MINOR })
        }
    }

    /// The amount as it stands in events.
    pub(crate) fn amount_minor(self) -> i64 {
        i64::try_from(self.amount_minor).expect("an amount is below 2⁵³")
    }

    pub(crate) const fn currency(self) -> Currency {
        self.currency
    }

    // Saturation is enough: what saturates is far above the maximum, and refused.

    pub(crate) fn times(self, factor: u16) -> Result<Self, Refusal> {
        Self::new(self.amount_minor.saturating_mul(u64::from(factor)), self.currency)
    }

    pub(crate) fn plus(self, other: Self) -> Result<Self, Refusal> {
        debug_assert_eq!(self.currency, other.currency, "amounts of two currencies have no sum");
        Self::new(self.amount_minor.saturating_add(other.amount_minor), self.currency)
    }
}

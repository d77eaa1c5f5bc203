//! Short texts that callers give: names for things, and a reason in their own words.
//!
//! They are kept as given, never trimmed or changed: what was said is what is recorded.

use serde::Serialize;
use thiserror::Error;

use crate::Refusal;

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum TextFault {
    /// There is nothing in it but white space.
    #[error("is blank")]
    Blank {},
    /// It is too long.
    #[error("is longer than {maximum_length} characters")]
    TooLong {
        /// The longest that would do, in characters.
        maximum_length: usize,
    },
    /// It holds a control character or, in an id or a code, anything that is not visible ASCII.
    #[error("has a character that is not allowed")]
    ForbiddenCharacter {},
    /// It is not a code of so many capital letters.
    #[error("is not {length} capital letters")]
    NotCapitalLetters {
        /// How many letters are expected.
        length: usize,
    },
}

/// Names a customer.
#[derive(Debug, Clone)]
pub(crate) struct CustomerId(String);

/// Names a product (stock keeping unit).
#[derive(Debug, Clone)]
pub(crate) struct Sku(String);

/// Says why an order is cancelled.
#[derive(Debug, Clone)]
pub(crate) struct Reason(String);

impl TryFrom<String> for CustomerId {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        visible(text, 64).map(Self).map_err(|fault| Refusal::CustomerIdInvalid { fault })
    }
}

impl TryFrom<String> for Sku {
    type Error = TextFault;

    fn try_from(text: String) -> Result<Self, TextFault> {
        visible(text, 64).map(Self)
    }
}

impl TryFrom<String> for Reason {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        prose(text, 500).map(Self).map_err(|fault| Refusal::ReasonInvalid { fault })
    }
}

impl From<CustomerId> for String {
    fn from(id: CustomerId) -> Self {
        id.0
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.0
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

/// Text for people. Control characters are refused: they break lines in logs and labels, and Postgres keeps
/// no NUL at all.
pub(crate) fn prose(text: String, maximum_length: usize) -> Result<String, TextFault> {
    check(text, maximum_length, |character| !character.is_control())
}

/// Text for machines, which stands in keys and addresses without being escaped.
fn visible(text: String, maximum_length: usize) -> Result<String, TextFault> {
    check(text, maximum_length, |character| character.is_ascii_graphic())
}

fn check(text: String, maximum_length: usize, allowed: fn(char) -> bool) -> Result<String, TextFault> {
    if text.trim().is_empty() {
        Err(TextFault::Blank {})
    } else if text.chars().count() > maximum_length {
        Err(TextFault::TooLong { maximum_length })
    } else if !text.chars().all(allowed) {
        Err(TextFault::ForbiddenCharacter {})
    } else {
        Ok(text)
    }
}

/// A code of `LENGTH` capital letters, as ISO gives them to countries and currencies.
///
/// Only the form is checked: which codes are in use changes from year to year, and without a release.
pub(crate) fn capital_letters<const LENGTH: usize>(text: &str) -> Result<[u8; LENGTH], TextFault> {
    <[u8; LENGTH]>::try_from(text.as_bytes())
        .ok()
        .filter(|letters| letters.iter().all(u8::is_ascii_uppercase))
        .ok_or(TextFault::NotCapitalLetters { length: LENGTH })
}

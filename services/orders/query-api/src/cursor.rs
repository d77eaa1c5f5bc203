//! Where the next page of a list begins, as a text that means nothing to its bearer.

pub(crate) mod history;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    document::Status,
    read_model::{After, Filter},
};

/// The list that the cursor belongs to, and the last order that was on the page. Names are short: it stands in a URL.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    #[serde(rename = "t")]
    placed_at_micros: i64,
    #[serde(rename = "o")]
    order_id: Uuid,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

/// The text is not a cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCursor {
    /// It was not made here.
    #[error("the cursor was not made by this service")]
    Unknown,
    /// It leads through a list with other filters.
    #[error("the cursor belongs to a list with other filters")]
    OtherList,
}

/// The text that leads on after an order of this list.
pub(crate) fn write(filter: &Filter, after: After) -> String {
    // Postgres keeps microseconds.
    let micros = after.placed_at.unix_timestamp_nanos() / 1_000;
    let cursor = Cursor {
        placed_at_micros: i64::try_from(micros).expect("the years of a clock are in range"),
        order_id: after.order_id,
        customer_id: filter.customer_id.clone(),
        status: filter.status,
    };
    encode(&cursor)
}

/// Where a text leads on in this list.
pub(crate) fn read(text: &str, filter: &Filter) -> Result<After, InvalidCursor> {
    let cursor: Cursor = decode(text)?;
    let placed_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(cursor.placed_at_micros) * 1_000)
        .map_err(|_| InvalidCursor::Unknown)?;
    let list = Filter { customer_id: cursor.customer_id, status: cursor.status };
    if list == *filter {
        Ok(After { placed_at, order_id: cursor.order_id })
    } else {
        Err(InvalidCursor::OtherList)
    }
}

fn encode(cursor: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).expect("a cursor is plain JSON"))
}

fn decode<C: DeserializeOwned>(text: &str) -> Result<C, InvalidCursor> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor::Unknown)?;
    serde_json::from_slice(&json).map_err(|_| InvalidCursor::Unknown)
}

#[cfg(test)]
mod tests {
    use super::{After, Filter, InvalidCursor, OffsetDateTime, Status, Uuid, read, write};

    fn after() -> After {
        let placed_at = OffsetDateTime::from_unix_timestamp_nanos(1_795_000_000_123_456_000).unwrap();
        After { placed_at, order_id: Uuid::from_u128(7) }
    }

    fn filter() -> Filter {
        Filter { customer_id: Some("c-1001".to_owned()), status: Some(Status::Cancelled) }
    }

    #[test]
    fn a_cursor_leads_back_to_where_it_was_made() {
        for filter in [Filter::default(), filter()] {
            assert_eq!(read(&write(&filter, after()), &filter), Ok(after()));
        }
    }

    #[test]
    fn a_cursor_is_bound_to_the_filters_of_its_list() {
        let text = write(&filter(), after());
        let other = Filter { status: None, ..filter() };
        assert_eq!(read(&text, &other), Err(InvalidCursor::OtherList));
    }

    #[test]
    fn what_was_not_made_here_is_refused() {
        let far_future = super::BASE64_URL_SAFE_NO_PAD
            .encode(r#"{"t":9223372036854775807,"o":"00000000-0000-0000-0000-000000000007"}"#);
        for text in ["", "!", "e30", "bnVsbA", "eyJ0IjoxfQ==", &far_future] {
            assert_eq!(read(text, &Filter::default()), Err(InvalidCursor::Unknown), "{text}");
        }
    }

    use base64::Engine as _;
}

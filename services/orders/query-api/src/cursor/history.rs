use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{InvalidCursor, decode, encode};

/// The order whose history it leads through, and the last version that was on the page.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    #[serde(rename = "o")]
    order_id: Uuid,
    #[serde(rename = "v")]
    version: i64,
}

/// The text that leads on after a version in the history of an order.
pub(crate) fn write(order_id: Uuid, version: i64) -> String {
    encode(&Cursor { order_id, version })
}

/// After which version a text leads on in the history of this order.
pub(crate) fn read(text: &str, order_id: Uuid) -> Result<i64, InvalidCursor> {
    let cursor: Cursor = decode(text)?;
    if cursor.order_id == order_id { Ok(cursor.version) } else { Err(InvalidCursor::OtherList) }
}

#[cfg(test)]
mod tests {
    use super::{InvalidCursor, Uuid, read, write};

    #[test]
    fn a_cursor_leads_on_in_the_history_of_its_own_order_only() {
        let (order_id, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let text = write(order_id, 50);
        assert_eq!(read(&text, order_id), Ok(50));
        assert_eq!(read(&text, other), Err(InvalidCursor::OtherList));
        assert_eq!(read("rubbish", order_id), Err(InvalidCursor::Unknown));
    }
}

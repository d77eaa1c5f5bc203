use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Where the next page of a list begins. It is encoded as base64 of JSON and opaque to clients.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor<L, K> {
    /// The list that the cursor belongs to: its path and filters.
    list: L,
    /// The key of the last row of the page.
    after: K,
}

/// The text is not a cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCursor {
    /// It was not written by this service.
    #[error("the cursor was not written by this service")]
    Unknown,
    /// It belongs to a list with another path or other filters.
    #[error("the cursor belongs to another list")]
    OtherList,
}

pub(super) fn encode(list: &str, after: &impl Serialize) -> String {
    let json = serde_json::to_vec(&Cursor { list, after }).expect("a key of a list is plain JSON");
    BASE64_URL_SAFE_NO_PAD.encode(json)
}

pub(super) fn decode<K: DeserializeOwned>(text: &str, list: &str) -> Result<K, InvalidCursor> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor::Unknown)?;
    let cursor: Cursor<String, K> = serde_json::from_slice(&json).map_err(|_| InvalidCursor::Unknown)?;
    if cursor.list == list { Ok(cursor.after) } else { Err(InvalidCursor::OtherList) }
}

#[cfg(test)]
mod tests {
    use super::{BASE64_URL_SAFE_NO_PAD, Engine, InvalidCursor, decode, encode};

    #[test]
    fn a_cursor_decodes_to_its_key_in_its_own_list_only() {
        let cursor = encode("/doors?colour=red", &(7, "a"));
        assert_eq!(decode(&cursor, "/doors?colour=red"), Ok((7, "a".to_owned())));
        assert_eq!(decode::<(i32, String)>(&cursor, "/doors?"), Err(InvalidCursor::OtherList));
    }

    #[test]
    fn any_other_text_is_invalid() {
        let too_large = BASE64_URL_SAFE_NO_PAD.encode(r#"{"list":"/doors?","after":4294967296}"#);
        for text in ["", "!", "e30", "bnVsbA", "eyJ0IjoxfQ==", &too_large] {
            assert_eq!(decode::<u32>(text, "/doors?"), Err(InvalidCursor::Unknown), "{text}");
        }
    }
}

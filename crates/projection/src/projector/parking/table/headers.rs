use event_log::RawRecord;
use sqlx::types::Json;

/// A header's value: text if Postgres can store it as text, otherwise bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Missing,
    Text(String),
    Bytes(Vec<u8>),
}

/// Headers as they are stored: pairs of a name and a value, in order.
pub(crate) type Headers = Json<Vec<(String, Value)>>;

impl Value {
    fn of(bytes: Option<&[u8]>) -> Self {
        match bytes.map(|bytes| (bytes, str::from_utf8(bytes))) {
            None => Self::Missing,
            Some((_, Ok(text))) if !text.contains('\0') => Self::Text(text.to_owned()),
            Some((bytes, _)) => Self::Bytes(bytes.to_vec()),
        }
    }

    /// The value as shown to operators.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => Some(bytes.escape_ascii().to_string()),
        }
    }

    pub(super) fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(text.into_bytes()),
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// The headers of a record as they are stored.
pub(super) fn headers(record: &RawRecord) -> Headers {
    let pair = |(name, value): &(String, Option<Vec<u8>>)| {
        (name.replace('\0', "\u{fffd}"), Value::of(value.as_deref()))
    };
    Json(record.headers.iter().map(pair).collect())
}

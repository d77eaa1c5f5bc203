use serde::{Deserialize, Serialize};

/// Who ordered: 1 to 64 visible ASCII characters, as every customer id is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct CustomerId(String);

impl CustomerId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CustomerId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, &'static str> {
        if (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(id))
        } else {
            Err("expected 1 to 64 visible ASCII characters")
        }
    }
}

impl From<CustomerId> for String {
    fn from(id: CustomerId) -> Self {
        id.0
    }
}

use serde::{Deserialize, Serialize};

/// The size of a page.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(super) struct Limit(u32);

impl Limit {
    /// One more than asked for tells whether there is a next page.
    pub(super) fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// Cuts what was found to a page, and answers whether there is more.
    pub(super) fn cut<T>(self, found: &mut Vec<T>) -> bool {
        let size = self.0 as usize;
        let has_more = found.len() > size;
        found.truncate(size);
        has_more
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u32> for Limit {
    type Error = &'static str;

    fn try_from(limit: u32) -> Result<Self, &'static str> {
        if (1..=200).contains(&limit) { Ok(Self(limit)) } else { Err("expected a number from 1 to 200") }
    }
}

impl From<Limit> for u32 {
    fn from(limit: Limit) -> Self {
        limit.0
    }
}

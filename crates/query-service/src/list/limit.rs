use serde::Deserialize;

/// The size of a page: 1 to 200, by default 50.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
pub struct Limit(u32);

impl Limit {
    pub(super) const fn rows(self) -> i64 {
        self.0 as i64 + 1
    }

    pub(super) fn cut<T>(self, rows: &mut Vec<T>) -> bool {
        let size = self.0 as usize;
        let has_more = rows.len() > size;
        rows.truncate(size);
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

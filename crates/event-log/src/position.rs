use std::{fmt, str::FromStr};

/// The position of an event in the log. Its text form is the consistency token: `orders.events/3@1042`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The topic's name.
    pub topic: String,
    /// The partition's number, from 0.
    pub partition: i32,
    /// The record's offset. Offsets increase, but not by one: commit markers occupy offsets too.
    pub offset: i64,
}

/// The text is not `topic/partition@offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is written topic/partition@offset, as in orders.events/3@1042")]
pub struct InvalidPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.topic, self.partition, self.offset)
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (topic, rest) = text.split_once('/').ok_or(InvalidPosition)?;
        let (partition, offset) = rest.split_once('@').ok_or(InvalidPosition)?;
        let position = Self {
            topic: topic.to_owned(),
            partition: digits(partition)?.try_into().map_err(|_| InvalidPosition)?,
            offset: digits(offset)?,
        };
        if topic.is_empty() { Err(InvalidPosition) } else { Ok(position) }
    }
}

fn digits(text: &str) -> Result<i64, InvalidPosition> {
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if only_digits { text.parse().map_err(|_| InvalidPosition) } else { Err(InvalidPosition) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_can_be_parsed_from_its_text() {
        let position = Position { topic: "orders.events".into(), partition: 3, offset: 1042 };
        assert_eq!(position.to_string(), "orders.events/3@1042");
        assert_eq!("orders.events/3@1042".parse(), Ok(position));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "orders.events",
            "/3@1",
            "t/3",
            "t/@1",
            "t/3@",
            "t/-1@1",
            "t/1@-1",
            "t/+1@1",
            "t/1@1 ",
            "t/99999999999@1",
        ] {
            assert_eq!(text.parse::<Position>(), Err(InvalidPosition), "{text}");
        }
    }
}

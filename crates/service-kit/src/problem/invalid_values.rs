use std::fmt;

use aggregate::Refusal;
use garde::{Report, Unvalidated, Valid, Validate};
use serde::Serialize;

use super::{Problem, kinds};

/// The maximum number of errors that a response lists.
const MAX_ERRORS: usize = 100;

/// The invalid fields of a value. Over HTTP and through Kafka, they are reported like a refusal by a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvalidValues {
    /// The number of errors, of which only the first ones may be listed.
    #[serde(skip)]
    count: usize,
    /// Sorted by the name of the field, then by index.
    errors: Vec<InvalidValue>,
}

/// One field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct InvalidValue {
    /// The field, as a JSON pointer (RFC 6901).
    pointer: String,
    /// What is allowed; never contains the value.
    detail: String,
}

/// Validates a value where it enters the service, so that no later code has to check it again.
pub fn validate<T: Validate<Context = ()>>(value: T) -> Result<Valid<T>, InvalidValues> {
    Ok(Unvalidated::new(value).validate()?)
}

impl From<Report> for InvalidValues {
    fn from(report: Report) -> Self {
        let errors = report.into_inner();
        let count = errors.len();
        let errors = errors.into_iter().take(MAX_ERRORS).map(|(path, error)| InvalidValue {
            pointer: pointer(&path.to_string()),
            detail: error.to_string(),
        });
        Self { count, errors: errors.collect() }
    }
}

/// `lines[0].quantity` becomes `/lines/0/quantity`. Field names need no escaping.
fn pointer(path: &str) -> String {
    let path = path.replace(']', "").replace(['.', '['], "/");
    if path.is_empty() { path } else { format!("/{}", path.trim_start_matches('/')) }
}

impl Refusal for InvalidValues {
    fn code(&self) -> &'static str {
        kinds::INVALID_VALUES.code
    }
}

impl std::error::Error for InvalidValues {}

impl fmt::Display for InvalidValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => f.write_str("1 value is invalid"),
            count => write!(f, "{count} values are invalid"),
        }
    }
}

impl From<InvalidValues> for Problem {
    fn from(invalid: InvalidValues) -> Self {
        Self::refused(&invalid)
    }
}

#[cfg(test)]
mod tests {
    use garde::Validate;
    use serde_json::{json, to_value};

    use super::validate;
    use crate::Problem;

    #[derive(Validate)]
    struct Basket {
        #[garde(length(max = 8))]
        note: String,
        #[garde(dive)]
        lines: Vec<Line>,
        #[garde(dive)]
        gift: Option<Line>,
    }

    #[derive(Validate)]
    struct Line {
        #[garde(range(min = 1, max = 9))]
        quantity: u32,
        #[garde(inner(length(max = 3)))]
        tags: Vec<&'static str>,
    }

    fn basket(quantities: &[u32]) -> Basket {
        let line = |&quantity| Line { quantity, tags: vec![] };
        Basket { note: String::new(), lines: quantities.iter().map(line).collect(), gift: None }
    }

    #[test]
    fn a_value_whose_fields_are_all_valid_is_accepted() {
        assert_eq!(validate(basket(&[1, 9])).unwrap().lines.len(), 2);
    }

    #[test]
    fn every_invalid_field_is_reported_with_its_pointer() {
        let basket = Basket {
            note: "far too long".to_owned(),
            gift: Some(Line { quantity: 10, tags: vec!["new", "fragile"] }),
            ..basket(&[1, 0])
        };
        let invalid = validate(basket).err().unwrap();
        assert_eq!(invalid.to_string(), "4 values are invalid");
        let errors = json!({"errors": [
            {"pointer": "/gift/quantity", "detail": "greater than 9"},
            {"pointer": "/gift/tags/1", "detail": "length is greater than 3"},
            {"pointer": "/lines/1/quantity", "detail": "lower than 1"},
            {"pointer": "/note", "detail": "length is greater than 8"},
        ]});
        assert_eq!(to_value(&invalid).unwrap(), errors);
    }

    #[test]
    fn a_long_list_of_errors_is_truncated_and_its_length_is_reported() {
        let invalid = validate(basket(&[0; 1_000])).err().unwrap();
        assert_eq!(to_value(&invalid).unwrap()["errors"].as_array().unwrap().len(), 100);
        assert_eq!(invalid.to_string(), "1000 values are invalid");
        let problem = Problem::from(invalid);
        assert_eq!((problem.code(), problem.status().as_u16()), ("invalid-values", 422));
    }
}

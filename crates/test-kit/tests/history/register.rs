use serde_json::{Value, json};
use test_kit::history::{Fact, Rules};

/// Minimal rules: a value that commands set, possibly twice in one command, until it is closed.
pub(crate) struct Register;

#[derive(Clone, Default)]
pub(crate) struct State {
    value: Option<String>,
    closed: bool,
}

impl Rules for Register {
    type State = State;

    fn decide(&self, state: &State, request: &Value) -> Result<Vec<Fact>, String> {
        if state.closed {
            return Err("closed".to_owned());
        }
        let values = request.as_array().unwrap().iter().map(|value| value.as_str().unwrap());
        Ok(values.filter(|value| state.value.as_deref() != Some(value)).map(set).collect())
    }

    fn evolve(&self, _state: State, fact: &Fact) -> State {
        let value = fact.content["value"].as_str().map(str::to_owned);
        State { closed: value.as_deref() == Some("closed"), value }
    }
}

pub(crate) fn set(value: &str) -> Fact {
    Fact { name: "Set".to_owned(), content: json!({ "value": value }) }
}

//! Whether this process can do its work: named parts, each ready or not ready for a reason.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde::Serialize;

/// The parts of a process. Cloning is cheap; all clones see the same parts.
#[derive(Debug, Clone, Default)]
pub struct Health {
    parts: Arc<RwLock<BTreeMap<String, State>>>,
}

/// One part, which says of itself whether it is ready. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Part {
    name: String,
    health: Health,
}

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It can do its work.
    Ready,
    /// It cannot.
    NotReady {
        /// Why, in words for an operator; no secrets.
        reason: String,
    },
}

impl Health {
    /// Adds a part, which is not ready until it says so.
    pub fn part(&self, name: impl Into<String>) -> Part {
        let part = Part { name: name.into(), health: self.clone() };
        part.not_ready("starting");
        part
    }

    /// Whether every part is ready.
    pub fn is_ready(&self) -> bool {
        self.parts.read().unwrap_or_else(PoisonError::into_inner).values().all(|state| *state == State::Ready)
    }

    /// How every part is, by name.
    pub fn parts(&self) -> BTreeMap<String, State> {
        self.parts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, name: &str, state: State) {
        let mut parts = self.parts.write().unwrap_or_else(PoisonError::into_inner);
        if parts.get(name) == Some(&state) {
            return;
        }
        match &state {
            State::Ready => tracing::info!(part = name, "{name} is ready"),
            State::NotReady { reason } => {
                tracing::info!(part = name, reason, "{name} is not ready: {reason}");
            }
        }
        parts.insert(name.to_owned(), state);
    }
}

impl Part {
    /// The part can do its work.
    pub fn ready(&self) {
        self.health.set(&self.name, State::Ready);
    }

    /// The part cannot do its work, for this reason.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.health.set(&self.name, State::NotReady { reason: reason.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, State};

    #[test]
    fn a_part_is_not_ready_until_it_says_so() {
        let health = Health::default();
        assert!(health.is_ready(), "nothing is needed yet");
        let kafka = health.part("kafka");
        assert!(!health.is_ready());
        kafka.ready();
        assert!(health.is_ready());
    }

    #[test]
    fn one_part_that_is_not_ready_is_enough_and_says_why() {
        let health = Health::default();
        health.part("postgres").ready();
        health.part("kafka").clone().not_ready("no broker answers");
        assert!(!health.is_ready());
        assert_eq!(health.parts()["kafka"], State::NotReady { reason: "no broker answers".to_owned() });
    }
}

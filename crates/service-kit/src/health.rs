//! Whether this process can do its work: named parts, each ready or not ready for a reason.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockWriteGuard},
};

use serde::Serialize;

/// The parts of a process. Cloning is cheap; all clones see the same parts.
#[derive(Debug, Clone, Default)]
pub struct Health {
    components: Arc<RwLock<BTreeMap<String, State>>>,
}

/// One part, which says of itself whether it is ready. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Component {
    name: String,
    health: Health,
}

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It can do its work.
    Ready,
    /// Something is wrong beside its work, on which nobody depends.
    Degraded {
        /// What, in words for an operator; no secrets.
        reason: String,
    },
    /// It cannot.
    NotReady {
        /// Why, in words for an operator; no secrets.
        reason: String,
    },
}

impl Health {
    /// Adds a part, which is not ready until it says so.
    pub fn component(&self, name: impl Into<String>) -> Component {
        let component = Component { name: name.into(), health: self.clone() };
        self.write().insert(component.name.clone(), State::NotReady { reason: "starting".to_owned() });
        component
    }

    /// Whether every part can do its work. A process without parts has not come to say what it needs.
    pub fn is_ready(&self) -> bool {
        let components = self.components.read().unwrap_or_else(PoisonError::into_inner);
        !components.is_empty() && !components.values().any(|state| matches!(state, State::NotReady { .. }))
    }

    /// How every part is, by name.
    pub fn components(&self) -> BTreeMap<String, State> {
        self.components.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A part that was removed stays away.
    fn set(&self, name: &str, state: State) {
        let mut components = self.write();
        let Some(known) = components.get_mut(name).filter(|known| **known != state) else {
            return;
        };
        let was_degraded = matches!(known, State::Degraded { .. });
        match &state {
            // The figures in it may change all the time.
            State::Degraded { .. } if was_degraded => {}
            State::Ready => tracing::info!(component = name, "{name} is ready"),
            State::Degraded { reason } => {
                tracing::info!(component = name, reason, "{name} is in trouble: {reason}");
            }
            State::NotReady { reason } => {
                tracing::info!(component = name, reason, "{name} is not ready: {reason}");
            }
        }
        *known = state;
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, State>> {
        self.components.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Component {
    /// The part can do its work.
    pub fn ready(&self) {
        self.health.set(&self.name, State::Ready);
    }

    /// Something beside the part's work is wrong.
    pub fn degraded(&self, reason: impl Into<String>) {
        self.health.set(&self.name, State::Degraded { reason: reason.into() });
    }

    /// There is no such part any more.
    pub fn remove(&self) {
        self.health.write().remove(&self.name);
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
    fn a_process_that_has_named_no_part_is_not_ready() {
        assert!(!Health::default().is_ready());
    }

    #[test]
    fn a_part_is_not_ready_until_it_says_so() {
        let health = Health::default();
        let kafka = health.component("kafka");
        assert!(!health.is_ready());
        kafka.ready();
        assert!(health.is_ready());
    }

    #[test]
    fn trouble_beside_the_work_is_shown_and_stops_nobody() {
        let health = Health::default();
        let rebuild = health.component("rebuild");
        rebuild.degraded("disk full");
        assert!(health.is_ready());
        assert_eq!(health.components()["rebuild"], State::Degraded { reason: "disk full".to_owned() });
        rebuild.remove();
        rebuild.not_ready("too late");
        assert!(health.components().is_empty());
    }

    #[test]
    fn one_part_that_is_not_ready_is_enough_and_says_why() {
        let health = Health::default();
        health.component("postgres").ready();
        health.component("kafka").clone().not_ready("no broker answers");
        assert!(!health.is_ready());
        assert_eq!(health.components()["kafka"], State::NotReady { reason: "no broker answers".to_owned() });
    }
}

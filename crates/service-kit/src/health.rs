//! The health of a process: named components, each of which is ready, degraded or not ready.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockWriteGuard},
};

use serde::Serialize;

/// The components of a process. Cloning is cheap; all clones share the same components.
#[derive(Debug, Clone, Default)]
pub struct Health {
    components: Arc<RwLock<BTreeMap<String, State>>>,
}

/// A handle with which a component reports its state. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Component {
    name: String,
    health: Health,
}

/// The state of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// The component works.
    Ready,
    /// The component works, but something that the service does not depend on is wrong.
    Degraded {
        /// What is wrong, for operators; contains no secrets.
        reason: String,
    },
    /// The component does not work.
    NotReady {
        /// Why, for operators; contains no secrets.
        reason: String,
    },
}

impl Health {
    /// Adds a component, which is not ready until it reports that it is.
    pub fn component(&self, name: impl Into<String>) -> Component {
        let component = Component { name: name.into(), health: self.clone() };
        self.write().insert(component.name.clone(), State::NotReady { reason: "starting".to_owned() });
        component
    }

    /// Whether every component works. A process without components is still starting, so it is not ready.
    pub fn is_ready(&self) -> bool {
        let components = self.components.read().unwrap_or_else(PoisonError::into_inner);
        !components.is_empty() && !components.values().any(|state| matches!(state, State::NotReady { .. }))
    }

    /// The state of every component, by name.
    pub fn components(&self) -> BTreeMap<String, State> {
        self.components.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does nothing if the component was removed.
    fn set(&self, name: &str, state: State) {
        let mut components = self.write();
        let Some(current) = components.get_mut(name).filter(|current| **current != state) else {
            return;
        };
        let was_degraded = matches!(current, State::Degraded { .. });
        match &state {
            // The reason may contain numbers that keep changing, so only the transition is logged.
            State::Degraded { .. } if was_degraded => {}
            State::Ready => tracing::info!(component = name, "{name} is ready"),
            State::Degraded { reason } => {
                tracing::info!(component = name, reason, "{name} is degraded: {reason}");
            }
            State::NotReady { reason } => {
                tracing::info!(component = name, reason, "{name} is not ready: {reason}");
            }
        }
        *current = state;
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, State>> {
        self.components.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Component {
    /// Reports that the component works.
    pub fn ready(&self) {
        self.health.set(&self.name, State::Ready);
    }

    /// Reports that the component works, but that something is wrong.
    pub fn degraded(&self, reason: impl Into<String>) {
        self.health.set(&self.name, State::Degraded { reason: reason.into() });
    }

    /// Removes the component.
    pub fn remove(&self) {
        self.health.write().remove(&self.name);
    }

    /// Reports that the component does not work, and why.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.health.set(&self.name, State::NotReady { reason: reason.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, State};

    #[test]
    fn a_process_without_components_is_not_ready() {
        assert!(!Health::default().is_ready());
    }

    #[test]
    fn a_component_is_not_ready_until_it_reports_that_it_is() {
        let health = Health::default();
        let kafka = health.component("kafka");
        assert!(!health.is_ready());
        kafka.ready();
        assert!(health.is_ready());
    }

    #[test]
    fn a_process_with_a_degraded_component_is_ready() {
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
    fn a_process_with_a_component_that_is_not_ready_is_not_ready() {
        let health = Health::default();
        health.component("postgres").ready();
        health.component("kafka").clone().not_ready("no broker responds");
        assert!(!health.is_ready());
        assert_eq!(health.components()["kafka"], State::NotReady { reason: "no broker responds".to_owned() });
    }
}

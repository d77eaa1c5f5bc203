//! Settings from environment variables: read once at start, each with a default, all faults told together.
//!
//! Every variable begins with `FOLDLINE_`. A variable that nobody reads is a fault too, because it is most
//! often a misspelt one. Values are never shown: they may be secrets.

mod duration;
mod secret;

pub use duration::{InvalidDuration, parse_duration};
pub use secret::Secret;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
    time::Duration,
};

const PREFIX: &str = "FOLDLINE_";

/// Variables of these families belong to the stack and to the tests; services pass them over.
const FOREIGN_PREFIXES: [&str; 2] = ["FOLDLINE_STACK_", "FOLDLINE_TEST_"];

/// The variables of a process, and what was wrong with those that were read.
#[derive(Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, Secret>,
    known: BTreeSet<&'static str>,
    faults: Vec<String>,
}

/// Every variable that is unknown or whose value cannot be used, one a line.
#[derive(Debug, thiserror::Error)]
#[error("the settings cannot be used\n  {}", .0.join("\n  "))]
pub struct SettingsError(Vec<String>);

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            match value.into_string() {
                Ok(value) => environment.insert(name, value),
                Err(_) if is_ours(&name) => environment.faults.push(format!("{name}: not UTF-8")),
                Err(_) => {}
            }
        }
        environment
    }

    /// Reads a variable, or its default where it is not set.
    ///
    /// A value that does not parse is a fault that [`finish`](Self::finish) reports; the default stands in
    /// until then, so that all faults come out together.
    ///
    /// # Panics
    /// Where the default itself does not parse, which is a bug of the caller.
    pub fn get<T>(&mut self, name: &'static str, default: &str) -> T
    where
        T: FromStr<Err: Display>,
    {
        self.parse(name, default, T::from_str)
    }

    /// Reads a time span such as `10s` or `500ms`; never zero. Faults as in [`get`](Self::get).
    pub fn duration(&mut self, name: &'static str, default: &str) -> Duration {
        self.parse(name, default, parse_duration)
    }

    /// Ends the reading: fails where a variable could not be used, or where nobody asked for it.
    pub fn finish(mut self) -> Result<(), SettingsError> {
        for name in self.variables.keys().filter(|name| !self.known.contains(name.as_str())) {
            self.faults.push(format!("{name}: not a setting of this program"));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(SettingsError(self.faults)) }
    }

    fn parse<T, E: Display>(
        &mut self,
        name: &'static str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> T {
        self.known.insert(name);
        if let Some(value) = self.variables.get(name) {
            match parse(value.expose()) {
                Ok(value) => return value,
                Err(fault) => self.faults.push(format!("{name}: {fault}")),
            }
        }
        parse(default).unwrap_or_else(|fault| panic!("the default of {name} must parse: {fault}"))
    }

    fn insert(&mut self, name: String, value: String) {
        if is_ours(&name) {
            self.variables.insert(name, Secret::from(value));
        }
    }
}

/// An environment of given variables, for tests.
impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let mut environment = Self::default();
        for (name, value) in pairs {
            environment.insert(name.to_owned(), value.to_owned());
        }
        environment
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && !FOREIGN_PREFIXES.iter().any(|foreign| name.starts_with(foreign))
}

#[cfg(test)]
mod tests;

//! Settings from environment variables. They are read once at start, each has a default, and all faults are reported together.
//!
//! Every variable begins with `FOLDLINE_`. An unknown variable whose name resembles a setting is a fault, because it is
//! most likely a misspelt one. Any other is only a warning: orchestrators inject variables of their own, such as
//! `FOLDLINE_SERVICE_HOST`. Values are never shown: they may be secrets.

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

/// The stack and the tests have variables with these prefixes; services ignore them.
const FOREIGN_PREFIXES: [&str; 2] = ["FOLDLINE_STACK_", "FOLDLINE_TEST_"];

/// The most letters by which a misspelt name differs from the setting that was meant.
const MAX_TYPING_ERRORS: usize = 2;

/// The variables of a process, and what was wrong with those that were read.
#[derive(Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, Secret>,
    known: BTreeSet<&'static str>,
    faults: Vec<String>,
}

/// Every variable whose value cannot be used or whose name is probably misspelt, one per line.
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
    /// If the default itself does not parse, which is a bug of the caller.
    pub fn get<T>(&mut self, name: &'static str, default: &str) -> T
    where
        T: FromStr<Err: Display>,
    {
        self.parse(name, default, T::from_str)
    }

    /// Reads a duration such as `10s` or `500ms`; never zero. Faults as in [`get`](Self::get).
    pub fn duration(&mut self, name: &'static str, default: &str) -> Duration {
        self.parse(name, default, parse_duration)
    }

    /// Reads a variable with a function, or its default where it is not set. Faults as in [`get`](Self::get).
    ///
    /// # Panics
    /// If the default itself does not parse, which is a bug of the caller.
    pub fn parse<T, E: Display>(
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

    /// Finishes reading. Fails if a variable could not be used or is probably misspelt; logs one warning with all
    /// others that are not settings of this program.
    pub fn finish(mut self) -> Result<(), SettingsError> {
        let mut ignored = Vec::new();
        for name in self.variables.keys().filter(|name| !self.known.contains(name.as_str())) {
            match self.known.iter().find(|known| resembles(name, known)) {
                Some(meant) => self.faults.push(format!("{name}: unknown, did you mean {meant}?")),
                None => ignored.push(name.as_str()),
            }
        }
        if !ignored.is_empty() {
            let ignored = ignored.join(", ");
            tracing::warn!("ignored, because they are not settings of this program: {ignored}");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(SettingsError(self.faults)) }
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

/// Whether a name is probably another one misspelt. The prefix that all names share says nothing, and in a name of three
/// letters, such as `LOG`, two of them are another word.
fn resembles(name: &str, known: &str) -> bool {
    let (name, known) = (name.trim_start_matches(PREFIX), known.trim_start_matches(PREFIX));
    let allowed = MAX_TYPING_ERRORS.min(known.len() / 3);
    strsim::osa_distance(name, known) <= allowed
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && !FOREIGN_PREFIXES.iter().any(|foreign| name.starts_with(foreign))
}

#[cfg(test)]
mod tests;

//! Settings from environment variables. They are read once at start, each has a default, and all errors are reported
//! together.
//!
//! Every variable begins with `FOLDLINE_`. An unknown variable whose name resembles a setting is an error, because it
//! is probably misspelt. Any other only causes a warning, because orchestrators inject variables of their own, such as
//! `FOLDLINE_SERVICE_HOST`. Values are never printed: they may be secrets.

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

/// The prefixes of variables for the stack and the tests, which services ignore.
const FOREIGN_PREFIXES: [&str; 2] = ["FOLDLINE_STACK_", "FOLDLINE_TEST_"];

/// The maximum edit distance between a misspelt name and the setting that was meant.
const MAX_EDIT_DISTANCE: usize = 2;

/// The variables of a process, and the errors in those that were read.
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

    /// Reads a variable, or its default if it is not set.
    ///
    /// If the value does not parse, this returns the default and [`finish`](Self::finish) reports the error, so that
    /// all errors are reported together.
    ///
    /// # Panics
    /// If the default itself does not parse, which is a bug in the caller.
    pub fn get<T>(&mut self, name: &'static str, default: &str) -> T
    where
        T: FromStr<Err: Display>,
    {
        self.parse(name, default, T::from_str)
    }

    /// Reads a duration such as `10s` or `500ms`; never zero. Errors are reported as for [`get`](Self::get).
    pub fn duration(&mut self, name: &'static str, default: &str) -> Duration {
        self.parse(name, default, parse_duration)
    }

    /// Reads a variable with a function, or its default if it is not set. Errors are reported as for [`get`](Self::get).
    ///
    /// # Panics
    /// If the default itself does not parse, which is a bug in the caller.
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

    /// Fails if a variable could not be parsed or is probably misspelt. Logs one warning with all other variables that
    /// are not settings of this program.
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

/// Whether a name is probably a misspelt form of another. The common prefix is not compared. In a short name such as
/// `LOG`, only one letter may differ, because two would make a different word.
fn resembles(name: &str, known: &str) -> bool {
    let (name, known) = (name.trim_start_matches(PREFIX), known.trim_start_matches(PREFIX));
    let allowed = MAX_EDIT_DISTANCE.min(known.len() / 3);
    strsim::osa_distance(name, known) <= allowed
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && !FOREIGN_PREFIXES.iter().any(|foreign| name.starts_with(foreign))
}

#[cfg(test)]
mod tests;

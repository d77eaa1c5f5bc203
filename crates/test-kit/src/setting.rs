use std::env;

/// A number from the environment, for runs and benchmarks that are started by hand.
pub fn setting(name: &str, default: u64) -> u64 {
    env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

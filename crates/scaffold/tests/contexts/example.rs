//! Tests of the platform without the example.

use std::process::Command;

use crate::copy::{Copy, run, target};

#[test]
fn without_the_example_the_platform_compiles_and_its_documentation_has_no_broken_links() {
    let copy = Copy::to_compile();
    let mut remove = Command::new(copy.root.join("deploy/remove-example"));
    run(remove.env("CARGO_TARGET_DIR", target()).env("CARGO_NET_OFFLINE", "true"));
    let remaining = copy.files().into_keys().find(|path| path.to_string_lossy().contains("orders"));
    assert_eq!(remaining, None);
    copy.cargo("clippy --offline --workspace --all-targets -- --deny warnings");
    copy.cargo("test --offline --package test-kit --test layering --test links --test excerpts");
}

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies in crates/")
}

/// A program of the workspace, built with the profile of this test.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let folder = test.ancestors().nth(2).expect("a test lies in target/<profile>/deps");
    let program = folder.join(name);
    assert!(program.exists(), "{} is not built: run `cargo build --workspace --bins`", program.display());
    program
}

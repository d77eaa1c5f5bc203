use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

static REPOSITORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let package = std::env::current_dir().expect("a test runs in the folder of its package");
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    root.expect("the package is in a workspace").to_owned()
});

/// The root of the repository that the test belongs to. It is found at run time, because the same build may test a copy
/// of the repository.
pub fn repository() -> &'static Path {
    &REPOSITORY
}

/// A program of the workspace, built with the profile of this test.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let folder = test.ancestors().nth(2).expect("a test is in target/<profile>/deps");
    let program = folder.join(name);
    assert!(program.exists(), "{} is not built: run `cargo build --workspace --bins`", program.display());
    program
}

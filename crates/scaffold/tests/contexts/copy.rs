//! A copy of the repository that a test can change.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use test_kit::{files_in, repository};

/// Folders that are not copied: builds, the local stack, history.
const EXCLUDED: [&str; 3] = ["target", ".stack", ".git"];

/// A copy of the repository, in the build folder.
pub(crate) struct Copy {
    pub(crate) root: PathBuf,
    /// While this is held, no other copy is compiled.
    compile_lock: Option<MutexGuard<'static, ()>>,
}

impl Copy {
    /// A new copy that will be compiled. These copies use the same folder, one after another, so that the platform need
    /// not be compiled again for the next copy or the next run.
    pub(crate) fn to_compile() -> Self {
        static COMPILE_LOCK: Mutex<()> = Mutex::new(());
        let compile_lock = COMPILE_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copy = Self::new("compiled");
        copy.compile_lock = Some(compile_lock);
        copy
    }

    /// A new copy with this name. Files keep their modification times, so that compiled crates stay up to date.
    pub(crate) fn new(name: &str) -> Self {
        let root = target_folder().join("scaffold").join(name);
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        fs::create_dir_all(&root).unwrap();
        let entries = fs::read_dir(repository()).unwrap().map(|entry| entry.unwrap());
        let entries = entries.filter(|entry| EXCLUDED.iter().all(|name| entry.file_name() != *name));
        run(Command::new("cp").arg("-pR").args(entries.map(|entry| entry.path())).arg(&root));
        Self { root, compile_lock: None }
    }

    /// Runs the program and returns its output.
    pub(crate) fn scaffold(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scaffold"));
        command.args(arguments).arg("--repository").arg(&self.root).output().unwrap()
    }

    /// Runs the program, which must succeed.
    pub(crate) fn must_scaffold(&self, arguments: &[&str]) {
        let Output { status, stderr, .. } = self.scaffold(arguments);
        assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    }

    /// Runs cargo in the copy: `cargo("check --workspace")`. Crates that the build of the repository has compiled are
    /// not compiled again.
    pub(crate) fn cargo(&self, arguments: &str) {
        let is_passed_on = |name: &str| {
            ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"].contains(&name)
                || name.starts_with("FOLDLINE_TEST_")
        };
        let environment = env::vars().filter(|(name, _)| is_passed_on(name));
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments.split(' ')).current_dir(&self.root).env_clear().envs(environment);
        run(cargo.env("CARGO_TARGET_DIR", target()));
    }

    /// Every file with its contents.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = files_in(&self.root).into_iter();
        files
            .map(|path| (path.strip_prefix(&self.root).unwrap().to_owned(), fs::read(&path).unwrap()))
            .collect()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.root));
    }
}

/// Runs a command, which must succeed.
pub(crate) fn run(command: &mut Command) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let output = [stdout, stderr].concat();
    assert!(status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output));
}

/// The folder of this build: `target`.
fn target_folder() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().nth(3).expect("a test is in target/debug/deps").to_owned()
}

/// The target folder of copies. Initially it contains the libraries of this build, which are up to date for a copy,
/// because it has the same sources at the same paths in the workspace.
pub(crate) fn target() -> &'static Path {
    static TARGET: LazyLock<PathBuf> = LazyLock::new(|| {
        let target = target_folder().join("scaffold/target");
        if !target.exists() {
            copy_libraries(&target_folder().join("debug"), &target.join("debug"));
        }
        target
    });
    &TARGET
}

/// Copies what cargo has built, except programs and tests, which are large.
fn copy_libraries(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("deps")).unwrap();
    for folder in [".fingerprint", "build"] {
        run(Command::new("cp").arg("-pR").arg(from.join(folder)).arg(to));
    }
    let mut copy = Command::new("cp");
    copy.arg("-p");
    for path in files_in(&from.join("deps")) {
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        if ["rlib", "rmeta", "so", "dylib", "d"].contains(&kind) {
            copy.arg(path);
        }
    }
    run(copy.arg(to.join("deps")));
}

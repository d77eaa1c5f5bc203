//! The number of lines in a new context, and in every existing one.
//!
//! The count includes lines written by hand: Rust, SQL, schemas and manifests, without blank lines, comments and `use`
//! declarations. Business lines describe the aggregate: its domain, its schemas and tables, and each route with its
//! SQL. Tests are counted separately. The rest is plumbing, which would look the same for any aggregate: manifests,
//! `main.rs`, lists of routes and schemas, and lines in the list of services.

use std::{fs, path::Path};

use test_kit::{files_in, repository};

use crate::copy::Copy;

/// The limit for a new context with two commands, two events, one projection and two queries. The platform provides
/// history and changes.
const MAX_LINES: usize = 583;
/// The limit for plumbing.
const MAX_PLUMBING: usize = 150;

/// Files that would look the same for any aggregate.
const PLUMBING: [&str; 5] = ["Cargo.toml", "main.rs", "schemas.rs", "reads.rs", "query-api/src/routes.rs"];

#[derive(Debug, Default)]
struct Lines {
    business: usize,
    tests: usize,
    plumbing: usize,
}

impl Lines {
    /// Counts the lines of a context in a repository.
    fn of(root: &Path, context: &str) -> Self {
        let mut lines = Self::default();
        let folders = [
            format!("services/{context}"),
            format!("schemas/{context}"),
            format!("migrations/{context}_read"),
        ];
        for folder in folders {
            for path in files_in(&root.join(folder)) {
                lines.add(&path);
            }
        }
        let services = fs::read_to_string(root.join("deploy/services.list")).unwrap();
        lines.plumbing += services.lines().filter(|line| line.starts_with(&format!("{context}-"))).count();
        lines
    }

    fn add(&mut self, path: &Path) {
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        if !["rs", "sql", "avsc", "toml"].contains(&kind)
            || path.components().any(|part| part.as_os_str() == "benches")
        {
            return;
        }
        let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        let count = fs::read_to_string(path).unwrap().lines().filter(|line| is_counted(line.trim())).count();
        if PLUMBING.iter().any(|plumbing| path.ends_with(plumbing)) {
            self.plumbing += count;
        } else if is_test {
            self.tests += count;
        } else {
            self.business += count;
        }
    }

    fn total(&self) -> usize {
        self.business + self.tests + self.plumbing
    }
}

/// Whether the line counts as written by hand. Of a `use` declaration over several lines, only the first line is
/// excluded.
fn is_counted(line: &str) -> bool {
    let is_comment = line.starts_with("//") || line.starts_with("-- ") || line.starts_with("# ");
    !line.is_empty() && !is_comment && !line.starts_with("use ")
}

#[test]
fn a_new_context_is_small() {
    let copy = Copy::new("budget");
    copy.must_scaffold(&["new", "bookings", "Booking"]);
    let new = Lines::of(&copy.root, "bookings");
    println!("a new context: {} lines by hand, {new:?}", new.total());
    for entry in fs::read_dir(repository().join("schemas")).unwrap().map(|entry| entry.unwrap()) {
        if entry.path().is_dir() {
            let context = entry.file_name().into_string().unwrap();
            let lines = Lines::of(repository(), &context);
            println!("{context}: {} lines by hand, {lines:?}", lines.total());
        }
    }
    assert!(new.total() <= MAX_LINES, "{new:?}");
    assert!(new.plumbing <= MAX_PLUMBING, "{new:?}");
}

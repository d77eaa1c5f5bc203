//! The files and lines that a context consists of.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use crate::{
    list,
    names::{ContextName, Names},
    schema_lock,
    services::{self, Ports},
    template::{self, NewFile},
};

const SERVICES: &str = "deploy/services.list";
const SCHEMA_LOCK: &str = "schemas/schemas.lock";
const PAGES: &str = "docs/contexts.md";

/// Writes a new context. Everything that can be refused is checked before the first file is written.
pub(crate) fn write(repository: &Path, names: &Names) -> anyhow::Result<()> {
    let context = &names.context;
    let existing = paths(context).into_iter().find(|path| repository.join(path).exists());
    ensure!(
        existing.is_none(),
        "NAME={}: {} already exists",
        context.snake,
        existing.unwrap_or_default().display()
    );

    let service_list = list::read(repository, SERVICES)?;
    let ports = Ports::free(&service_list)?;
    let files = template::files(repository, &with_ports(names, ports))?;
    let lists = [
        (SERVICES, list::with(&service_list, services::lines(context, ports))),
        (SCHEMA_LOCK, sorted(&list::with(&list::read(repository, SCHEMA_LOCK)?, locked(&files)?))),
        (PAGES, list::with(&list::read(repository, PAGES)?, [names.apply("- [{{Title}}]({{context}}.md)")])),
    ];

    for NewFile { path, text } in &files {
        let path = repository.join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    finish(repository, lists)?;
    println!("wrote {} files; the command API is on port {}", files.len(), ports.command);
    println!("next: make test, or make up; then change services/{}/domain", context.snake);
    Ok(())
}

/// Removes a context: its folders, and its lines in the lists.
pub(crate) fn remove(repository: &Path, context: &ContextName) -> anyhow::Result<()> {
    let services = repository.join("services").join(&context.snake);
    ensure!(services.is_dir(), "NAME={}: there is no such context", context.snake);
    let programs = programs(&services, context)?;
    let lists = [
        (
            SERVICES,
            list::without(&list::read(repository, SERVICES)?, |line| {
                programs.iter().any(|program| line.split_whitespace().next() == Some(program))
            }),
        ),
        (
            SCHEMA_LOCK,
            list::without(&list::read(repository, SCHEMA_LOCK)?, |line| {
                line.starts_with(&format!("{}/", context.snake))
            }),
        ),
        (
            PAGES,
            list::without(&list::read(repository, PAGES)?, |line| {
                line.ends_with(&format!("]({}.md)", context.snake))
            }),
        ),
    ];
    for path in paths(context).map(|path| repository.join(path)) {
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if path.exists() {
            fs::remove_file(path)?;
        }
    }
    finish(repository, lists)
}

/// The folders and files of a context.
fn paths(context: &ContextName) -> [PathBuf; 5] {
    let name = &context.snake;
    [
        format!("services/{name}"),
        format!("schemas/{name}"),
        format!("migrations/{name}_read"),
        format!("migrations/{name}_write"),
        format!("docs/{name}.md"),
    ]
    .map(PathBuf::from)
}

/// Writes the lists, and updates the files that are generated from them and from the folders.
fn finish(repository: &Path, lists: impl IntoIterator<Item = (&'static str, String)>) -> anyhow::Result<()> {
    for (list, text) in lists {
        fs::write(repository.join(list), text).with_context(|| format!("cannot write {list}"))?;
    }
    run(repository, "deploy/generate", &[])?;
    // Images are built with `--locked`, so Cargo.lock must be current.
    run(repository, "cargo", &["update", "--workspace", "--quiet"])
}

fn run(repository: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(program).args(arguments).current_dir(repository).status();
    ensure!(status.with_context(|| format!("{program} cannot be run"))?.success(), "{program} failed");
    Ok(())
}

fn with_ports(names: &Names, ports: Ports) -> Names {
    names
        .clone()
        .with("{{command_port}}", ports.command)
        .with("{{command_admin_port}}", Ports::admin(ports.command))
        .with("{{query_port}}", ports.query)
        .with("{{query_admin_port}}", Ports::admin(ports.query))
        .with("{{projector_admin_port}}", Ports::admin(ports.projector))
}

/// The lines of the new schemas in the lock file.
fn locked(files: &[NewFile]) -> anyhow::Result<Vec<String>> {
    let schemas = files.iter().filter_map(|file| Some((file.path.strip_prefix("schemas").ok()?, &file.text)));
    schemas.map(|(path, text)| schema_lock::line(path, text)).collect()
}

fn sorted(lines: &str) -> String {
    let mut lines: Vec<_> = lines.lines().collect();
    lines.sort_unstable();
    lines.into_iter().flat_map(|line| [line, "\n"]).collect()
}

/// The names of a context's services, such as `bookings-command-api`: one for each folder except `domain`.
fn programs(services: &Path, context: &ContextName) -> anyhow::Result<Vec<String>> {
    let mut programs = Vec::new();
    for entry in fs::read_dir(services)? {
        programs.push(format!("{}-{}", context.kebab, entry?.file_name().to_string_lossy()));
    }
    Ok(programs)
}

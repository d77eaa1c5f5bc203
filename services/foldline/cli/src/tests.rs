//! Checks that the help, the documentation and the messages of the whole repository match the command line.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::{Arg, Command, CommandFactory, Parser};

use crate::Cli;

const DOCS: &str = include_str!("../../../../docs/command-line.md");
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// Every command without subcommands, by its full name, such as `foldline events tail`.
fn commands() -> Vec<(String, Command)> {
    commands_below(&Cli::command(), "")
}

fn commands_below(command: &Command, above: &str) -> Vec<(String, Command)> {
    let name = format!("{above} {}", command.get_name()).trim_start().to_owned();
    if command.has_subcommands() {
        command.get_subcommands().flat_map(|below| commands_below(below, &name)).collect()
    } else {
        vec![(name, command.clone())]
    }
}

fn is_connection(argument: &Arg) -> bool {
    argument.get_help_heading() == Some("Connection")
}

/// An argument as it is written: `--option` or `VALUE`.
fn spelling(argument: &Arg) -> String {
    argument.get_long().map_or_else(|| value_name(argument), |name| format!("--{name}"))
}

fn value_name(argument: &Arg) -> String {
    argument
        .get_value_names()
        .map_or_else(|| argument.get_id().as_str().to_uppercase(), |names| names[0].to_string())
}

/// The section of the documentation about a command.
fn section(name: &str) -> &'static str {
    let heading = format!("\n### `{name}`\n");
    let (_, rest) =
        DOCS.split_once(&heading).unwrap_or_else(|| panic!("docs/command-line.md has no ### `{name}`"));
    rest.split("\n#").next().unwrap_or_default()
}

/// Parses a command line as typed into a shell, without its redirection or pipe.
fn parse(line: &str) -> Result<Cli, clap::Error> {
    let line = line.split(" | ").next().and_then(|line| line.split(" > ").next()).unwrap_or_default();
    // Every second part is quoted.
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(index, part)| {
        let is_quoted = index % 2 == 1;
        if is_quoted { vec![part] } else { part.split_whitespace().collect() }
    });
    Cli::try_parse_from(words)
}

fn is_command(line: &str) -> bool {
    line.strip_prefix(PROGRAM).is_some_and(|rest| rest.starts_with(' '))
}

/// The lines of a text that show a command, with or without a prompt.
fn typed_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.trim_start().trim_start_matches("$ ")).filter(|line| is_command(line))
}

/// The commands between backticks in a text.
fn quoted_commands(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').filter(|part| is_command(part))
}

/// Every file below a folder of the repository with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path, extension)
            } else {
                Vec::from_iter(path.extension().is_some_and(|found| found == extension).then_some(path))
            }
        })
        .collect()
}

/// Whether a command exists. Its words are those after the program's name, up to an option or a placeholder such as
/// `COMMAND` or `{verb}`.
fn names_a_command(text: &str) -> bool {
    let mut command = &Cli::command();
    for word in text.split_whitespace().skip(1) {
        if !command.has_subcommands() || word.starts_with(|letter: char| !letter.is_ascii_lowercase()) {
            return true;
        }
        let Some(below) = command.find_subcommand(word) else { return false };
        command = below;
    }
    true
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_argument_has_a_description() {
    for (name, command) in commands() {
        let about = command.get_about().unwrap_or_else(|| panic!("{name} has no description")).to_string();
        assert!(about.len() <= 120 && !about.contains(". "), "{name} needs one short sentence: {about}");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name}: {} has no description", spelling(argument));
        }
    }
}

#[test]
fn every_command_has_valid_examples() {
    for (name, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<_> = typed_lines(&help).collect();
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples {
            assert!(example.starts_with(&name), "{name}: {example}");
            parse(example).unwrap_or_else(|error| panic!("{example}: {error}"));
        }
    }
}

#[test]
fn every_connection_option_has_a_variable_of_the_same_name() {
    for (name, command) in commands() {
        for argument in command.get_arguments().filter(|argument| is_connection(argument)) {
            let long = argument.get_long().unwrap_or_else(|| panic!("{name}: {argument} is not an option"));
            let variable = format!("{PROGRAM}_{long}").replace('-', "_").to_uppercase();
            assert_eq!(argument.get_env().and_then(|variable| variable.to_str()), Some(&*variable), "{name}");
            assert!(DOCS.contains(&format!("| `--{long}` | `{variable}` |")), "{name}: --{long}");
        }
    }
}

#[test]
fn every_command_and_argument_is_documented() {
    for (name, command) in commands() {
        let section = section(&name);
        for argument in command.get_arguments().filter(|argument| !is_connection(argument)) {
            let spelling = spelling(argument);
            let is_shown =
                section.contains(&format!("`{spelling}")) || section.contains(&format!(" {spelling}"));
            assert!(is_shown, "docs/command-line.md, {name}: {spelling} is missing");
        }
    }
}

#[test]
fn every_documented_command_exists() {
    let existing: BTreeSet<_> = commands().into_iter().map(|(name, _)| name).collect();
    for heading in DOCS.lines().filter_map(|line| line.strip_prefix("### `")) {
        assert!(existing.contains(heading.trim_end_matches('`')), "{heading}");
    }
}

#[test]
fn every_documented_option_exists() {
    for (name, command) in commands() {
        let existing: BTreeSet<_> = command.get_arguments().map(spelling).collect();
        for word in section(&name).split(|letter: char| !letter.is_ascii_lowercase() && letter != '-') {
            assert!(!word.starts_with("--") || existing.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn every_example_in_the_documentation_is_a_valid_command_line() {
    for file in files(&test_kit::repository().join("docs"), "md") {
        for line in typed_lines(&fs::read_to_string(&file).unwrap()) {
            if let Err(error) = parse(line) {
                panic!("{}: {line}: {error}", file.display());
            }
        }
    }
}

#[test]
fn every_command_named_in_documents_and_messages_exists() {
    let repository = test_kit::repository();
    let mut texts = vec![repository.join("README.md")];
    texts.extend(files(&repository.join("docs"), "md"));
    texts.extend(["crates", "services"].iter().flat_map(|folder| files(&repository.join(folder), "rs")));
    for file in texts {
        let text = fs::read_to_string(&file).unwrap();
        let unknown: Vec<_> = quoted_commands(&text).filter(|command| !names_a_command(command)).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", file.display());
    }
}

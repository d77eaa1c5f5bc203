use std::collections::BTreeSet;

use clap::{Command, CommandFactory};

use crate::Cli;

const HANDBOOK: &str = include_str!("../../../docs/command-line.md");

/// Every command that does something, by what is typed: `foldline events tail`.
fn commands_of(command: &Command, above: &str) -> Vec<(String, Command)> {
    let typed = format!("{above} {}", command.get_name()).trim_start().to_owned();
    if command.has_subcommands() {
        command.get_subcommands().flat_map(|below| commands_of(below, &typed)).collect()
    } else {
        vec![(typed, command.clone())]
    }
}

fn commands() -> Vec<(String, Command)> {
    commands_of(&Cli::command(), "")
}

/// The command's own options; where the installation is, the handbook says once for all.
fn options(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter(|option| option.get_env().is_none());
    own.filter_map(|option| option.get_long()).map(|name| format!("--{name}")).collect()
}

fn all_options(command: &Command) -> BTreeSet<String> {
    command.get_arguments().filter_map(|option| option.get_long()).map(|name| format!("--{name}")).collect()
}

/// What the handbook says of a command.
fn section(typed: &str) -> Option<&'static str> {
    let (_, rest) = HANDBOOK.split_once(&format!("\n### `{typed}`\n"))?;
    rest.split("\n#").next()
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_every_option_says_what_it_is() {
    for (typed, command) in commands() {
        assert!(command.get_about().is_some(), "{typed}");
        for option in command.get_arguments() {
            assert!(option.get_help().is_some(), "{typed} {option}");
        }
    }
}

#[test]
fn the_handbook_tells_of_every_command_and_of_all_its_options() {
    for (typed, command) in commands() {
        let section =
            section(&typed).unwrap_or_else(|| panic!("docs/command-line.md has no section ### `{typed}`"));
        for option in options(&command) {
            assert!(
                section.contains(&format!("`{option}")),
                "docs/command-line.md, {typed}: {option} is missing"
            );
        }
    }
}

#[test]
fn the_handbook_tells_of_no_option_that_is_not_there() {
    let known: BTreeSet<_> = commands().iter().flat_map(|(_, command)| all_options(command)).collect();
    for word in HANDBOOK.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-') {
        assert!(
            !word.starts_with("--") || word == "---" || word == "--help" || known.contains(word),
            "{word}"
        );
    }
}

//! A repository's own settings, `.waypost.yaml`: read from a tree, strict, with the place of whatever is wrong.
//!
//! What decides who may do what is read from the *base* commit, so that no pull request gives itself a right. One file a top-level key;
//! a key that nobody knows is a problem with the nearest one that somebody does.

mod commands;

pub use commands::{Access, Commands, Least, Role};

use crate::formats::yaml::{self, Node};
use crate::snapshot::{ReadError, Snapshot};
use crate::span::{LineIndex, TreePath};

/// Where the settings are.
pub const SETTINGS_PATH: &str = ".waypost.yaml";

/// The commands that the settings may say something of: all but the one that lists them.
pub const COMMAND_NAMES: &[&str] = &["review", "trace", "explain", "ack", "waive", "unwaive", "simulate", "rollback", "status", "doctor"];

/// The keys there are, each read by the file of its name.
const KEYS: &[&str] = &["commands"];

/// The settings of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who may give which command.
    pub commands: Commands,
}

/// Something in the settings that is not understood. Nothing around it is believed either, where it decides who may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsProblem {
    /// From 1.
    pub line: usize,
    /// What is wrong, in lower case without a full stop.
    pub message: String,
}

/// Reads the settings of a tree; the defaults where it has none. `command_names` are the keys that `commands` may have.
///
/// Like every reader it goes on where the content is not there yet; [`Snapshot::wanted`] lists it then.
pub fn settings(tree: &Snapshot, command_names: &[&str]) -> (Settings, Vec<SettingsProblem>) {
    let Some(path) = TreePath::new(SETTINGS_PATH) else { return Default::default() };
    let text = match tree.text(&path) {
        Ok(text) => text,
        Err(ReadError::NotThere | ReadError::Wanted) => return Default::default(),
        Err(error) => return (Settings::default(), vec![SettingsProblem { line: 1, message: format!("the file cannot be read: {error}") }]),
    };
    read(&text, command_names)
}

fn read(text: &str, command_names: &[&str]) -> (Settings, Vec<SettingsProblem>) {
    let yaml = yaml::parse(text);
    let mut problems = Problems { lines: LineIndex::new(text), found: Vec::new() };
    for fault in &yaml.errors {
        problems.add(fault.at, fault.reason.clone());
    }
    for twice in &yaml.duplicates {
        problems.add(twice.dropped.start, format!("`{}` is written twice", twice.key));
    }
    let mut settings = Settings::default();
    if let Some(root) = yaml.documents.first().filter(|root| !root.is_null()) {
        problems.mapping(root, "the settings");
        for (key, place, value) in root.pairs() {
            match key {
                "commands" => settings.commands = commands::read(value, command_names, &mut problems),
                _ => problems.unknown(place, key, KEYS),
            }
        }
    }
    (settings, problems.found)
}

/// Collects what is wrong.
struct Problems {
    lines: LineIndex,
    found: Vec<SettingsProblem>,
}

impl Problems {
    fn add(&mut self, at: usize, message: String) {
        self.found.push(SettingsProblem { line: self.lines.line(at), message });
    }

    /// Says that there is no such key, and which one may have been meant.
    fn unknown(&mut self, place: &Node, key: &str, known: &[&str]) {
        let hint = match crate::policy::nearest(key, known.iter().copied()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!("; there are {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        };
        self.add(place.start, format!("there is no setting `{key}`{hint}"));
    }

    /// Says where a value should be a mapping and is not.
    fn mapping(&mut self, node: &Node, what: &str) {
        if !node.is_mapping() {
            self.add(node.start, format!("{what} must be keys with values"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["review", "waive", "ack"];

    #[test]
    fn who_may_do_what_is_read() {
        let text = "commands:\n  waive: { role: admin, teams: [oncall], own: true }\n  review: write\n";
        let (settings, problems) = read(text, NAMES);
        assert_eq!(problems, []);
        assert_eq!(
            settings.commands.of("waive"),
            Some(&Access { least: Some(Least::Role(Role::Admin)), teams: vec!["oncall".to_owned()], own: Some(true) })
        );
        assert_eq!(settings.commands.of("review").and_then(|access| access.least), Some(Least::Role(Role::Write)));
        assert_eq!(settings.commands.of("ack"), None);
        assert_eq!(read("", NAMES), (Settings::default(), Vec::new()));
    }

    #[test]
    fn what_is_not_understood_is_said_with_its_line_and_what_may_have_been_meant() {
        let text = "comands: {}\ncommands:\n  wave: write\n  waive: { rolle: write }\n  review: wirte\n  ack: { own: maybe, teams: x/y/z }\n";
        let said: Vec<String> = read(text, NAMES).1.iter().map(|problem| format!("{}: {}", problem.line, problem.message)).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        1: there is no setting `comands`; did you mean `commands`?
        3: there is no setting `wave`; did you mean `waive`?
        4: there is no setting `rolle`; did you mean `role`?
        5: `wirte` is no role: there are `anyone`, `read`, `triage`, `write`, `maintain`, `admin`, `nobody`
        6: it is either `true` or `false`
        6: `x/y/z` is not the short name of a team, as it stands in the team's address
        ");
        assert_eq!(read("- a\n", NAMES).1.len(), 1);
        assert_eq!(read("commands: [", NAMES).1.len(), 1);
    }
}

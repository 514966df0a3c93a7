//! `commands:` who may give which slash command.

use super::Problems;
use crate::formats::yaml::Node;
use std::collections::BTreeMap;

/// The keys of one command.
const KEYS: &[&str] = &["role", "teams", "own"];

/// What somebody may do in a repository, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May look.
    Read,
    /// May sort issues and pull requests.
    Triage,
    /// May push.
    Write,
    /// May settle how the repository works.
    Maintain,
    /// May do everything.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 5] = [Self::Read, Self::Triage, Self::Write, Self::Maintain, Self::Admin];

    /// Returns GitHub's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }

    /// Returns the role that GitHub calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The least that somebody must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// Whoever may comment.
    Anyone,
    /// Whoever has this role or a higher one.
    Role(Role),
    /// Nobody by role.
    Nobody,
}

/// Who may give a command. What is `None` is left to the command itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The least role.
    pub least: Option<Least>,
    /// Teams of the repository's owner whose members may as well, whatever their role.
    pub teams: Vec<String>,
    /// Whether authors of a pull request may use it on findings of their own.
    pub own: Option<bool>,
}

/// Who may give which command, by the command's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands(BTreeMap<String, Access>);

impl Commands {
    /// Returns what is said of a command.
    pub fn of(&self, name: &str) -> Option<&Access> {
        self.0.get(name)
    }
}

pub(super) fn read(node: &Node, names: &[&str], problems: &mut Problems) -> Commands {
    problems.mapping(node, "`commands`");
    let mut commands = BTreeMap::new();
    for (name, place, value) in node.pairs() {
        if names.contains(&name) {
            commands.insert(name.to_owned(), access(value, problems));
        } else {
            problems.unknown(place, name, names);
        }
    }
    Commands(commands)
}

/// Reads one command: a role, or the keys.
fn access(node: &Node, problems: &mut Problems) -> Access {
    if node.text().is_some() {
        return Access { least: least(node, problems), ..Access::default() };
    }
    problems.mapping(node, "a command's settings");
    let mut access = Access::default();
    for (key, place, value) in node.pairs() {
        match key {
            "role" => access.least = least(value, problems),
            "teams" => access.teams = teams(value, problems),
            "own" => access.own = boolean(value, problems),
            _ => problems.unknown(place, key, KEYS),
        }
    }
    access
}

fn least(node: &Node, problems: &mut Problems) -> Option<Least> {
    let text = node.text().unwrap_or_default();
    let found = match text {
        "anyone" => Some(Least::Anyone),
        "nobody" => Some(Least::Nobody),
        _ => Role::named(text).map(Least::Role),
    };
    if found.is_none() {
        problems.add(node.start, format!("`{text}` is no role: there are `anyone`, `read`, `triage`, `write`, `maintain`, `admin`, `nobody`"));
    }
    found
}

/// Reads the names of teams: one, or a list. A name that could not stand in a URL is refused.
fn teams(node: &Node, problems: &mut Problems) -> Vec<String> {
    let nodes: Vec<&Node> = if node.text().is_some() { vec![node] } else { node.items().iter().map(|item| &**item).collect() };
    let mut names = Vec::new();
    for node in nodes {
        let name = node.text().unwrap_or_default();
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            names.push(name.to_owned());
        } else {
            problems.add(node.start, format!("`{name}` is not the short name of a team, as it stands in the team's address"));
        }
    }
    names
}

fn boolean(node: &Node, problems: &mut Problems) -> Option<bool> {
    match node.text() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => {
            problems.add(node.start, "it is either `true` or `false`".to_owned());
            None
        }
    }
}

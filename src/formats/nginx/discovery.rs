//! Which files of a tree are nginx's, and where a configuration begins.
//!
//! Names come first, because on GitHub each file read is a request; then what the file says decides.

use super::Config;
use super::check::Check;
use super::directives;
use super::files::{Content, Files};
use super::include::Expander;
use super::names::{self, Folder};
use super::syntax::Directive;
use super::template::Statements;
use crate::formats::template::agreed;
use crate::model::{Model, Role};
use crate::snapshot::{ReadError, Snapshot};
use crate::span::TreePath;
use std::collections::{BTreeMap, BTreeSet};

/// What a file is, seen alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A main file: it has an `http`, `stream`, `mail` or `events` block.
    Main,
    /// It has virtual hosts or pools, and needs a main file around it.
    Part,
    /// It is nginx's by its name, and cannot be read.
    Unread,
    /// A snippet, or not nginx's.
    Other,
}

/// Returns the configurations of the tree, in the order of their ids; what is wrong with their files goes to `model`.
pub fn configs(snapshot: &Snapshot, model: &mut Model) -> Vec<Config> {
    let inventory = model.inventory.clone();
    let mut files = Files::new(snapshot, &inventory);
    let candidates: Vec<TreePath> = files.paths().filter(|path| names::plausible(path)).cloned().collect();
    let mut looked_at: Vec<(TreePath, Kind)> = candidates.into_iter().map(|path| (path.clone(), kind(&path, &mut files))).collect();
    // What another template puts in is a part of that one.
    let inner: BTreeSet<TreePath> = looked_at
        .iter()
        .flat_map(|(path, _)| files.file(path).inputs.clone())
        .filter(|input| input.role == Role::Included)
        .map(|input| input.path)
        .collect();
    looked_at.retain(|(path, _)| !inner.contains(path));
    let of_kind = |wanted: Kind| looked_at.iter().filter(move |(_, kind)| *kind == wanted).map(|(path, _)| path);

    let entries = entries(of_kind(Kind::Main).cloned().collect(), &mut files);
    let mut expander = Expander::new(&mut files, model);
    let mut reached = BTreeSet::new();
    let mut configs = Vec::new();
    for entry in &entries {
        let readings = expander.entry(entry);
        reached.extend(readings.reached);
        configs.push((readings.configs, false));
    }
    for path in of_kind(Kind::Unread) {
        expander.report(path);
    }
    let loose: Vec<&TreePath> = of_kind(Kind::Part).filter(|path| expander.resolve(path).is_some_and(|real| !reached.contains(&real))).collect();
    for (folder, parts) in folders(&loose, &entries, &expander) {
        configs.push((expander.parts(&folder, &parts).configs, true));
    }
    configs.sort_by(|(a, _), (b, _)| a.first().map(|config| &config.id).cmp(&b.first().map(|config| &config.id)));
    let mut check = Check::default();
    for (readings, assumed) in &configs {
        check_readings(&mut check, readings, *assumed, model);
    }
    model.problems.sort_by(|a, b| a.span.cmp(&b.span));
    configs.into_iter().flat_map(|(readings, _)| readings).collect()
}

/// Checks a configuration. What is wrong in one reading of its templates only counts where the others do not have the statement.
fn check_readings(check: &mut Check, readings: &[Config], assumed: bool, model: &mut Model) {
    let before = check.clone();
    let known = model.problems.len();
    let mut found = Vec::new();
    for config in readings {
        *check = before.clone();
        check.check(config, assumed, model);
        found.push((model.problems.split_off(known), Statements::of(&config.directives)));
    }
    model.problems.extend(agreed(&found, Statements::has));
}

/// Returns the main files that no other main file includes. Of several that include each other, the one whose name says most.
fn entries(mut mains: Vec<TreePath>, files: &mut Files<'_>) -> Vec<TreePath> {
    let mut real = BTreeSet::new();
    mains.retain(|path| files.resolve(path).is_ok_and(|path| real.insert(path)));
    mains.sort_by_key(|path| (path.file_name() != "nginx.conf", path.clone()));
    let mut scratch = Model::default();
    let mut expander = Expander::new(files, &mut scratch);
    let reached: Vec<BTreeSet<TreePath>> = mains.iter().map(|path| expander.entry(path).reached).collect();
    let includes = |outer: usize, inner: usize| match (reached.get(outer), mains.get(inner)) {
        (Some(reached), Some(path)) => outer != inner && reached.contains(path),
        _ => false,
    };
    let all = 0..mains.len();
    let is_inner = |inner: usize| all.clone().any(|outer| includes(outer, inner) && (outer < inner || !includes(inner, outer)));
    mains.iter().enumerate().filter(|(at, _)| !is_inner(*at)).map(|(_, path)| path.clone()).collect()
}

fn kind(path: &TreePath, files: &mut Files<'_>) -> Kind {
    let file = files.file(path);
    match &file.content {
        // A template that cannot be read is told where it is surely nginx's.
        Content::Parsed(_) if file.partial => {
            if names::is_ours(path) {
                Kind::Unread
            } else {
                Kind::Other
            }
        }
        Content::Parsed(parsed) => kind_of(&parsed.directives),
        Content::Unreadable(ReadError::Wanted | ReadError::Directory) => Kind::Other,
        Content::Unreadable(_) if names::is_ours(path) => Kind::Unread,
        Content::Unreadable(_) => Kind::Other,
    }
}

fn kind_of(directives: &[Directive]) -> Kind {
    let block = |directive: &Directive, names: &[&str], args: usize| {
        directive.block.is_some() && directive.args.len() == args && names.contains(&directive.name())
    };
    if !reads_like_nginx(directives) {
        Kind::Other
    } else if directives.iter().any(|directive| block(directive, &["http", "stream", "mail", "events"], 0)) {
        Kind::Main
    } else if directives.iter().any(|directive| block(directive, &["server"], 0) || block(directive, &["upstream"], 1)) {
        Kind::Part
    } else {
        Kind::Other
    }
}

/// Returns whether most names at the first two levels are nginx's. Other programs have `server { … }` and `http { … }` too.
fn reads_like_nginx(directives: &[Directive]) -> bool {
    let inner = directives.iter().filter(|directive| matches!(directive.name(), "http" | "stream" | "server" | "upstream"));
    let names = directives.iter().chain(inner.flat_map(Directive::inside)).map(Directive::name);
    let (ours, all) = names.fold((0_usize, 0_usize), |(ours, all), name| (ours + usize::from(directives::find(name).is_some()), all + 1));
    ours * 2 > all
}

/// Returns the parts by the folder they are installed from, in the order the usual main file includes them: `conf.d`, then `sites-enabled`.
/// Beside a main file that includes none of them they are not loaded.
fn folders(parts: &[&TreePath], entries: &[TreePath], expander: &Expander<'_, '_>) -> BTreeMap<Folder, Vec<TreePath>> {
    let mut folders: BTreeMap<Folder, Vec<TreePath>> = BTreeMap::new();
    for path in parts {
        if names::is_not_enabled(path) && names::enabled_sibling(path).is_some_and(|enabled| expander.is_directory(&enabled)) {
            continue;
        }
        let folder = names::folder(path);
        let left_out = folder.usual && entries.iter().any(|entry| entry.parent() == folder.prefix);
        if left_out {
            continue;
        }
        // A part that lies where `conf.d` lies makes one configuration with what is in there: two could not be told apart by their name.
        let beside = folders.keys().find(|known| known.id == folder.id && **known != folder).cloned();
        let (folder, mut together) = match beside.and_then(|beside| folders.remove_entry(&beside)) {
            Some((known, parts)) => (Folder { usual: known.usual && folder.usual, ..known }, parts),
            None => (folder, Vec::new()),
        };
        together.push((*path).clone());
        folders.entry(folder).or_default().extend(together);
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::memory;

    /// Returns each configuration as its id and its statements' heads, blocks in braces, and then what was said about the files.
    fn shown(files: &[(&str, &str)]) -> String {
        let mut model = Model::default();
        let snapshot = memory(files.iter().copied());
        let mut lines: Vec<String> = Vec::new();
        for config in configs(&snapshot, &mut model) {
            lines.push(format!("{:?} complete={}: {}", config.id, config.complete, heads(&config.directives)));
        }
        lines.extend(model.problems.iter().map(|problem| format!("{:?} {}", problem.span, problem.message)));
        lines.extend(model.unknown.iter().map(|unknown| format!("{:?} {}", unknown.span, unknown.reason)));
        lines.join("\n")
    }

    fn heads(directives: &[Directive]) -> String {
        let shown = directives.iter().map(|directive| match &directive.block {
            Some(block) => format!("{}{{{}}}", directive.label().text, heads(block)),
            None => directive.label().text.to_string(),
        });
        shown.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn an_entry_has_its_includes_in_place() {
        let found = shown(&[
            ("nginx/nginx.conf", "events {}\nhttp { include mime.types; include /etc/nginx/conf.d/*.conf; include conf.d/b.conf; }"),
            ("nginx/conf.d/a.conf", "server { listen 80; }"),
            ("nginx/conf.d/b.conf", "upstream u { server 10.0.0.1; }"),
        ]);
        insta::assert_snapshot!(found, @r#""nginx/nginx.conf" complete=true: events{}; http{server{listen 80}; upstream u{server 10.0.0.1}; upstream u{server 10.0.0.1}}"#);
    }

    #[test]
    fn parts_without_an_entry_stand_in_a_block_of_their_own() {
        let found = shown(&[("conf.d/a.conf", "server { listen 80; }"), ("sites-enabled/shop", "upstream u { server 10.0.0.1; }")]);
        insta::assert_snapshot!(found, @r#""" complete=true: http{server{listen 80}; upstream u{server 10.0.0.1}}"#);
    }
}

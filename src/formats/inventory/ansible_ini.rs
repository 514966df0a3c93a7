//! Ansible inventories in INI: `[group]` with a host a line, `[group:children]`, `[group:vars]`.

use super::ansible::{Directory, expand};
use super::{File, is_template};
use crate::model::{Label, Model, Unknown};

/// What the lines of a section are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section<'a> {
    Hosts(&'a str),
    Children(&'a str),
    Variables(&'a str),
    /// Not understood: no host.
    Other,
}

/// Reads `file` into `directory`; `false` when it is something else.
pub(super) fn read(file: File<'_>, directory: &mut Directory, model: &mut Model) -> bool {
    if file.text.starts_with("#!") {
        directory.dynamic = true;
        return false;
    }
    if file.text.starts_with("$ANSIBLE_VAULT") {
        directory.incomplete = true;
        return false;
    }
    if !is_inventory(file.text) {
        return false;
    }
    if file.text.contains("{%") {
        directory.incomplete = true;
        let reason = "the inventory is a template, so what exists is not known".to_owned();
        model.unknown.push(Unknown { span: file.span(0, 0), reason });
        return true;
    }
    let mut section = Section::Hosts("ungrouped");
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let at = start + line.len() - line.trim_start_matches('\u{feff}').trim_start().len();
        start += line.len();
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let Some((name, _)) = rest.split_once(']') else {
                directory.incomplete = true;
                let message = format!("the section `{line}` has no `]`");
                model.problems.push(file.problem(at, message, "add `]`; until then no server is looked up in this inventory"));
                section = Section::Other;
                continue;
            };
            section = match name.split_once(':') {
                None => Section::Hosts(name),
                Some((group, "hosts")) => Section::Hosts(group),
                Some((group, "children")) => Section::Children(group),
                Some((group, "vars")) => Section::Variables(group),
                Some(_) => Section::Other,
            };
            continue;
        }
        match section {
            Section::Hosts(group) => read_host(file, group, (at, line), directory),
            Section::Children(parent) => directory.child(line.split_whitespace().next().unwrap_or(line), parent),
            Section::Variables(group) => {
                if let Some((key, value)) = line.split_once('=') {
                    let label = Label { span: file.span(at, at + line.len()), text: line.into() };
                    let value = value.trim().trim_matches(['"', '\'']);
                    directory.group_variable(group, key.trim(), value, &label);
                }
            }
            Section::Other => {}
        }
    }
    true
}

/// Returns whether `text` is made of sections, or of lines that only an inventory has.
fn is_inventory(text: &str) -> bool {
    let lines = || text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let sections = lines().any(|line| line.starts_with('['));
    let variables = lines().any(|line| line.contains("ansible_"));
    let keys_only = lines().all(|line| line.starts_with('[') || line.split_once('=').is_some_and(|(key, _)| !key.trim().contains(' ')));
    // Every line `key = value` is a settings file that happens to be called so.
    (sections && !keys_only) || variables
}

fn read_host(file: File<'_>, group: &str, (at, line): (usize, &str), directory: &mut Directory) {
    let mut words = words(line).into_iter();
    let Some(first) = words.next() else { return };
    let Some(names) = expand(without_port(&first)).filter(|_| !is_template(line.split(' ').next().unwrap_or(line))) else {
        directory.incomplete = true;
        return;
    };
    let label = Label { span: file.span(at, at + line.len()), text: line.split_whitespace().collect::<Vec<_>>().join(" ").into() };
    let variables: Vec<String> = words.collect();
    for name in names {
        let Some(host) = directory.host(&name, group, &label) else { return };
        for (key, value) in variables.iter().filter_map(|word| word.split_once('=')) {
            host.say(key, value, &label);
        }
    }
}

/// Returns `name` without the `:port` that may follow it; an IPv6 address has more than one colon, a range has its colons in brackets.
fn without_port(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') && port.bytes().all(|b| b.is_ascii_digit()) && (host.ends_with(']') || !host.contains(':')) => {
            if host.parse::<std::net::Ipv4Addr>().is_ok() || !host.starts_with('[') {
                host
            } else {
                host.trim_matches(['[', ']'])
            }
        }
        _ => name,
    }
}

/// Splits a line as a shell does: blanks part words, quotes hold them together and vanish, `#` begins a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '#' && word.is_empty() => break,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            Some(_) | None => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

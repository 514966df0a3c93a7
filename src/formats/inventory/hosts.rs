//! Hosts files: an address and its names on each line (`hosts(5)`).
//!
//! They say what exists and nothing more: an `/etc/hosts` lists what somebody needed to reach by name, so nothing is missing because of one.

use super::File;
use crate::model::{InventoryHost, Label, Model};
use std::net::IpAddr;

/// Returns whether every line of `text` is an address with names, and there is one.
pub(super) fn is_hosts_file(text: &str) -> bool {
    let mut lines = text.lines().map(content).filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| !line.contains('=') && entry(line).is_some())
}

/// Adds the hosts of `file`.
pub(super) fn read(file: File<'_>, model: &mut Model) {
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let at = start + line.len() - line.trim_start().len();
        start += line.len();
        let line = content(line);
        let Some((address, names)) = entry(line) else { continue };
        let mut names = names.into_iter().map(|name| name.to_lowercase().trim_end_matches('.').into());
        let Some(name) = names.next() else { continue };
        let label = Label { span: file.span(at, at + line.len()), text: line.split_whitespace().collect::<Vec<_>>().join(" ").into() };
        model.inventory.hosts.push(InventoryHost { addresses: vec![address], aliases: names.collect(), ..InventoryHost::new(name, label) });
    }
}

/// Returns `line` without its comment.
fn content(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

fn entry(line: &str) -> Option<(IpAddr, Vec<&str>)> {
    let mut words = line.split_whitespace();
    // The zone of a link-local address (`fe80::1%lo0`) is no part of it.
    let address = words.next()?.split('%').next()?.parse().ok()?;
    let names: Vec<&str> = words.collect();
    (!names.is_empty()).then_some((address, names))
}

//! The one sentence a tired person reads: the worst thing first, and never more than is known.

use super::FindingReport;
use crate::analysis::{Change, Comparison, Destination, ServerState};
use crate::policy::{Category, Severity};

/// What the sentence is made of.
pub(super) struct Facts<'a> {
    /// The worst first.
    pub(super) findings: &'a [FindingReport],
    pub(super) comparison: &'a Comparison,
    pub(super) rollback: Option<&'a Comparison>,
    /// Both sides read the same files with the same contents.
    pub(super) unchanged: bool,
    /// How many proxies were found.
    pub(super) gateways: usize,
}

/// Returns one sentence without a full stop.
pub(super) fn summary(facts: &Facts<'_>) -> String {
    let mut unwaived = facts.findings.iter().filter(|finding| finding.waived.is_none());
    match unwaived.clone().next() {
        Some(worst) if worst.severity == Severity::Error => {
            let errors = || unwaived.clone().filter(|finding| finding.severity == Severity::Error);
            if let Some(broken) = errors().find(|finding| finding.category == Category::Syntax) {
                return format!("{}, at {}:{}", sentence(&broken.message), broken.path, broken.start_line);
            }
            let unsafe_rollback = errors().find(|finding| finding.category == Category::RollbackUnsafe);
            unsafe_rollback.and_then(|_| still_broken(facts)).or_else(|| newly_broken(facts.comparison)).unwrap_or_else(|| sentence(&worst.message))
        }
        Some(_) => match unwaived.find(|finding| finding.severity == Severity::Warning) {
            Some(warning) => sentence(&warning.message),
            None => nothing_found(facts),
        },
        None => nothing_found(facts),
    }
}

/// Returns what is said where no rule has anything above info to say.
fn nothing_found(facts: &Facts<'_>) -> String {
    let comparison = facts.comparison;
    if facts.gateways == 0 {
        return "No load balancer configuration was found".to_owned();
    }
    if facts.unchanged {
        return "Nothing that routes traffic changed".to_owned();
    }
    if !comparison.changes.is_empty() {
        let hosts = host_words(comparison.changes.iter());
        return format!("Some requests{hosts} go elsewhere; nothing was found that would break them");
    }
    match (comparison.exact, comparison.pairs.len()) {
        (true, _) => "No request goes elsewhere".to_owned(),
        (false, 0) => "Cannot tell whether requests go elsewhere: there was none to try".to_owned(),
        (false, 1) => "No request goes elsewhere, as far as the one tried request shows".to_owned(),
        (false, tried) => format!("No request goes elsewhere, as far as {tried} tried requests show"),
    }
}

/// One side of the pair that stands for a change.
fn sides<'a>(comparison: &'a Comparison, change: &Change) -> Option<(&'a Destination, &'a Destination)> {
    let pair = comparison.pairs.get(*change.pairs.first()?)?;
    Some((&pair.was.destination, &pair.now.destination))
}

/// Returns the sentence on the region that lost most, with every region of the same fate.
fn newly_broken(comparison: &Comparison) -> Option<String> {
    let lost = |change: &Change| sides(comparison, change).map_or(0.0, |(was, now)| now.broken_share() - was.broken_share());
    let worst = comparison.changes.iter().filter(|change| lost(change) > 0.0).max_by(|a, b| {
        // The first of equals: `max_by` would take the last.
        lost(a).total_cmp(&lost(b)).then(std::cmp::Ordering::Greater)
    })?;
    broken_sentence(comparison, worst, "would")
}

/// Returns the sentence on the requests that a rollback leaves broken.
fn still_broken(facts: &Facts<'_>) -> Option<String> {
    let rollback = facts.rollback?;
    let worst = rollback.changes.iter().find(|change| sides(rollback, change).is_some_and(|(_, now)| now.broken_share() > 0.0))?;
    let rest = broken_sentence(rollback, worst, "would still")?;
    let mut letters = rest.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_lowercase).collect();
    Some(format!("Going back like this does not restore what was there: {first}{}", letters.as_str()))
}

fn broken_sentence(comparison: &Comparison, worst: &Change, would: &str) -> Option<String> {
    let (_, now) = sides(comparison, worst)?;
    let share = now.broken_share();
    let same_fate = |change: &&Change| {
        change.region_rest() == worst.region_rest()
            && sides(comparison, change).is_some_and(|(_, other)| percent(other.broken_share()) == percent(share) && fate(other) == fate(now))
    };
    let hosts = host_words(comparison.changes.iter().filter(same_fate));
    let part = part_words(worst.region_rest());
    let requests = if percent(share) == "100 %" { "Every request".to_owned() } else { format!("{} of requests", upper_first(&percent(share))) };
    Some(format!("{requests}{hosts}{part} {would} {}", fate(now)))
}

/// Returns what the broken requests of a destination meet.
fn fate(now: &Destination) -> &'static str {
    let Destination::Forward { servers, .. } = now else { return "get no answer" };
    let chosen = || servers.iter().filter(|server| server.share > 0.0);
    match chosen().filter(|server| server.state == ServerState::Missing).count() {
        0 => "get an error, because no server of the pool can take them",
        1 => "reach a server that does not exist",
        _ => "reach servers that do not exist",
    }
}

/// Returns ` to a, b and 3 other hosts`, or nothing where no host is named.
fn host_words<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    let mut hosts: Vec<&str> = Vec::new();
    for host in changes.flat_map(|change| &change.hosts) {
        if !hosts.contains(&host.as_str()) {
            hosts.push(host);
        }
    }
    match hosts.as_slice() {
        [] => String::new(),
        [one] => format!(" to {one}"),
        [one, two] => format!(" to {one} and {two}"),
        [one, two, three] => format!(" to {one}, {two} and {three}"),
        [one, two, rest @ ..] => format!(" to {one}, {two} and {} other hosts", rest.len()),
    }
}

impl Change {
    /// Returns what the region says besides its hosts; empty for everything on them.
    fn region_rest(&self) -> &str {
        if !self.region.starts_with("host ") && !self.region.starts_with("any ") && !self.region.starts_with("hosts ") {
            return if self.hosts.is_empty() { "" } else { &self.region };
        }
        ["path", "method", "header", "source", "query", "scheme", "listener"]
            .iter()
            .filter_map(|word| self.region.find(&format!(", {word} ")))
            .min()
            .and_then(|at| self.region.get(at + 2..))
            .unwrap_or_default()
    }
}

/// Returns the part of a host's requests as it stands in a sentence.
fn part_words(rest: &str) -> String {
    if rest.is_empty() {
        return String::new();
    }
    if let Some(prefix) = rest.strip_prefix("path not under ").filter(|prefix| !prefix.contains([' ', ','])) {
        return format!(" outside {prefix}");
    }
    if let Some(prefix) = rest.strip_prefix("path under ").filter(|prefix| !prefix.contains([' ', ','])) {
        return format!(" under {prefix}");
    }
    if rest.chars().count() <= 60 { format!(" ({rest})") } else { " (not all paths)".to_owned() }
}

/// Returns a share in words that never round something to nothing or to everything.
pub(crate) fn percent(share: f64) -> String {
    let hundredths = share * 100.0;
    if share >= 1.0 {
        "100 %".to_owned()
    } else if hundredths > 99.0 && hundredths.round() >= 100.0 {
        "more than 99 %".to_owned()
    } else if share > 0.0 && hundredths.round() < 1.0 {
        "less than 1 %".to_owned()
    } else {
        format!("{hundredths:.0} %")
    }
}

/// Returns a rule's message as a sentence of its own. A name at its start stays as it is written.
fn sentence(message: &str) -> String {
    let first = message.split_whitespace().next().unwrap_or_default();
    if first.chars().all(|c| c.is_alphabetic() || c == ',' || c == '-') { upper_first(message) } else { message.to_owned() }
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + letters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_to_everything() {
        let shares = [0.0, 0.004, 0.85, 0.909, 0.9999, 1.0];
        assert_eq!(shares.map(percent), ["0 %", "less than 1 %", "85 %", "91 %", "more than 99 %", "100 %"]);
    }

    #[test]
    fn a_name_at_the_start_of_a_message_stays() {
        assert_eq!(sentence("requests to a go to b"), "Requests to a go to b");
        assert_eq!(sentence("shop.example.com goes to b"), "shop.example.com goes to b");
        assert_eq!(sentence("`proxy_pass` has no `;`"), "`proxy_pass` has no `;`");
    }
}

//! The one sentence a tired person reads: the worst thing first, and never more than is known.

use super::FindingReport;
use crate::analysis::{Change, Comparison, Destination, ServerState, moved_share};
use crate::policy::{Category, Severity, goes, of_requests, percent, to_region};

/// A region with more characters is not spelled out in the one sentence.
const MAX_REGION: usize = 110;

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
        return harmless(comparison);
    }
    if comparison.limited {
        return format!(
            "No request goes elsewhere, as far as {} tried requests show; there is more here than can be compared",
            comparison.pairs.len()
        );
    }
    match (comparison.exact, comparison.pairs.len()) {
        (true, _) => "No request goes elsewhere".to_owned(),
        (false, 0) => "Cannot tell whether requests go elsewhere: there was none to try".to_owned(),
        (false, 1) => "No request goes elsewhere, as far as the one tried request shows".to_owned(),
        (false, tried) => format!("No request goes elsewhere, as far as {tried} tried requests show"),
    }
}

/// Returns the sentence on changes that no rule minds.
fn harmless(comparison: &Comparison) -> String {
    let gained = |change: &&Change| sides(comparison, change).is_some_and(|(was, now)| was.broken_share() > now.broken_share());
    if let Some(change) = comparison.changes.iter().find(gained)
        && let Some((was, now)) = sides(comparison, change)
    {
        let still = if now.broken_share() > 0.0 { format!("; {} still would", percent(now.broken_share())) } else { String::new() };
        return format!("{} {} would no longer {}{still}", upper_first(&of_requests(was.broken_share())), whose(change), meet(was));
    }
    if comparison.changes.iter().all(|change| change.behaviour_only) {
        return "Every request goes where it went; retries, timeouts, limits or balancing change".to_owned();
    }
    main_move(comparison).unwrap_or_else(|| "Some requests go elsewhere".to_owned())
}

/// Returns the sentence on the change that a reader wants to know of first, and on how many others there are.
fn main_move(comparison: &Comparison) -> Option<String> {
    let moved: Vec<(&Change, &Destination, &Destination)> = comparison
        .changes
        .iter()
        .filter(|change| !change.behaviour_only)
        .filter_map(|change| sides(comparison, change).map(|(was, now)| (change, was, now)))
        .collect();
    // What is served today comes before what is new, and a pool before the redirects that lead into it. Of equals the first: the most harmful.
    let (change, was, now) = moved.iter().min_by_key(|(_, was, now)| (weight(was), weight(now)))?;
    let others = match moved.len() - 1 {
        0 => String::new(),
        1 => "; 1 other group of requests changes".to_owned(),
        more => format!("; {more} other groups of requests change"),
    };
    Some(format!("{}{others}", way(&whose(change), was, now)))
}

/// Returns how little a destination says about a change.
fn weight(destination: &Destination) -> u8 {
    match destination {
        Destination::Forward { .. } => 0,
        Destination::Opaque { .. } | Destination::Files { .. } => 1,
        Destination::Respond { .. } | Destination::Redirect { .. } => 2,
        Destination::Reject { .. } | Destination::Close | Destination::None => 3,
    }
}

/// Returns where the requests `whose` go and went.
fn way(whose: &str, was: &Destination, now: &Destination) -> String {
    match (was, now) {
        (Destination::Forward { pool: old, upstream_uri: asked, .. }, Destination::Forward { pool: new, upstream_uri: asks, .. }) if old == new => {
            let moved = moved_share(was, now);
            if asked != asks {
                return format!("Requests {whose} would reach `{new}` as {asks}; now as {asked}");
            }
            if moved > f64::EPSILON {
                return format!("{} {whose} would go to another server of `{new}`", upper_first(&of_requests(moved)));
            }
            format!("Requests {whose} would find `{new}` changed")
        }
        (Destination::Opaque { reason, .. }, Destination::Opaque { reason: other, .. }) if reason == other => {
            format!("Some requests {whose} go elsewhere: {reason}")
        }
        _ => format!("Requests {whose} would {}; now they {}", goes(now).replacen("are ", "be ", 1), goes(was)),
    }
}

/// One side of the pair that stands for a change.
fn sides<'a>(comparison: &'a Comparison, change: &Change) -> Option<(&'a Destination, &'a Destination)> {
    let pair = comparison.pairs.get(*change.pairs.first()?)?;
    Some((&pair.was.destination, &pair.now.destination))
}

/// Returns the sentence on the region that lost most, with every region that meets the same.
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

/// Returns which part of a region breaks and how, in a sentence.
fn broken_sentence(comparison: &Comparison, worst: &Change, would: &str) -> Option<String> {
    let (_, now) = sides(comparison, worst)?;
    Some(format!("{} {} {would} {}", upper_first(&of_requests(now.broken_share())), whose(worst), meet(now)))
}

/// Returns the region behind the word "requests". Hosts that nobody names are left out where others are named: the sentence stays true.
fn whose(change: &Change) -> String {
    let named: Vec<String> = change.hosts.iter().filter(|host| !host.starts_with("any ")).cloned().collect();
    let hosts = if named.is_empty() { &change.hosts } else { &named };
    let words = to_region(hosts, &change.region);
    if words.chars().count() <= MAX_REGION { words } else { format!("{} (not all paths)", to_region(hosts, "host")) }
}

/// Returns what the broken requests of a destination meet.
fn meet(now: &Destination) -> &'static str {
    let Destination::Forward { servers, .. } = now else { return "get no answer" };
    let chosen = || servers.iter().filter(|server| server.share > 0.0);
    match chosen().filter(|server| server.state == ServerState::Missing).count() {
        0 => "get an error, because no server of the pool can take them",
        1 => "reach a server that does not exist",
        _ => "reach servers that do not exist",
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
    fn a_name_at_the_start_of_a_message_stays() {
        assert_eq!(sentence("requests to a go to b"), "Requests to a go to b");
        assert_eq!(sentence("shop.example.com goes to b"), "shop.example.com goes to b");
        assert_eq!(sentence("`proxy_pass` has no `;`"), "`proxy_pass` has no `;`");
    }
}

//! What an inventory says of the service on a host: its port, the path that answers its probe, how long it may take, where it stands.
//!
//! A variable counts only under a name that says what it is, and only where one value wins: two that contradict each other are no fact.

use crate::model::{Label, Service};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names of the port of a host's service, the surest first: where the first kind is there, the second does not count.
const PORT: [&[&str]; 2] = [
    &["app_port", "application_port", "service_port", "backend_port", "app_listen_port", "web_app_port", "upstream_port"],
    &["http_port", "listen_port", "port"],
];

const HEALTH: &[&str] = &[
    "health_path",
    "healthcheck_path",
    "health_check_path",
    "healthcheck_uri",
    "health_check_uri",
    "health_uri",
    "healthcheck_url",
    "health_check_url",
    "health_url",
    "healthcheck_endpoint",
    "health_check_endpoint",
    "health_endpoint",
    "probe_path",
    "readiness_path",
];

/// Names of the longest time for an answer; a bare number is seconds, as in the settings these names come from (gunicorn, uWSGI, PHP).
const ANSWER: &[&str] = &[
    "request_timeout",
    "app_timeout",
    "application_timeout",
    "gunicorn_timeout",
    "worker_timeout",
    "response_timeout",
    "uwsgi_harakiri",
    "harakiri",
    "php_max_execution_time",
    "max_execution_time",
    "request_terminate_timeout",
];

const ZONE: &[&str] = &["zone", "availability_zone", "az", "rack", "datacenter", "data_center", "datacentre", "dc", "failure_domain", "fault_domain"];

/// A variable that may say something of a service.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    key: Box<str>,
    value: Box<str>,
    label: Label,
}

impl Variable {
    /// Returns the variable, if its name is one that says something of a service and its value is no template expression.
    pub(super) fn new(key: &str, value: &str, label: &Label) -> Option<Self> {
        let lower = key.to_ascii_lowercase();
        let known = PORT.iter().any(|names| names.contains(&&*lower)) || [HEALTH, ANSWER, ZONE].iter().any(|names| names.contains(&&*lower));
        (known && !super::is_template(value)).then(|| Self {
            key: lower.into(),
            value: value.trim().into(),
            label: Label { span: label.span.clone(), text: Arc::from(format!("{key}: {}", value.trim())) },
        })
    }
}

impl Variable {
    /// Returns whether both have the same name.
    pub(super) fn is_called_as(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

/// Returns what `levels` say together: the variables of a host, then those of the groups that name it, then those of the groups above. Of each fact
/// the nearest level that speaks of it decides, as in Ansible; where that level contradicts itself, nothing is known.
pub(super) fn service(levels: &[Vec<&Variable>]) -> Service {
    let strong = fact(levels, PORT[0], port);
    let port = if said(levels, PORT[0]) { strong } else { fact(levels, PORT[1], port) };
    Service { port, health_path: fact(levels, HEALTH, path), answer_ms: fact(levels, ANSWER, milliseconds), zone: fact(levels, ZONE, word) }
}

fn said(levels: &[Vec<&Variable>], names: &[&str]) -> bool {
    levels.iter().flatten().any(|variable| names.contains(&&*variable.key))
}

fn fact<T: Ord + Clone>(levels: &[Vec<&Variable>], names: &[&str], read: fn(&str) -> Option<T>) -> Option<(T, Label)> {
    let level = levels.iter().map(|level| level.iter().filter(|variable| names.contains(&&*variable.key)).collect::<Vec<_>>());
    let nearest = level.into_iter().find(|level| !level.is_empty())?;
    let values: BTreeSet<Option<T>> = nearest.iter().map(|variable| read(&variable.value)).collect();
    let (value, variable) = (values.first()?.clone()?, nearest.first()?);
    (values.len() == 1).then(|| (value, variable.label.clone()))
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

fn path(text: &str) -> Option<Arc<str>> {
    (text.starts_with('/') && !text.contains(char::is_whitespace)).then(|| Arc::from(text))
}

fn word(text: &str) -> Option<Arc<str>> {
    (!text.is_empty()).then(|| Arc::from(text))
}

/// The longest time that a bare number is taken for seconds: a larger one is milliseconds, or something else.
const MOST_SECONDS: f64 = 7200.0;

/// Reads `45`, `45s`, `1500ms`, `2m`; nothing else, and never 0, which means "no limit" nearly everywhere.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let number: f64 = number.parse().ok()?;
    let factor = match unit.trim() {
        "" if number <= MOST_SECONDS => 1000.0,
        "s" | "sec" | "secs" | "seconds" => 1000.0,
        "ms" | "msec" | "milliseconds" => 1.0,
        "m" | "min" | "minutes" => 60_000.0,
        _ => return None,
    };
    whole(number * factor)
}

/// Returns `number` as a whole one of sane size; `None` for 0, negative and absurd ones.
pub(super) fn whole(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a billion")]
    (1.0..=1e9).contains(&number).then(|| number.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_a_unit_or_a_sane_number() {
        assert_eq!(["45s", "45", "1500ms", "2m", "0.5"].map(milliseconds), [Some(45_000), Some(45_000), Some(1500), Some(120_000), Some(500)]);
        assert_eq!(["45000", "0", "soon", "-3", "{{ t }}", ""].map(milliseconds), [None; 6]);
    }
}

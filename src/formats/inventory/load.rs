//! What is said of load: capacity plans and service level objectives in YAML, and the time limit in an application's own settings.
//!
//! Recognised by key words at the leaves (`peak_rps`, `per_server_rps`, `p99_seconds`) and by what stands above them: a path, a host, a pool's name.

use super::File;
use super::service::{milliseconds, whole};
use crate::formats::yaml::{self, Node};
use crate::model::{Label, LoadFact, LoadSubject, Quantity};
use std::sync::Arc;

/// Keys that only hold others together.
const CONTAINERS: &[&str] = &[
    "pools",
    "pool",
    "routes",
    "paths",
    "hosts",
    "services",
    "service",
    "backends",
    "upstreams",
    "clusters",
    "capacity",
    "load",
    "slo",
    "slos",
    "limits",
    "traffic",
    "objectives",
    "sites",
    "endpoints",
    "domains",
];

const EVERYTHING: &[&str] = &["all", "total", "global", "everything", "overall", "site", "edge"];

/// Returns what `file` says of load, in file order.
pub(super) fn read(file: File<'_>) -> Vec<LoadFact> {
    let mut found = Vec::new();
    for document in &yaml::parse(file.text).documents {
        collect(file, document, &LoadSubject::Everything, None, &mut found);
    }
    found
}

fn collect(file: File<'_>, node: &Node, subject: &LoadSubject, quantity: Option<Measure>, found: &mut Vec<LoadFact>) {
    for item in node.items() {
        // A list of things with names: `- name: web`, `- path: /api/`.
        let named = ["path", "route", "prefix", "host", "domain", "pool", "backend", "service", "name"].iter().find_map(|key| item.get(key)?.text());
        collect(file, item, &named.map_or_else(|| subject.clone(), subject_of), quantity, found);
    }
    let path = node.get("path").and_then(Node::text).filter(|path| path.starts_with('/') && *subject != subject_of(path));
    for (key, at, value) in node.pairs() {
        if let Some(measure) = measure(key).or_else(|| quantity.filter(|_| value.text().is_some())) {
            let subject = if quantity.is_some() && measure_name(key) { subject_of(key) } else { subject.clone() };
            if let Some(text) = value.text() {
                let label = Label { span: file.span(at.start, value.end), text: Arc::from(format!("{key}: {text}")) };
                let Some(amount) = measure.read(text) else { continue };
                let fact = |subject| LoadFact { subject, quantity: measure.quantity, amount, label: label.clone() };
                found.extend(path.map(|path| fact(LoadSubject::Path(Arc::from(path)))));
                found.push(fact(subject));
            } else {
                collect(file, value, &subject, Some(measure), found);
            }
        } else if CONTAINERS.contains(&key) {
            collect(file, value, subject, quantity, found);
        } else {
            collect(file, value, &subject_of(key), quantity, found);
        }
    }
}

/// Returns whether `key` names a subject, not a measure.
fn measure_name(key: &str) -> bool {
    measure(key).is_none()
}

fn subject_of(key: &str) -> LoadSubject {
    let host = key.contains('.') && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '*'));
    if key.starts_with('/') {
        LoadSubject::Path(Arc::from(key))
    } else if host {
        LoadSubject::Host(Arc::from(key.to_ascii_lowercase()))
    } else if EVERYTHING.contains(&key) {
        LoadSubject::Everything
    } else {
        LoadSubject::Pool(Arc::from(key))
    }
}

/// What a key says that its number is.
#[derive(Clone, Copy)]
struct Measure {
    quantity: Quantity,
    /// For times: the milliseconds of a bare number.
    unit: Option<f64>,
}

impl Measure {
    /// Returns the amount in the quantity's unit; `None` for what is no positive number.
    fn read(self, text: &str) -> Option<f64> {
        let bare = text.replace('_', "").parse::<f64>().ok();
        #[expect(clippy::cast_precision_loss, reason = "at most a billion")]
        let amount = match (self.unit, bare) {
            (Some(unit), Some(number)) => number * unit,
            (Some(_), None) => milliseconds(text)? as f64,
            (None, number) => number?,
        };
        (amount > 0.0 && whole(amount.max(1.0)).is_some()).then_some(amount)
    }
}

fn measure(key: &str) -> Option<Measure> {
    let lower = key.to_ascii_lowercase().replace('-', "_");
    let plain = |quantity| Some(Measure { quantity, unit: None });
    let time = |unit| Some(Measure { quantity: Quantity::AnswerMs, unit: Some(unit) });
    match &*lower {
        "peak_rps"
        | "rps_at_peak"
        | "rps_peak"
        | "peak_qps"
        | "qps_at_peak"
        | "peak_requests_per_second"
        | "requests_per_second_at_peak"
        | "peak_rate" => plain(Quantity::PeakRate),
        "per_server_rps"
        | "rps_per_server"
        | "server_rps"
        | "per_instance_rps"
        | "rps_per_instance"
        | "per_host_rps"
        | "rps_per_host"
        | "max_rps_per_server"
        | "per_server_qps"
        | "qps_per_server"
        | "requests_per_second_per_server" => plain(Quantity::ServerRate),
        "concurrent_requests_at_peak"
        | "peak_concurrency"
        | "peak_concurrent_requests"
        | "concurrency_at_peak"
        | "requests_in_flight_at_peak"
        | "peak_connections"
        | "connections_at_peak"
        | "concurrent_connections_at_peak" => plain(Quantity::PeakConcurrency),
        "clients_at_peak" | "peak_clients" | "users_at_peak" | "peak_users" => plain(Quantity::PeakClients),
        "p99_seconds" | "p999_seconds" | "max_seconds" | "p99_latency_seconds" | "max_latency_seconds" | "longest_answer_seconds" => time(1000.0),
        "p99_ms" | "p999_ms" | "max_ms" | "p99_latency_ms" | "max_latency_ms" | "p99_milliseconds" => time(1.0),
        _ => None,
    }
}

/// Returns the time limit of gunicorn's settings at `apps/reports/gunicorn.conf.py`: after `timeout` seconds a silent worker is killed
/// (gunicorn documentation, `timeout`). It is said of the pool that is called as the directory, if there is one.
pub(super) fn gunicorn(file: File<'_>) -> Option<LoadFact> {
    let pool = file.path.parent();
    let pool = pool.file_name();
    let mut start = 0;
    let mut found = None;
    for line in file.text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let Some((key, value)) = line.split_once('=') else { continue };
        // Indented lines are inside a condition or a call.
        if key.trim_end() != "timeout" {
            continue;
        }
        let value = value.split('#').next().unwrap_or_default().trim();
        let amount = value.parse::<u32>().ok().filter(|seconds| *seconds > 0)?;
        let label = Label { span: file.span(at, at + line.trim_end().len()), text: Arc::from(format!("timeout = {value}")) };
        found =
            Some(LoadFact { subject: LoadSubject::Pool(Arc::from(pool)), quantity: Quantity::AnswerMs, amount: f64::from(amount) * 1000.0, label });
    }
    found.filter(|_| !pool.is_empty())
}

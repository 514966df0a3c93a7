//! Numbers for `/metrics`.

use crate::github::Counters;
use crate::store::{QueueState, now_ms};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What is counted since the start.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) deliveries: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) forged: AtomicU64,
    pub(super) reviews: AtomicU64,
    pub(super) reviews_failed: AtomicU64,
    /// Deliveries that could not be written down.
    pub(super) refused: AtomicU64,
    pub(super) review_requests: Histogram,
    pub(super) deliveries_loop: Pass,
    pub(super) pulls_loop: Pass,
    pub(super) runs_loop: Pass,
    pub(super) installations_loop: Pass,
    pub(super) review_ms: AtomicU64,
    pub(super) commands: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) crashes: AtomicU64,
}

impl Metrics {
    /// Returns them in the text format of Prometheus.
    pub(super) fn text(&self, api: &Counters, queue: &QueueState) -> String {
        let oldest_ms = queue.oldest_queued_ms.map_or(0, |at| now_ms().saturating_sub(at).max(0).unsigned_abs());
        let counters = [
            ("waypost_deliveries_total", "Deliveries written down", &self.deliveries),
            ("waypost_deliveries_known_total", "Deliveries that were written down before", &self.duplicates),
            ("waypost_deliveries_forged_total", "Deliveries with a wrong signature", &self.forged),
            ("waypost_reviews_total", "Reviews published", &self.reviews),
            ("waypost_reviews_failed_total", "Checks concluded without a review", &self.reviews_failed),
            ("waypost_deliveries_refused_total", "Deliveries that could not be written down", &self.refused),
            ("waypost_review_duration_milliseconds_total", "Time from taking a review job to its last write", &self.review_ms),
            ("waypost_commands_total", "Comments with commands answered", &self.commands),
            ("waypost_job_retries_total", "Jobs put back to be tried again", &self.retries),
            ("waypost_job_crashes_total", "Jobs that ended in a crash", &self.crashes),
            ("waypost_github_requests_total", "Requests to GitHub, repetitions included", &api.requests),
            ("waypost_github_repeated_total", "Requests to GitHub sent again", &api.repeated),
            ("waypost_github_limited_total", "Requests that GitHub asked to send later", &api.limited),
        ];
        let outstanding_ms = queue.oldest_outstanding_ms.map_or(0, |at| now_ms().saturating_sub(at).max(0).unsigned_abs());
        let gauges = [
            ("waypost_deliveries_dropped", "Deliveries whose work is nowhere; anything but 0 is a defect", queue.dropped),
            ("waypost_deliveries_kept", "Deliveries kept", queue.deliveries),
            ("waypost_deliveries_oldest_outstanding_milliseconds", "Age of the oldest delivery whose work is not done", outstanding_ms),
            ("waypost_jobs_queued", "Jobs waiting", queue.queued),
            ("waypost_jobs_running", "Jobs running", queue.running),
            ("waypost_jobs_failed", "Jobs given up", queue.failed),
            ("waypost_jobs_oldest_queued_milliseconds", "Age of the job that waits longest", oldest_ms),
        ];
        let counters = counters.into_iter().map(|(name, help, value)| (name, help, "counter", value.load(Ordering::Relaxed)));
        let gauges = gauges.into_iter().map(|(name, help, value)| (name, help, "gauge", value));
        let mut text = String::new();
        for (name, help, kind, value) in counters.chain(gauges) {
            if writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}").is_err() {
                break;
            }
        }
        self.review_requests.write(&mut text, "waypost_review_github_requests", "Requests to GitHub made for one review");
        self.write_passes(&mut text);
        text
    }

    /// Notes how many requests a review took.
    pub(super) fn requests_of_review(&self, requests: u64) {
        self.review_requests.note(requests);
    }

    fn write_passes(&self, text: &mut String) {
        let passes = [
            ("deliveries", &self.deliveries_loop),
            ("pulls", &self.pulls_loop),
            ("runs", &self.runs_loop),
            ("installations", &self.installations_loop),
        ];
        let counters: [(&str, &str, Count); 3] = [
            ("waypost_reconciler_missed_total", "What no delivery told", |pass| &pass.missed),
            ("waypost_reconciler_recovered_total", "What was missed and is well again", |pass| &pass.recovered),
            ("waypost_reconciler_failures_total", "Passes that did not come to their end", |pass| &pass.failures),
        ];
        for (name, help, value) in counters {
            put(text, format_args!("# HELP {name} {help}\n# TYPE {name} counter\n"));
            for (of, pass) in passes {
                put(text, format_args!("{name}{{of=\"{of}\"}} {}\n", value(pass).load(Ordering::Relaxed)));
            }
        }
        let name = "waypost_reconciler_age_milliseconds";
        put(text, format_args!("# HELP {name} Since the last pass that came to its end; none before the first\n# TYPE {name} gauge\n"));
        for (of, pass) in passes {
            let done_ms = pass.done_ms.load(Ordering::Relaxed);
            if done_ms > 0 {
                put(text, format_args!("{name}{{of=\"{of}\"}} {}\n", now_ms().saturating_sub(done_ms).max(0)));
            }
        }
    }
}

/// How often a value was at most so much.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    at_most: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    sum: AtomicU64,
}

const BOUNDS: [u64; 8] = [2, 4, 6, 8, 12, 20, 50, 200];

impl Histogram {
    fn note(&self, value: u64) {
        for (slot, _) in self.at_most.iter().zip(BOUNDS).filter(|(_, bound)| value <= *bound) {
            slot.fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn write(&self, text: &mut String, name: &str, help: &str) {
        put(text, format_args!("# HELP {name} {help}\n# TYPE {name} histogram\n"));
        for (slot, bound) in self.at_most.iter().zip(BOUNDS) {
            put(text, format_args!("{name}_bucket{{le=\"{bound}\"}} {}\n", slot.load(Ordering::Relaxed)));
        }
        let (count, sum) = (self.count.load(Ordering::Relaxed), self.sum.load(Ordering::Relaxed));
        put(text, format_args!("{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}\n"));
    }
}

/// One number of a pass.
type Count = fn(&Pass) -> &AtomicU64;

/// What a reconciler found.
#[derive(Debug, Default)]
pub(super) struct Pass {
    missed: AtomicU64,
    recovered: AtomicU64,
    failures: AtomicU64,
    done_ms: AtomicI64,
    /// What was missed and is not well yet, and how often something was done about it.
    open: Mutex<BTreeMap<String, u32>>,
}

impl Pass {
    /// Notes that something was missed. Returns how often that was noted before.
    pub(super) fn missed(&self, what: &str) -> u32 {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.contains_key(what) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
        if open.len() > MAX_OPEN {
            open.clear();
        }
        let times = open.entry(what.to_owned()).or_default();
        *times += 1;
        *times - 1
    }

    /// Notes that something is as it should be.
    pub(super) fn well(&self, what: &str) {
        if self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(what).is_some() {
            self.recovered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that everything that was missed and is not named here is well: it does not show any more.
    pub(super) fn well_but(&self, still: &BTreeSet<String>) {
        let gone: Vec<String> =
            self.open.lock().unwrap_or_else(PoisonError::into_inner).keys().filter(|what| !still.contains(*what)).cloned().collect();
        for what in &gone {
            self.well(what);
        }
    }

    /// Notes how a pass ended.
    pub(super) fn ended(&self, good: bool) {
        if good {
            self.done_ms.store(now_ms(), Ordering::Relaxed);
        } else {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// More than this is not remembered.
const MAX_OPEN: usize = 10_000;

/// Adds to a text. Writing to a string does not fail.
fn put(text: &mut String, what: fmt::Arguments<'_>) {
    if text.write_fmt(what).is_err() {
        text.clear();
    }
}

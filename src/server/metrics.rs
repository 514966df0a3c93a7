//! Numbers for `/metrics`.

use crate::github::Counters;
use crate::store::{QueueState, now_ms};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted since the start.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) deliveries: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) forged: AtomicU64,
    pub(super) reviews: AtomicU64,
    pub(super) reviews_failed: AtomicU64,
    pub(super) review_requests: AtomicU64,
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
            ("waypost_review_github_requests_total", "Requests to GitHub made for reviews", &self.review_requests),
            ("waypost_review_duration_milliseconds_total", "Time from taking a review job to its last write", &self.review_ms),
            ("waypost_commands_total", "Comments with commands answered", &self.commands),
            ("waypost_job_retries_total", "Jobs put back to be tried again", &self.retries),
            ("waypost_job_crashes_total", "Jobs that ended in a crash", &self.crashes),
            ("waypost_github_requests_total", "Requests to GitHub, repetitions included", &api.requests),
            ("waypost_github_repeated_total", "Requests to GitHub sent again", &api.repeated),
            ("waypost_github_limited_total", "Requests that GitHub asked to send later", &api.limited),
        ];
        let gauges = [
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
        text
    }
}

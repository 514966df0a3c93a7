//! Puts a review together: places become lines, identities become fingerprints, severities become a verdict.

use super::fix;
use super::own;
use super::place::Places;
use super::settings::SETTINGS_PATH;
use super::summary::{Facts, summary};
use super::types::SCHEMA;
use super::{
    Acknowledgement, ChangeReport, FindingReport, InputReport, RequestReport, Review, RollbackReport, Timings, UnknownReport, Verdict, Waiver,
    traffic_unchanged,
};
use crate::analysis::{Change, Comparison, Destination};
use crate::model::Role;
use crate::policy::{Category, Decision, DecisionKind, Finding, Said, Severity, Side, Tree, by_name, content_of, decided};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What a review is put together from.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) base: Side<'a>,
    pub(super) head: Side<'a>,
    pub(super) comparison: &'a Comparison,
    pub(super) rollback: Option<&'a Comparison>,
    pub(super) findings: &'a [Finding],
    pub(super) decisions: &'a [Decision],
}

/// Puts a review together. The findings and the comparison's changes are in order of importance and stay so; what is waived comes last.
pub(super) fn assemble(parts: &Parts<'_>) -> Review {
    let Parts { base, head, comparison, rollback, findings, decisions } = *parts;
    let mut review = Review {
        schema: SCHEMA.to_owned(),
        verdict: Verdict::Pass,
        summary: String::new(),
        findings: finding_reports(base, head, findings, decisions),
        changes: change_reports(comparison),
        unknown: unknown_reports(head, comparison.limited),
        rollback: rollback.map(|compared| {
            let changes = change_reports(compared);
            // Where nothing could be tried, nothing is known to be restored.
            let known = compared.exact || !compared.pairs.is_empty();
            RollbackReport { restores: known && changes.is_empty(), exact: compared.exact, changes }
        }),
        dry_run: None,
        inputs: input_reports(base, head),
        exact: comparison.exact,
        inexact: if comparison.exact { Vec::new() } else { comparison.reasons.clone() },
        timings_ms: Timings::default(),
    };
    review.verdict = verdict(&review.findings);
    review.summary = summary(&Facts {
        findings: &review.findings,
        comparison,
        rollback,
        unchanged: traffic_unchanged(base, head),
        gateways: base.model.gateways.len().max(head.model.gateways.len()),
    });
    review
}

fn verdict(findings: &[FindingReport]) -> Verdict {
    let blocking = findings.iter().filter(|finding| finding.waived.is_none()).map(|finding| finding.severity).max();
    match blocking {
        Some(Severity::Error) => Verdict::Fail,
        Some(Severity::Warning) => Verdict::Warn,
        Some(Severity::Info) | None => Verdict::Pass,
    }
}

fn finding_reports(base: Side<'_>, head: Side<'_>, findings: &[Finding], decisions: &[Decision]) -> Vec<FindingReport> {
    let mut base_places = Places::new(base.snapshot);
    let mut head_places = Places::new(head.snapshot);
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let reports = findings.iter().map(|finding| {
        let place = match finding.tree {
            Tree::Head => head_places.place(&finding.span),
            Tree::Base => base_places.place(&finding.span),
        };
        let times = seen.entry((finding.rule, &finding.identity)).or_default();
        *times += 1;
        FindingReport {
            rule: finding.rule.to_owned(),
            category: by_name(finding.rule).map_or(Category::Policy, |rule| rule.category),
            severity: finding.severity,
            message: finding.message.clone(),
            help: finding.help.clone(),
            tree: finding.tree,
            path: finding.span.path.to_string(),
            start_line: place.start_line,
            end_line: place.end_line,
            start_column: place.start_column,
            end_column: place.end_column,
            fingerprint: fingerprint(finding.rule, &finding.identity, *times),
            waived: None,
            acknowledged: None,
            reopened: None,
            fix: fix::of(head, finding),
            when: finding.when.clone(),
            requests: finding.requests.iter().map(|request| RequestReport::new(request, None)).collect(),
        }
    });
    let mut reports: Vec<FindingReport> = reports.collect();
    for report in &mut reports {
        decide(report, decisions);
    }
    reports.sort_by_key(|report| report.waived.is_some());
    reports
}

/// Writes into a finding what people have decided about it.
fn decide(report: &mut FindingReport, decisions: &[Decision]) {
    let content = content_of(Said { rule: &report.rule, severity: report.severity, message: &report.message, when: report.when.as_deref() });
    if let Some((given, fits)) = decided(decisions, DecisionKind::Waiver, &report.fingerprint, &content) {
        let waiver = Some(Waiver { by: given.by.clone(), reason: given.reason.clone(), until: given.until.clone() });
        if fits {
            report.waived = waiver;
        } else {
            report.reopened = waiver;
        }
    }
    if let Some((given, true)) = decided(decisions, DecisionKind::Acknowledgement, &report.fingerprint, &content) {
        report.acknowledged = Some(Acknowledgement { by: given.by.clone(), reason: given.reason.clone() });
    }
}

/// Returns 16 hexadecimal digits made of what a finding is about. `times` tells apart findings that a rule says are the same.
fn fingerprint(rule: &str, identity: &str, times: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(rule.as_bytes());
    hash.update([0]);
    hash.update(identity.as_bytes());
    if times > 1 {
        hash.update([0]);
        hash.update(times.to_string().as_bytes());
    }
    let first = hash.finalize().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{first:016x}")
}

pub(super) fn change_reports(comparison: &Comparison) -> Vec<ChangeReport> {
    comparison.changes.iter().filter_map(|change| change_report(comparison, change)).collect()
}

/// Returns the change with its first request as witness.
fn change_report(comparison: &Comparison, change: &Change) -> Option<ChangeReport> {
    let pair = comparison.pairs.get(*change.pairs.first()?)?;
    let listener = pair.now.listener.as_deref().or(pair.was.listener.as_deref());
    Some(ChangeReport {
        request: RequestReport::new(&pair.now.request, listener),
        region: change.region.clone(),
        // What somebody answered and nobody does any more is broken, though no server is to blame for it.
        broken_share: if pair.now.destination == Destination::None { 1.0 } else { share(&pair.now.destination) },
        broken_share_was: share(&pair.was.destination),
        was: pair.was.destination.clone(),
        now: pair.now.destination.clone(),
        exact: change.exact,
    })
}

/// Returns the broken share without the traces of the arithmetic: no negative zero, nine digits.
fn share(destination: &Destination) -> f64 {
    let share = (destination.broken_share() * 1e9).round() / 1e9;
    if share > 0.0 { share } else { 0.0 }
}

fn unknown_reports(head: Side<'_>, limited: bool) -> Vec<UnknownReport> {
    let mut places = Places::new(head.snapshot);
    let unknown = head.model.unknown.iter();
    let mut reports: Vec<UnknownReport> = unknown
        .map(|unknown| UnknownReport { path: unknown.span.path.to_string(), line: places.line(&unknown.span), reason: unknown.reason.clone() })
        .collect();
    if limited && let Some(gateway) = head.model.gateways.first() {
        let reason =
            "there is more here than can be compared: the requests nearest to the change were tried, and others may go elsewhere too".to_owned();
        reports.push(UnknownReport { path: gateway.id.to_string(), line: 1, reason });
    }
    reports.sort();
    reports.dedup();
    reports
}

/// Returns what was read on either side, by path; where the role differs, head's.
fn input_reports(base: Side<'_>, head: Side<'_>) -> Vec<InputReport> {
    let both = base.model.inputs.iter().chain(&head.model.inputs);
    let mut by_path: BTreeMap<&str, InputReport> = both
        .map(|input| {
            let path = input.path.as_str();
            (path, InputReport { path: path.to_owned(), format: input.format.to_owned(), role: role_word(input.role).to_owned() })
        })
        .collect();
    if own::are_touched(base.snapshot, head.snapshot) {
        let settings = InputReport { path: SETTINGS_PATH.to_owned(), format: "waypost".to_owned(), role: role_word(Role::Policy).to_owned() };
        by_path.insert(SETTINGS_PATH, settings);
    }
    by_path.into_values().collect()
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Entry => "entry",
        Role::Included => "included",
        Role::Inventory => "inventory",
        Role::Policy => "policy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_made_of_rule_and_identity_and_nothing_else() {
        let one = fingerprint("traffic/missing-server", "web_pool 10.20.1.15:8080", 1);
        assert_eq!(one, fingerprint("traffic/missing-server", "web_pool 10.20.1.15:8080", 1));
        assert_eq!(one.len(), 16);
        assert_ne!(one, fingerprint("traffic/missing-server", "web_pool 10.20.1.15:8080", 2));
        assert_ne!(one, fingerprint("traffic/missing", "-server\0web_pool 10.20.1.15:8080", 1));
    }
}

//! `limit_req` and `limit_conn`: what a request is counted against. How many get through is a matter of rates, not of routing.
//!
//! nginx: `ngx_http_limit_req_handler`, `ngx_http_limit_conn_handler`: before any access check, requests before connections.

use super::super::Directive;
use super::Lowering;
use super::scope::Scope;
use crate::formats::source::has_hole;
use crate::model::{Action, Label, Limit, LimitKind, ProblemKind, Step, Value};
use std::sync::Arc;

/// A zone: what is counted in it.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    kind: LimitKind,
    name: Arc<str>,
    key: Value,
    most: u64,
    window_ms: u64,
    label: Label,
}

impl Lowering<'_> {
    /// Lowers `limit_req_zone KEY zone=NAME:SIZE rate=RATE` and `limit_conn_zone KEY zone=NAME:SIZE`.
    pub(super) fn lower_zone(&mut self, directive: &Directive, http: &Scope<'_>) {
        let kind = if directive.name() == "limit_req_zone" { LimitKind::Requests } else { LimitKind::Connections };
        let parameter = |name: &str| directive.args.iter().find_map(|word| word.text.strip_prefix(name));
        let Some(name) = parameter("zone=").map(|zone| zone.split(':').next().unwrap_or_default()) else { return };
        if let Some(first) = self.zones.iter().find(|zone| *zone.name == *name).map(|zone| zone.label.clone()) {
            // `ngx_http_limit_req_zone`: "is already bound to key".
            self.refused(
                ProblemKind::Syntax,
                format!("the zone `{name}` is defined twice"),
                Some(format!("give one of the two another name (the first is `{}`); nginx refuses the whole configuration until then", first.text)),
                &directive.head,
            );
            return;
        }
        // The binary form is another spelling of the same address.
        let text = directive.arg(0).unwrap_or_default().replace("$binary_remote_addr", "$remote_addr");
        let key = self.value(&text, http, &directive.head);
        let (most, window_ms) = match (kind, parameter("rate=").and_then(rate)) {
            (LimitKind::Requests, Some(rate)) => rate,
            // 1r/s (`ngx_http_limit_req_zone`).
            (LimitKind::Requests, None) => (1, 1000),
            (LimitKind::Connections, _) => (0, 0),
        };
        self.zones.push(Zone { kind, name: Arc::from(name), key, most, window_ms, label: directive.label() });
    }

    /// Returns `step` behind the limits of `scope`.
    pub(super) fn limited(&mut self, scope: &Scope<'_>, mut step: Step) -> Step {
        if !self.uses(&["limit_req", "limit_conn"]) {
            return step;
        }
        let mut actions = Vec::new();
        let settings = [
            (LimitKind::Requests, "limit_req", "limit_req_dry_run", "limit_req_status"),
            (LimitKind::Connections, "limit_conn", "limit_conn_dry_run", "limit_conn_status"),
        ];
        for (kind, name, dry_run, status) in settings {
            let lines = scope.all(name);
            if lines.is_empty() || scope.is_on(dry_run) {
                continue;
            }
            let status = scope.text(status).and_then(|text| text.parse().ok()).unwrap_or(503);
            for line in lines {
                actions.extend(self.limit(kind, line, status));
            }
        }
        step.actions.splice(0..0, actions);
        step
    }

    fn limit(&mut self, kind: LimitKind, line: &Directive, status: u16) -> Option<Action> {
        let parameter = |name: &str| line.args.iter().find_map(|word| word.text.strip_prefix(name));
        let (name, most) = match kind {
            LimitKind::Requests => (parameter("zone=")?, None),
            LimitKind::Connections => (line.arg(0)?, line.arg(1).and_then(|most| most.parse().ok())),
        };
        let Some(zone) = self.zones.iter().find(|zone| zone.kind == kind && *zone.name == *name).cloned() else {
            self.missing_zone(line, name);
            return None;
        };
        Some(Action::Limit(Arc::new(Limit {
            kind,
            key: zone.key,
            most: most.unwrap_or(zone.most),
            window_ms: zone.window_ms,
            burst: parameter("burst=").and_then(|burst| burst.parse().ok()).unwrap_or(0),
            status: Some(status),
            label: line.label(),
            defined: Some(zone.label),
        })))
    }

    /// nginx: `ngx_init_zone_pool`, "zero size shared memory zone": a zone that is used and nowhere defined is refused.
    fn missing_zone(&mut self, line: &Directive, name: &str) {
        if !self.complete || self.assumed || has_hole(name) || !self.reported.insert(format!("zone:{}:{}", line.head.path, line.head.start)) {
            return;
        }
        let define = format!("{}_zone", line.name());
        let message = format!("no `{define}` defines the zone `{name}`");
        let help =
            format!("define it in `http` with `{define} … zone={name}:10m …`, or correct the name; nginx refuses the whole configuration until then");
        self.refused(ProblemKind::DanglingReference, message, Some(help), &line.head);
    }
}

/// Reads `10r/s` or `30r/m`: how many in how many milliseconds.
fn rate(text: &str) -> Option<(u64, u64)> {
    let (number, window) = match (text.strip_suffix("r/s"), text.strip_suffix("r/m")) {
        (Some(number), _) => (number, 1000),
        (None, Some(number)) => (number, 60_000),
        (None, None) => return None,
    };
    number.parse().ok().map(|number| (number, window))
}

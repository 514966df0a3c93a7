//! A review made by hand, for the tests of what is shown: the founding outage.

use crate::analysis::{Destination, ServerShare, ServerState};
use crate::policy::{Category, Severity, Tree};
use crate::review::{
    ChangeReport, FindingReport, InputReport, RequestReport, Review, SCHEMA, StepReport, Timings, TraceReport, UnknownReport, Verdict,
};
use crate::snapshot::{Snapshot, memory};
use std::collections::BTreeMap;

const UPSTREAMS: &str = "nginx/conf.d/10-upstreams.conf";

pub(super) fn base() -> Snapshot {
    memory([(
        UPSTREAMS,
        "upstream web_pool {\n    server 10.20.1.11:8080 weight=5 max_fails=0;\n    server 10.20.1.12:8080 weight=5 max_fails=0;\n}\n",
    )])
}

pub(super) fn head() -> Snapshot {
    memory([(
        UPSTREAMS,
        "upstream web_pool {\n    server 10.20.1.11:8080 weight=3 max_fails=0;\n    server 10.20.1.15:8080 weight=17 max_fails=0;\n}\n",
    )])
}

pub(super) fn request(url: &str) -> RequestReport {
    RequestReport { method: "GET".into(), url: url.into(), headers: BTreeMap::new(), from: None, listener: Some("0.0.0.0:80".into()) }
}

pub(super) fn forward(servers: &[(&str, f64, ServerState)]) -> Destination {
    let servers: Vec<ServerShare> =
        servers.iter().map(|(address, share, state)| ServerShare { address: (*address).into(), share: *share, state: *state }).collect();
    let broken_share = servers.iter().filter(|server| server.state == ServerState::Missing).map(|server| server.share).sum();
    Destination::Forward { pool: "web_pool".into(), servers, upstream_uri: "/cart".into(), broken_share, behaviour: "retry off".into() }
}

pub(super) fn was() -> Destination {
    forward(&[("10.20.1.11:8080", 0.5, ServerState::Ok), ("10.20.1.12:8080", 0.5, ServerState::Ok)])
}

pub(super) fn now() -> Destination {
    forward(&[("10.20.1.11:8080", 0.15, ServerState::Ok), ("10.20.1.15:8080", 0.85, ServerState::Missing)])
}

pub(super) fn change(was: Destination, now: Destination) -> ChangeReport {
    ChangeReport {
        request: request("http://shop.example.com/cart"),
        region: "host shop.example.com, path not under /static/".into(),
        broken_share: now.broken_share(),
        broken_share_was: was.broken_share(),
        was,
        now,
        exact: false,
    }
}

pub(super) fn finding() -> FindingReport {
    FindingReport {
        rule: "traffic/missing-server".into(),
        category: Category::MissingServer,
        severity: Severity::Error,
        message: "85 % of requests to shop.example.com outside /static/ would go to `10.20.1.15:8080`, which no host has".into(),
        help: "`inventory/hosts.yml` speaks for these addresses; correct the address, or add the host there in this pull request".into(),
        tree: Tree::Head,
        path: UPSTREAMS.into(),
        start_line: 3,
        end_line: 3,
        start_column: 5,
        end_column: 48,
        fingerprint: "0123456789abcdef".into(),
        waived: None,
        acknowledged: None,
        reopened: None,
        fix: None,
        when: None,
        requests: vec![request("http://shop.example.com/cart")],
    }
}

/// The founding outage.
pub(super) fn outage() -> Review {
    let input = |path: &str, format: &str, role: &str| InputReport { path: path.into(), format: format.into(), role: role.into() };
    Review {
        schema: SCHEMA.into(),
        verdict: Verdict::Fail,
        summary: "85 % of requests to shop.example.com outside /static/ would reach a server that does not exist".into(),
        findings: vec![finding()],
        changes: vec![change(was(), now())],
        unknown: vec![UnknownReport {
            path: "nginx/conf.d/20-shop.conf".into(),
            line: 7,
            reason: "the answer of `content_by_lua_block` is not read".into(),
        }],
        rollback: None,
        dry_run: None,
        inputs: vec![
            input("inventory/hosts.yml", "ansible", "inventory"),
            input(UPSTREAMS, "nginx", "included"),
            input("nginx/nginx.conf", "nginx", "entry"),
        ],
        exact: false,
        inexact: vec!["$arg_a: a text is made of several unknown parts".to_owned(), "there is more here than can be followed".to_owned()],
        timings_ms: Timings { total: 12 },
    }
}

/// Nothing to say.
pub(super) fn quiet() -> Review {
    Review {
        verdict: Verdict::Pass,
        summary: "No request goes elsewhere, as far as 412 tried requests show".into(),
        findings: Vec::new(),
        changes: Vec::new(),
        unknown: Vec::new(),
        ..outage()
    }
}

pub(super) fn trace(outcome: Destination) -> TraceReport {
    let step = |path: &str, line: usize, text: &str| StepReport { path: path.into(), line, text: text.into() };
    TraceReport {
        request: request("http://shop.example.com/cart"),
        outcome,
        steps: vec![
            step("nginx/conf.d/20-shop.conf", 2, "listen 80"),
            step("nginx/conf.d/20-shop.conf", 3, "server_name shop.example.com www.shop.example.com"),
            step("nginx/conf.d/20-shop.conf", 15, "location /"),
            step(UPSTREAMS, 1, "upstream web_pool"),
        ],
        exact: true,
    }
}

//! `traffic/weight-zero`.

use crate::model::Member;
use crate::policy::arrival::{changes_of, whose, witnesses};
use crate::policy::idle::serves;
use crate::policy::passage::{Passage, passages};
use crate::policy::words::{EPSILON, percent};
use crate::policy::{Finding, RuleContext, Severity, Tree};

/// Above this part of the requests a weight of 0 is more than taking one server of two out.
const HALF: f64 = 0.5;
/// From this part on the rest gets several times what it had.
const MOST: f64 = 0.75;

rule! {
    /// ## What it checks
    ///
    /// Whether members that carried most of a pool's requests are given weight 0.
    ///
    /// ## Why it matters
    ///
    /// Weight 0 takes a member out without a word: the pool, its probes and its pages look as before, and all requests go to what is left.
    /// Weights of a canary that are turned round are the usual case.
    ///
    /// ## Example
    ///
    /// ```haproxy
    /// backend web
    ///     server web01 10.20.1.11:8080 weight 0     # was 95
    ///     server canary 10.20.1.31:8080 weight 100  # was 5
    /// ```
    ///
    /// ```text
    /// 10.20.1.11:8080 gets weight 0, and the members with weight 0 carried 95 % of requests to shop.example.com
    /// help: lower weights in steps, and watch those that get more
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Lower the weight in steps, or keep more members with a weight.
    ///
    /// It is an **error** when members with three quarters or more of the requests, or all that were left, get weight 0; a **warning** above one half; an `info` below.
    ///
    /// ## When it stays silent
    ///
    /// - The weight was 0 before, or the member did not serve.
    /// - The pool gets no requests.
    ///
    /// ## Where it has hurt
    ///
    /// - Cloudflare, 17 July 2020: one change to the weights of routes drew all backbone traffic to Atlanta.
    pub static WEIGHT_ZERO = { id: "traffic/weight-zero", category: WeightZero, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for passage in passages(cx).iter().filter(|passage| passage.was.pool.complete && passage.now.pool.complete) {
        out.extend(finding(cx, passage));
    }
}

fn finding(cx: &RuleContext<'_>, passage: &Passage<'_>) -> Option<Finding> {
    let before = passage.was.usable();
    let all: f64 = before.iter().map(|member| f64::from(member.weight)).sum();
    let now = |was: &Member| passage.now.pool.members.iter().find(|now| now.address == was.address && now.weight == 0);
    let emptied: Vec<(&Member, &Member)> = before.iter().filter_map(|was| Some((*was, now(was)?))).filter(|(was, _)| was.weight > 0).collect();
    let (_, first) = emptied.iter().max_by_key(|(was, _)| was.weight)?;
    let share = emptied.iter().map(|(was, _)| f64::from(was.weight)).sum::<f64>() / all.max(1.0);
    let serving = passage.now.pool.members.iter().any(|member| serves(passage.now.inventory, passage.now.pool, member));
    let severity = if !serving || share >= MOST - EPSILON {
        Severity::Error
    } else if share > HALF + EPSILON {
        Severity::Warning
    } else {
        Severity::Info
    };
    let name = &passage.now.pool.name;
    let whose = match changes_of(cx.comparison, &passage.pairs).as_slice() {
        [] => format!("to `{name}`"),
        changes => whose(changes, name),
    };
    Some(Finding {
        rule: WEIGHT_ZERO.id,
        severity,
        message: format!("{} gets weight 0, and the members with weight 0 carried {} of requests {whose}", first.address, percent(share)),
        help: "lower weights in steps, and watch those that get more".to_owned(),
        tree: Tree::Head,
        span: first.label.span.clone(),
        when: None,
        identity: format!("{}|{}|{name}", WEIGHT_ZERO.id, passage.gateway),
        requests: witnesses(cx.comparison, &passage.pairs),
    })
}

//! `config/dangling-reference`.

use crate::analysis::{Choice, Trace, TraceStep};
use crate::model::{Existence, Gateway, Host, Label, Model, Pool, ProblemKind};
use crate::policy::arrival::{arrivals, outcome_line, witnesses};
use crate::policy::near::slips;
use crate::policy::{Finding, RuleContext, Severity, Tree, problems};
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// ## What it checks
    ///
    /// Whether what the configuration names is there: included files, pools, named routes and the like.
    ///
    /// ## Why it matters
    ///
    /// A pool that was renamed or removed while a route still names it is taken for a host name. If nothing resolves it the proxy does not
    /// start, or answers 502; if something does, requests go to a stranger.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// upstream storefront { server 10.20.1.11:8080; }   # was: upstream web_pool
    /// server {
    ///     location / { proxy_pass http://web_pool; }
    /// }
    /// ```
    ///
    /// ```text
    /// requests go to `web_pool`, a pool that this change removes or renames
    /// help: name one of the pools there are (`storefront`), or keep `web_pool`
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Let the reference follow the rename.
    /// - Keep what is named until nothing names it.
    ///
    /// It is an **error** when the proxy would refuse the configuration, or when base had a pool of that name. A name that nothing else knows is a
    /// **warning** when it is one slip away from a pool, or when it takes a pool's place in a route.
    ///
    /// ## When it stays silent
    ///
    /// - The name may be known elsewhere: a host of the inventory, a name that some pool has as a member, a service name in a tree whose routes
    ///   name others.
    /// - Base named it in the same way.
    /// - The file that declares the pool is not read any more because an `include` names nothing: only that is told.
    /// - The name contains a variable or a template expression.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited. Of 141 defects read in the histories of public repositories, 12 named something that was not there.
    pub static DANGLING_REFERENCE = { id: "config/dangling-reference", category: DanglingReference, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    problems::report(cx, DANGLING_REFERENCE.id, ProblemKind::DanglingReference, out);
    let told = out.clone();
    let reached = pairs_by_pool(cx);
    for gateway in &cx.head.model.gateways {
        for pool in gateway.pools.iter().filter(|pool| !pool.declared) {
            let Some(dangling) = dangling_pool(cx, gateway, pool, &reached) else { continue };
            // Silent: the file that declares it is not read any more, which is the one thing to mend.
            if matches!(dangling.meant, Meant::Gone) && unread(cx, gateway, dangling.name) && told.iter().any(|one| one.severity == Severity::Error) {
                continue;
            }
            // The format may have said it already, at the same statement.
            let span = &dangling.line.span;
            if !told.iter().any(|finding| finding.span.path == span.path && finding.span.start < span.end && span.start < finding.span.end) {
                out.push(dangling.finding(cx));
            }
        }
    }
    computed(cx, out);
}

/// The facts of one finding: a name that requests are sent to and that is no pool.
struct Dangling<'a> {
    gateway: &'a Gateway,
    name: &'a str,
    line: &'a Label,
    /// The declared pool it was, or is one slip away from.
    meant: Meant<'a>,
    pairs: BTreeSet<usize>,
}

enum Meant<'a> {
    /// Base declared a pool of this name.
    Gone,
    /// This pool is one slip away.
    Like(&'a str),
    /// The same route led to this pool, and base sends no request to names that somebody else resolves.
    Instead(&'a str),
}

fn dangling_pool<'a>(cx: &RuleContext<'a>, gateway: &'a Gateway, pool: &'a Pool, reached: &Reached) -> Option<Dangling<'a>> {
    let name = bare_name(pool)?;
    // Silent: somebody knows the name.
    if known_elsewhere(cx, name) || declares(gateway, name) {
        return None;
    }
    let base = cx.base.model.gateways.iter().find(|base| base.id == gateway.id);
    // Silent: base named it in the same way.
    if base.is_some_and(|base| base.pools.iter().any(|pool| bare_name(pool) == Some(name))) {
        return None;
    }
    let pairs = reached.get(&(gateway.id.to_string(), pool.name.to_string())).cloned().unwrap_or_default();
    let line = &pool.label;
    if base.is_some_and(|base| declares(base, name)) {
        return Some(Dangling { gateway, name, line, meant: Meant::Gone, pairs });
    }
    let like = gateway.pools.iter().filter(|pool| pool.declared).map(|pool| &*pool.name).find(|declared| is_slip(name, declared));
    let meant = like.map(Meant::Like).or_else(|| base.and_then(|base| went_to(cx, base, &pairs)).map(Meant::Instead))?;
    Some(Dangling { gateway, name, line, meant, pairs })
}

/// Returns the declared pool that the same routes led to in base, of those that requests of `pairs` take. `None` where base sends any request to a bare name of another: there names
/// are resolved, and one more is nothing strange.
fn went_to<'a>(cx: &RuleContext<'a>, base: &Gateway, pairs: &BTreeSet<usize>) -> Option<&'a str> {
    if base.pools.iter().any(|pool| bare_name(pool).is_some()) {
        return None;
    }
    let pairs = pairs.iter().filter_map(|at| cx.comparison.pairs.get(*at)).filter(|pair| route(&pair.was) == route(&pair.now));
    pairs.flat_map(|pair| arrivals(cx.base.model, &pair.was)).filter_map(|arrival| arrival.pool).find(|pool| pool.declared).map(|pool| &*pool.name)
}

/// Returns how the last route of a trace is written.
fn route(trace: &Trace) -> Option<&str> {
    let taken = |step: &&TraceStep| matches!(step.choice, Choice::Route(..) | Choice::Otherwise(_));
    trace.steps.iter().rev().find(taken).map(|step| &*step.label.text)
}

/// Names that are put together at request time and that base had as a pool.
fn computed(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for (at, pair) in cx.comparison.pairs.iter().enumerate() {
        for arrival in arrivals(cx.head.model, &pair.now).iter().filter(|arrival| arrival.pool.is_none()) {
            let Some((gateway, line)) = arrival.gateway.zip(outcome_line(&pair.now)) else { continue };
            let name = arrival.name.split(':').next().unwrap_or(arrival.name);
            let base = cx.base.model.gateways.iter().find(|base| base.id == gateway.id);
            let was_pool = arrivals(cx.base.model, &pair.was).iter().any(|was| was.pool.is_some_and(|pool| *pool.name == *name));
            // Silent: the pool is still there, and the name was put together with a port, which makes it another.
            if was_pool && base.is_some_and(|base| declares(base, name)) && !declares(gateway, name) && !known_elsewhere(cx, name) {
                out.push(Dangling { gateway, name, line, meant: Meant::Gone, pairs: BTreeSet::from([at]) }.finding(cx));
            }
        }
    }
}

/// Returns the name of a pool that is only a name: no address, no domain, no port of its own.
fn bare_name(pool: &Pool) -> Option<&str> {
    match pool.members.as_slice() {
        [member] if !pool.declared => match &member.address.host {
            Host::Name(name) if !name.contains('.') && matches!(member.address.port, None | Some(80 | 443)) => Some(name),
            Host::Name(_) | Host::Ip(_) | Host::Unix(_) | Host::Hole(_) => None,
        },
        _ => None,
    }
}

/// Returns whether the file that declared the pool on base is as it was, or is not read at all: then its `include` is what to mend.
fn unread(cx: &RuleContext<'_>, gateway: &Gateway, name: &str) -> bool {
    let base = cx.base.model.gateways.iter().find(|base| base.id == gateway.id);
    let pool = base.and_then(|base| base.pools.iter().find(|pool| pool.declared && pool.name.eq_ignore_ascii_case(name)));
    pool.map(|pool| &pool.label.span.path).is_some_and(|path| {
        cx.head.snapshot.text(path) == cx.base.snapshot.text(path) || !cx.head.model.inputs.iter().any(|input| input.path == *path)
    })
}

fn declares(gateway: &Gateway, name: &str) -> bool {
    gateway.pools.iter().any(|pool| pool.declared && pool.name.eq_ignore_ascii_case(name))
}

/// Returns whether an inventory has `name`, or a declared pool of either side has it as a member: then somebody resolves it.
fn known_elsewhere(cx: &RuleContext<'_>, name: &str) -> bool {
    let host = Host::Name(name.to_ascii_lowercase().into());
    let member = |model: &Model| {
        let declared = model.gateways.iter().flat_map(|gateway| &gateway.pools).filter(|pool| pool.declared);
        declared.flat_map(|pool| &pool.members).any(|member| member.address.host == host)
    };
    matches!(cx.head.model.inventory.existence(&host), Existence::Known(_)) || member(cx.base.model) || member(cx.head.model)
}

/// Returns whether `name` looks like a slip for `declared`. Short names are near each other by chance, and numbers tell siblings apart.
fn is_slip(name: &str, declared: &str) -> bool {
    let allowed = match name.chars().count() {
        0..=4 => 0,
        5..=7 => 1,
        _ => 2,
    };
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let distance = slips(name, &declared.to_ascii_lowercase());
    distance > 0 && distance <= allowed && letters(name) != letters(&declared.to_ascii_lowercase())
}

/// The pairs that end in a pool after the change, by the gateway's id and the pool's name.
type Reached = BTreeMap<(String, String), BTreeSet<usize>>;

fn pairs_by_pool(cx: &RuleContext<'_>) -> Reached {
    let mut reached = Reached::new();
    for (at, pair) in cx.comparison.pairs.iter().enumerate() {
        for arrival in arrivals(cx.head.model, &pair.now) {
            let (gateway, pool) = arrival.key();
            reached.entry((gateway.to_owned(), pool.to_owned())).or_default().insert(at);
        }
    }
    reached
}

impl Dangling<'_> {
    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let name = self.name;
        let pools: Vec<String> = self.gateway.pools.iter().filter(|pool| pool.declared).map(|pool| format!("`{}`", pool.name)).collect();
        let (severity, message, help) = match self.meant {
            Meant::Gone if pools.is_empty() => {
                (Severity::Error, format!("requests go to `{name}`, a pool that this change removes"), format!("keep `{name}`, or write an address"))
            }
            Meant::Gone => (
                Severity::Error,
                format!("requests go to `{name}`, a pool that this change removes or renames"),
                format!("name one of the pools there are ({}), or keep `{name}`", crate::policy::words::list(&pools)),
            ),
            Meant::Instead(pool) => (
                Severity::Warning,
                format!("requests go to `{name}`, which is no pool here and in no inventory; they went to the pool `{pool}`"),
                format!("declare a pool `{name}`, or write the port of a host that is called so, which says that no pool is meant"),
            ),
            Meant::Like(like) => (
                Severity::Warning,
                format!("requests go to `{name}`, which is no pool here and in no inventory; there is a pool `{like}`"),
                format!("write `{like}` if that is meant; a host called `{name}` needs nothing"),
            ),
        };
        Finding {
            rule: DANGLING_REFERENCE.id,
            severity,
            message,
            help,
            tree: Tree::Head,
            span: self.line.span.clone(),
            when: None,
            identity: format!("{}|{}|{name}", DANGLING_REFERENCE.id, self.gateway.id),
            requests: witnesses(cx.comparison, &self.pairs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Alternative, Destination};
    use crate::policy::scene::{self, compare_urls, say};
    use crate::policy::{Shared, Side};
    use crate::snapshot::memory;

    const URL: [&str; 1] = ["http://a.example/"];

    #[test]
    fn a_pool_renamed_without_its_references_is_an_error() {
        let base = "pool web_pool: 10.0.0.1:80\nhost a.example\n/ -> web_pool";
        let head = "pool storefront: 10.0.0.1:80\nhost a.example\n/ -> web_pool";
        insta::assert_debug_snapshot!(say(base, head, &URL), @r#"
        [
            "error config/dangling-reference: requests go to `web_pool`, a pool that this change removes or renames @ to web_pool",
        ]
        "#);
    }

    #[test]
    fn a_slip_is_a_warning_and_a_service_name_is_none() {
        let base = "pool web_pool: 10.0.0.1:80\nhost a.example\n/ -> web_pool";
        insta::assert_debug_snapshot!(say(base, &base.replace("-> web_pool", "-> web_pol"), &URL), @r#"
        [
            "warning config/dangling-reference: requests go to `web_pol`, which is no pool here and in no inventory; there is a pool `web_pool` @ to web_pol",
        ]
        "#);
        let named = "pool web_pool: 10.0.0.1:80\nhost a.example\n/api -> grafana\n/ -> web_pool";
        assert!(say(named, &named.replace("-> web_pool", "-> checkout"), &URL).is_empty());
    }

    #[test]
    fn a_name_in_place_of_a_pool_is_a_warning_however_short() {
        let base = "pool vip: 10.0.0.1:80\nhost a.example\n/ -> vip";
        insta::assert_debug_snapshot!(say(base, &base.replace("-> vip", "-> vipp"), &URL), @r#"
        [
            "warning config/dangling-reference: requests go to `vipp`, which is no pool here and in no inventory; they went to the pool `vip` @ to vipp",
        ]
        "#);
    }

    #[test]
    fn a_name_that_was_a_member_is_resolved_by_somebody() {
        let base = "pool app: app:80\nhost a.example\n/ -> app";
        assert!(say(base, "host a.example\n/ -> app", &URL).is_empty());
    }

    #[test]
    fn short_names_and_siblings_are_no_slips() {
        assert!(is_slip("web_pol", "web_pool") && is_slip("strorefront", "storefront"));
        assert!(!is_slip("api", "app") && !is_slip("backend1", "backend2") && !is_slip("web_pool", "web_pool"));
    }

    #[test]
    fn a_name_with_a_port_is_not_the_pool_that_is_still_there() {
        let model = scene::model("pool web: 10.0.0.1:80\nhost a.example\n/ -> web");
        let mut comparison = compare_urls(&model, &model, &URL);
        let to_pool = comparison.pairs[0].now.destination.clone();
        let mut computed_name = to_pool.clone();
        if let Destination::Forward { pool, .. } = &mut computed_name {
            *pool = "web:8080".to_owned();
        }
        let either = [("one", to_pool), ("other", computed_name)];
        let alternatives = either.map(|(when, outcome)| Alternative { when: when.to_owned(), outcome: Box::new(outcome) }).into();
        comparison.pairs[0].was.destination = Destination::Opaque { reason: "a file".to_owned(), alternatives };
        comparison.pairs[0].now = comparison.pairs[0].was.clone();
        let tree = memory([("web.conf", "")]);
        let side = Side { snapshot: &tree, model: &model };
        let mut out = Vec::new();
        let (known_good, rollback) = (None, None);
        computed(
            &RuleContext { base: side, head: side, known_good, rollback, comparison: &comparison, title: "", body: "", shared: Shared::default() },
            &mut out,
        );
        assert!(out.is_empty(), "{out:?}");
    }
}

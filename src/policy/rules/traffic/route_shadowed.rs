//! `traffic/route-shadowed`.

use crate::analysis::{Choice, Pair, Shadow, Trace, shadows};
use crate::model::{Gateway, Model, TableKind};
use crate::policy::{Finding, RuleContext, Severity, Tree};

rule! {
    /// ## What it checks
    ///
    /// Whether a route can never be taken because earlier ones take every request that it asks for, since this change. Prefixes, regular expressions and
    /// exceptions are worked out for all requests at once.
    ///
    /// ## Why it matters
    ///
    /// The route stands in the file and looks as if it worked. A proxy that takes rules in order says nothing: in HAProxy
    /// `path_beg /api` before `path_beg /api/v2` leaves the second one without a request.
    ///
    /// ## Example
    ///
    /// ```haproxy
    /// frontend www
    ///     use_backend api if { path_beg /api }
    ///     use_backend api_v2 if { path_beg /api/v2 }   # new
    /// ```
    ///
    /// ```text
    /// `use_backend api_v2 if { path_beg /api/v2 }` is never taken: `use_backend api if { path_beg /api }` comes first and takes all of its requests
    /// help: put the narrower one first
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Put the narrower route first, or narrow the earlier one.
    ///
    /// It is an **error** when the route got requests until now, a **warning** when it is new.
    ///
    /// ## When it stays silent
    ///
    /// - It was hidden before, or both do the same with a request.
    /// - That the earlier ones take everything cannot be shown from the conditions themselves (back-references, variables), or they are too many.
    /// - The earlier one passes requests on to the next, or one of several that take the requests does the same with them.
    /// - The route of a virtual host loses requests that it had: `traffic/route-hijack` says that, on the line that takes them.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited. Of 141 defects read in the histories of public repositories, 11 were a prefix or regular expression that
    /// matched too much or never.
    pub static ROUTE_SHADOWED = { id: "traffic/route-shadowed", category: RouteShadowed, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    for gateway in &cx.head.model.gateways {
        // Silent: a new gateway, nothing got worse.
        let Some(base) = cx.base.model.gateways.iter().find(|base| base.id == gateway.id) else { continue };
        for shadow in shadows(base, gateway) {
            let hidden = shadow.hidden;
            let took: Vec<&Pair> = cx.comparison.pairs.iter().filter(|pair| takes(cx.base.model, &pair.was, &hidden.text)).collect();
            // Silent: another rule says it on the line that takes the requests.
            if took.iter().any(|pair| pair.was.virtual_host_in(cx.base.model).is_some() && !pair.was.destination.same(&pair.now.destination)) {
                continue;
            }
            let requests: Vec<_> = took.iter().map(|pair| pair.now.request.clone()).take(5).collect();
            let severity = if was_there(base, &hidden.text) && !requests.is_empty() { Severity::Error } else { Severity::Warning };
            out.push(Finding {
                rule: ROUTE_SHADOWED.id,
                severity,
                message: message(&shadow),
                help: "put the narrower one first".to_owned(),
                tree: Tree::Head,
                span: hidden.span.clone(),
                when: None,
                identity: format!("{}|{}|{}", ROUTE_SHADOWED.id, gateway.id, hidden.text),
                requests,
            });
        }
    }
}

fn message(Shadow { hidden, by }: &Shadow<'_>) -> String {
    let names: Vec<String> = by.iter().map(|label| format!("`{}`", label.text)).collect();
    match names.as_slice() {
        [first, second] => format!("`{}` is never taken: {first} and {second} come first and take all of its requests", hidden.text),
        [first, others @ ..] if others.len() > 1 => {
            format!("`{}` is never taken: {first} and {} others come first and take all of its requests", hidden.text, others.len())
        }
        only => format!("`{}` is never taken: {} comes first and takes all of its requests", hidden.text, only.concat()),
    }
}

fn takes(model: &Model, trace: &Trace, text: &str) -> bool {
    trace.gateway_in(model).is_some() && trace.steps.iter().any(|step| matches!(step.choice, Choice::Route(..)) && *step.label.text == *text)
}

fn was_there(base: &Gateway, text: &str) -> bool {
    let routes = base.tables.iter().filter(|table| table.kind == TableKind::Routes).flat_map(|table| &table.routes);
    routes.filter_map(|route| route.label.as_ref()).any(|label| *label.text == *text)
}

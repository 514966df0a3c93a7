//! `traffic/missing-server`.

use crate::analysis::ServerState;
use crate::model::{Claim, Ejection, Existence, Gateway, Host, InventoryHost, Label, Member, MemberState, Pool, Range};
use crate::policy::arrival::{Arrival, arrivals, changes_of, fallbacks, whose, witnesses};
use crate::policy::words::{self, EPSILON};
use crate::policy::{Finding, RuleContext, Severity, Tree, near};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

rule! {
    /// ## What it checks
    ///
    /// Whether every server that requests can reach exists. A server is missing only where an inventory speaks for its address (an Ansible
    /// inventory for its networks, a zone file for its zone) and does not have it.
    ///
    /// ## Why it matters
    ///
    /// The proxy accepts any address. Requests sent to one that nobody has wait for the connect timeout and end in 502 or 504, and the share
    /// of users who see that is the share of the weight. `nginx -t` and linters pass it, because they do not know which hosts exist.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// upstream web_pool {
    ///     server 10.20.1.11:8080 weight=3 max_fails=0;
    ///     server 10.20.1.15:8080 weight=17 max_fails=0;
    /// }
    /// ```
    ///
    /// ```text
    /// 85 % of requests to shop.example.com outside /static/ would go to 10.20.1.15:8080, which no host has
    /// help: inventory/hosts.yml speaks for this address and has .11 to .14 there; correct the address, or add the host there in this pull request
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Correct the address: it is mostly a slip, or one from before a move.
    /// - Add the host to the inventory in the same pull request, when it is new.
    /// - Take the line out, or mark the member `down` until the host is there.
    ///
    /// It is an **error** when users would get errors and the change added the server, gave it another share, took its host out of the
    /// inventory, or took away the retries that hid it; a rollback that leaves it is such a change. It is a **warning** when retries or
    /// ejection keep most users from errors, when a backup does not exist, and when the inventory is what is new. A missing server that was there
    /// before and gets the same requests as before is **info**, so that nobody is blocked by what somebody else did.
    ///
    /// ## When it stays silent
    ///
    /// - No inventory speaks for the address: the server is unknown, not missing.
    /// - The address is a template expression, a variable or a socket path.
    /// - No request was found that reaches the pool.
    ///
    /// ## Where it has hurt
    ///
    /// - A write-up called *A Load Balancer Misconfiguration Postmortem* (keglododzi blog, 2024): incorrect addresses in the pool.
    /// - Heroku incident 1091 (2017): traffic was routed to containers that had been stopped.
    pub static MISSING_SERVER = { id: "traffic/missing-server", category: MissingServer, severity: Error, check: check }
}

/// The facts of one finding: a server that is not there, in one pool.
struct Missing<'a> {
    address: String,
    line: &'a Label,
    claim: &'a Claim,
    state: MemberState,
    /// Its pool takes over only when another one fails.
    fallback: bool,
    /// Its share where that is highest, and the fraction of those requests that gets an error.
    share: f64,
    broken: f64,
    /// What keeps users from errors, where something does.
    cushion: Cushion,
    /// The inventory had it on base: its host there.
    removed: Option<&'a InventoryHost>,
    /// What the change did to it.
    cause: Cause,
    gateway: &'a str,
    pool: &'a str,
    /// The requests that reach the pool, as indexes of pairs.
    pairs: BTreeSet<usize>,
}

/// What stands between a missing server and its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cushion {
    /// The next server is tried.
    Retry,
    /// It is passed over for a while after some failures, which users see.
    Ejection(Ejection),
    /// What takes over on errors.
    Fallback,
}

/// What a change did to a missing server, from harmless to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// Nothing: it was missing before and gets what it got.
    Before,
    /// The inventory is what is new, or requests that nobody served now go to a pool that was like this before.
    Beside,
    /// It gets requests it did not get, or more of them end in errors.
    Change,
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<(&str, &str, String), Missing<'_>> = BTreeMap::new();
    for (at, pair) in cx.comparison.pairs.iter().enumerate() {
        let now = arrivals(cx.head.model, &pair.now);
        for (gateway, pool) in fallbacks(cx.head.model, &pair.now) {
            for missing in standing_by(cx, gateway, pool) {
                found.entry((missing.gateway, missing.pool, missing.address.clone())).or_insert(missing).pairs.insert(at);
            }
        }
        let was = arrivals(cx.base.model, &pair.was);
        for arrival in &now {
            for (address, host, state, share) in servers(arrival) {
                // Silent: somebody has it, or nobody speaks for it.
                let Existence::Missing(claim) = cx.head.model.inventory.existence(&host) else { continue };
                let Some(line) = arrival.line_of(&address, &host) else { continue };
                let before = cx.base.model.inventory.existence(&host);
                let cause = cause(cx, arrival, &was, (&address, &before));
                let (gateway, pool) = arrival.key();
                let missing = found.entry((gateway, pool, address.clone())).or_insert_with(|| Missing {
                    address,
                    line,
                    claim,
                    state,
                    fallback: false,
                    share: 0.0,
                    broken: 0.0,
                    cushion: cushion(arrival, line),
                    removed: if let Existence::Known(host) = before { Some(host) } else { None },
                    cause,
                    gateway,
                    pool,
                    pairs: BTreeSet::new(),
                });
                missing.add(at, cause, share, arrival.broken_share);
            }
        }
    }
    let mut places = BTreeSet::new();
    for missing in found.values() {
        // One line read into several gateways is one cause.
        if places.insert((&missing.line.span, &missing.address)) {
            out.push(missing.finding(cx));
        }
    }
}

/// Returns the missing members of a pool that takes over when another one fails.
fn standing_by<'a>(cx: &RuleContext<'a>, gateway: &'a Gateway, pool: &'a Pool) -> Vec<Missing<'a>> {
    let one = |member: &'a Member| {
        let host = &member.address.host;
        let Existence::Missing(claim) = cx.head.model.inventory.existence(host) else { return None };
        let had = cx.base.model.gateways.iter().flat_map(|gateway| &gateway.pools).filter(|base| base.name == pool.name);
        let had = had.flat_map(|base| &base.members).any(|before| before.address == member.address);
        let before = cx.base.model.inventory.existence(host);
        let cause = match (had, &before) {
            (true, Existence::Missing(_)) => Cause::Before,
            (true, Existence::Unknown) => Cause::Beside,
            (true, Existence::Known(_)) | (false, _) => Cause::Change,
        };
        Some(Missing {
            address: member.address.to_string(),
            line: &member.label,
            claim,
            state: member.state,
            fallback: true,
            share: 0.0,
            broken: 0.0,
            cushion: Cushion::Fallback,
            removed: if let Existence::Known(host) = before { Some(host) } else { None },
            cause,
            gateway: &gateway.id,
            pool: &pool.name,
            pairs: BTreeSet::new(),
        })
    };
    pool.members.iter().filter_map(one).collect()
}

/// Returns what helps the requests of `arrival` when the member at `line` does not answer.
fn cushion(arrival: &Arrival<'_>, line: &Label) -> Cushion {
    let others = arrival.servers.iter().any(|server| matches!(server.state, ServerState::Ok | ServerState::Unknown));
    let member = arrival.pool.iter().flat_map(|pool| &pool.members).find(|member| member.label.span == line.span);
    match member.and_then(|member| member.ejection) {
        _ if !others => Cushion::Fallback,
        _ if arrival.retried => Cushion::Retry,
        Some(ejection) => Cushion::Ejection(ejection),
        None => Cushion::Fallback,
    }
}

/// Returns the servers of an arrival with their shares, those the configuration lists or the one it computes; each address once.
fn servers(arrival: &Arrival<'_>) -> Vec<(String, Host, MemberState, f64)> {
    let mut found: Vec<(String, Host, MemberState, f64)> = Vec::new();
    let mut places = BTreeMap::new();
    for (member, share) in arrival.members() {
        let address = member.address.to_string();
        if let Some((_, _, state, sum)) = places.get(&member.address).and_then(|at: &usize| found.get_mut(*at)) {
            *state = (*state).min(member.state);
            *sum += share;
        } else {
            places.insert(member.address.clone(), found.len());
            found.push((address, member.address.host.clone(), member.state, share));
        }
    }
    if arrival.pool.is_none() {
        found.extend(
            arrival
                .servers
                .iter()
                .filter_map(|server| Some((server.address.clone(), computed_host(&server.address)?, MemberState::Active, server.share))),
        );
    }
    found
}

/// Returns the host of an address that is computed at request time.
fn computed_host(address: &str) -> Option<Host> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Some(Host::Ip(ip));
    }
    (!bare.is_empty() && !bare.contains('/')).then(|| Host::Name(bare.trim_end_matches('.').to_ascii_lowercase().into()))
}

/// Returns what the change did for requests that went to `was` and now go to `now`, where `address` is missing.
fn cause(cx: &RuleContext<'_>, now: &Arrival<'_>, was: &[Arrival<'_>], (address, before): (&str, &Existence<'_>)) -> Cause {
    let same = was.iter().find(|was| was.when == now.when && was.same_shares(now));
    match (same, before) {
        (Some(_), Existence::Unknown) => Cause::Beside,
        (Some(was), Existence::Missing(_)) if now.broken_share > was.broken_share + EPSILON => Cause::Change,
        (Some(_), Existence::Missing(_)) => Cause::Before,
        // Requests of a new route to a pool that was like this before: the pool's defect is old, and nobody was served here.
        (None, Existence::Missing(_)) if was.is_empty() && base_pool_has(cx, now, address) => Cause::Beside,
        (Some(_), Existence::Known(_)) | (None, _) => Cause::Change,
    }
}

/// Returns whether the pool of `now` had `address` on base, among the same members.
fn base_pool_has(cx: &RuleContext<'_>, now: &Arrival<'_>, address: &str) -> bool {
    let Some(pool) = now.pool else { return false };
    let members = |pool: &Pool| -> Vec<(String, u32, MemberState)> {
        pool.members.iter().map(|member| (member.address.to_string(), member.weight, member.state)).collect()
    };
    let mut bases = cx.base.model.gateways.iter().flat_map(|gateway| &gateway.pools);
    bases.any(|base| base.name == pool.name && members(base) == members(pool) && members(base).iter().any(|(known, ..)| known == address))
}

impl Missing<'_> {
    /// Adds the request of pair `at`, of which `share` goes to the server and `broken` gets an error.
    fn add(&mut self, at: usize, cause: Cause, share: f64, broken: f64) {
        self.fallback = false;
        if cause > self.cause {
            // What a worse request shows is what the finding says.
            (self.cause, self.share, self.broken) = (cause, 0.0, 0.0);
            self.pairs.clear();
        }
        if cause == self.cause {
            self.share = self.share.max(share);
            self.broken = self.broken.max(broken);
            self.pairs.insert(at);
        }
    }

    fn severity(&self) -> Severity {
        let gets_requests = self.share > EPSILON;
        let hurts = gets_requests && self.broken > EPSILON;
        match (self.cause, self.state) {
            (Cause::Change, _) if hurts => Severity::Error,
            (Cause::Beside, _) if hurts => Severity::Warning,
            (Cause::Change, _) if gets_requests => Severity::Warning,
            (Cause::Change, MemberState::Backup) => Severity::Warning,
            (Cause::Change, MemberState::Active) if self.fallback => Severity::Warning,
            (Cause::Before | Cause::Beside | Cause::Change, _) => Severity::Info,
        }
    }

    fn finding(&self, cx: &RuleContext<'_>) -> Finding {
        let identity = format!("traffic/missing-server|{}|{}|{}", self.gateway, self.pool, self.address);
        Finding {
            rule: MISSING_SERVER.id,
            severity: self.severity(),
            message: self.message(cx),
            help: self.help(cx),
            tree: Tree::Head,
            span: self.line.span.clone(),
            when: None,
            identity,
            requests: witnesses(cx.comparison, &self.pairs),
        }
    }

    fn message(&self, cx: &RuleContext<'_>) -> String {
        let address = &self.address;
        let who = if self.removed.is_some() { "which leaves the inventory with this change" } else { "which no host has" };
        if self.share <= EPSILON {
            let role = match self.state {
                MemberState::Active | MemberState::Backup if self.fallback => "gets requests only when another pool fails",
                MemberState::Active | MemberState::Backup => "gets requests only when others fail",
                MemberState::Down => "is marked down",
                MemberState::Drained => "is drained",
            };
            return format!("`{}` lists {address}, {who}; it {role}", self.pool);
        }
        let requests = format!("{} {}", words::of_requests(self.share), whose(&changes_of(cx.comparison, &self.pairs), self.pool));
        let hidden = self.hidden();
        match self.cause {
            Cause::Before => format!("{requests} go to {address}, {who}{hidden}; it was like this before the change"),
            Cause::Beside | Cause::Change => format!("{requests} would go to {address}, {who}{hidden}"),
        }
    }

    /// Returns why its requests do not all end in errors, as the end of a sentence; empty where they do.
    fn hidden(&self) -> String {
        match self.cushion {
            _ if self.broken > EPSILON => String::new(),
            Cushion::Retry => "; the next server is tried, so users wait instead of getting errors".to_owned(),
            Cushion::Ejection(Ejection { failures, window_ms }) => format!(
                "; no other server is tried, so users get errors until it is passed over (after {}), and again every {}",
                words::count(usize::try_from(failures).unwrap_or(usize::MAX), "failure"),
                words::duration(window_ms)
            ),
            Cushion::Fallback => "; what takes over on errors answers, after the failed try".to_owned(),
        }
    }

    fn help(&self, cx: &RuleContext<'_>) -> String {
        let source = &self.claim.label.span.path;
        if let Some(host) = self.removed {
            return format!("take {} out of `{}` as well, or keep `{}` in {}", self.address, self.pool, host.name, host.label.span.path);
        }
        let host = computed_host(&self.address);
        if let Some(like) = host.as_ref().and_then(|host| near::host_like(cx, host)) {
            return format!("{source} speaks for this address and has `{}` at {}; correct the address if that is meant", like.0.name, like.1);
        }
        let known = match (&self.claim.range, host) {
            (Range::Network(_), Some(Host::Ip(ip))) => near::neighbours(&cx.head.model.inventory, ip),
            _ => None,
        };
        let has = known.map_or_else(|| "does not have it".to_owned(), |known| format!("has {known} there"));
        format!("{source} speaks for this address and {has}; correct the address, or add the host there in this pull request")
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::scene::say;

    const FOUR: &str = "inventory 10.20.1.0/24: 10.20.1.11, 10.20.1.12, 10.20.1.13, 10.20.1.14
        host shop.example.com
        / -> web";

    fn with(pool: &str) -> String {
        format!("pool web: {pool}\n{FOUR}")
    }

    #[test]
    fn weight_on_a_server_that_no_host_has_is_an_error_on_its_line() {
        let base = with("10.20.1.11:8080, 10.20.1.12:8080, 10.20.1.13:8080");
        let head = with("10.20.1.11:8080, 10.20.1.12:8080, 10.20.1.25:8080 weight=2");
        insta::assert_debug_snapshot!(say(&base, &head, &["http://shop.example.com/cart"]), @r#"
        [
            "error traffic/missing-server: 50 % of requests to shop.example.com would go to 10.20.1.25:8080, which no host has @ web: server 10.20.1.25:8080 weight=2",
        ]
        "#);
    }

    #[test]
    fn what_retries_hide_is_a_warning() {
        let base = with("10.20.1.11:8080, 10.20.1.12:8080\nretry");
        let head = with("10.20.1.11:8080, 10.20.1.25:8080\nretry");
        insta::assert_debug_snapshot!(say(&base, &head, &["http://shop.example.com/cart"]), @r#"
        [
            "warning traffic/missing-server: 50 % of requests to shop.example.com would go to 10.20.1.25:8080, which no host has; the next server is tried, so users wait instead of getting errors @ web: server 10.20.1.25:8080",
        ]
        "#);
    }

    #[test]
    fn what_was_missing_before_blocks_nobody() {
        let base = with("10.20.1.11:8080, 10.20.1.25:8080");
        assert!(say(&base, &base.replace("web", "renamed"), &["http://shop.example.com/"]).is_empty());
        let other = format!("{base}\n/new/ -> 204");
        assert!(say(&base, &other, &["http://shop.example.com/", "http://shop.example.com/new/"]).is_empty());
    }

    #[test]
    fn a_host_that_leaves_the_inventory_takes_its_server_along() {
        let base = with("10.20.1.11:8080, 10.20.1.14:8080");
        insta::assert_debug_snapshot!(say(&base, &base.replace(", 10.20.1.14\n", "\n"), &["http://shop.example.com/"]), @r#"
        [
            "error traffic/missing-server: 50 % of requests to shop.example.com would go to 10.20.1.14:8080, which leaves the inventory with this change @ web: server 10.20.1.14:8080",
        ]
        "#);
    }

    #[test]
    fn nobody_speaks_for_other_networks() {
        let base = with("10.20.1.11:8080, 10.20.1.12:8080");
        assert!(say(&base, &with("10.20.1.11:8080, 192.0.2.1:8080"), &["http://shop.example.com/"]).is_empty());
    }

    #[test]
    fn a_missing_backup_is_a_warning_and_a_missing_server_that_is_down_is_none() {
        let base = with("10.20.1.11:8080, 10.20.1.12:8080");
        insta::assert_debug_snapshot!(say(&base, &with("10.20.1.11:8080, 10.20.1.12:8080, 10.20.1.77:8080 backup"), &["http://shop.example.com/"]), @r#"
        [
            "warning traffic/missing-server: `web` lists 10.20.1.77:8080, which no host has; it gets requests only when others fail @ web: server 10.20.1.77:8080 backup",
        ]
        "#);
        assert!(say(&base, &with("10.20.1.11:8080, 10.20.1.12:8080, 10.20.1.77:8080 down"), &["http://shop.example.com/"]).is_empty());
    }
}

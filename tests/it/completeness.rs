//! No changed request outside the reported changes: random small changes, and every request over a small alphabet sent through the evaluator.
//!
//! From text to review and back: what the comparison works out for sets of requests is held against the evaluator that walks them one by one.
//! `WAYPOST_COMPLETENESS=5000 cargo test completeness` tries so many changes of each format.

use crate::fuzz::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use waypost::analysis::{Comparison, Destination, compare, trace};
use waypost::formats;
use waypost::model::{Model, Name, Request};
use waypost::snapshot::memory;

/// What paths are made of, up to [`LONGEST`] of them behind the first slash.
const LETTERS: &[&str] = &["a", "b", "/", ".x"];
const LONGEST: usize = 4;
const HOSTS: &[&str] = &["a.test", "b.test", "c.test"];
const METHODS: &[&str] = &["GET", "POST"];
/// Behind shorter paths, up to [`SHORT`] letters: header `x` (a blank is an empty one), query, and client.
const HEADERS: &[&str] = &["", " ", "a", "bb"];
const QUERIES: &[&str] = &["", "?k=a", "?k=b&l=/a"];
const CLIENTS: &[&str] = &["10.0.0.1", "192.0.2.1"];
const SHORT: usize = 2;

const NGINX_PLACES: &[&str] = &[
    "/",
    "/a",
    "/a/",
    "/ab",
    "/b/",
    "/a/b",
    "= /a",
    "= /a/b",
    "= /",
    "^~ /a/",
    "^~ /b",
    "~ \\.x$",
    "~ ^/a",
    "~* ^/(a|b)/",
    "~ ^/[^/]+/b$",
    "~ b$",
    "~ a.*b",
    "~ ^/(?!a)",
    "~ ^/a(b|/)*$",
];
const NGINX_BODIES: &[&str] = &[
    "proxy_pass http://p;",
    "proxy_pass http://q;",
    "proxy_pass http://q/;",
    "return 204;",
    "return 403;",
    "return 301 /b/;",
    "rewrite ^/a(.*)$ /b$1 last;",
    "if ($request_method = POST) { return 405; } proxy_pass http://p;",
    "rewrite ^/(.*)/b$ /$1 break; proxy_pass http://p;",
    "internal; proxy_pass http://q;",
    "deny all; proxy_pass http://p;",
    "error_page 404 = /b/; return 404;",
    "proxy_pass http://$m;",
    "if ($http_x ~ ^a) { return 405; } proxy_pass http://p;",
    "if ($arg_k = a) { return 204; } proxy_pass http://q;",
    "allow 10.0.0.0/8; deny all; proxy_pass http://p;",
    "rewrite ^/([^/]+)/(.*)$ /$2/$1 last; proxy_pass http://p;",
    "rewrite ^/a/([^/]+)$ /b?k=$1 last; proxy_pass http://q;",
    "if ($request_uri ~ a.*k=b) { return 405; } proxy_pass http://p;",
    "error_page 502 403 = @other; deny 10.0.0.1; proxy_pass http://p;",
    "if ($n) { return 410; } proxy_pass http://p;",
    "if ($request_uri = /a) { return 405; } proxy_pass http://p;",
    "if ($request_uri ~ //|[?]$) { return 405; } proxy_pass http://q;",
];
const HAPROXY_RULES: &[&str] = &[
    "use_backend p if { path_beg /a }",
    "use_backend q if { path_beg /a/ }",
    "use_backend q if { path /a/b }",
    "use_backend p if { path_end .x }",
    "use_backend q if { path_end b } !{ path_beg /b }",
    "use_backend p if { path_reg ^/[^/]+/b$ }",
    "use_backend q if { path_sub a/ } || { method POST }",
    "use_backend p if { hdr(host) -i a.test }",
    "use_backend q if { hdr_end(host) -i b.test } { path_dir a }",
    "use_backend p unless { path_len lt 3 }",
    "http-request deny if { path_beg /b/ }",
    "http-request deny deny_status 405 if { method POST } { path_sub .x }",
    "http-request redirect location /b/ if { path /a }",
    "http-request set-path /b%[path] if { path_beg /ab }",
    "http-request replace-path ^/a/(.*) /\\1",
    "http-request return status 200 if { path / }",
    "use_backend q if { hdr(x) a }",
    "use_backend q if { hdr(x) -m beg b } { path_beg /a }",
    "use_backend q if { path,lower -m beg /a/ }",
    "use_backend q if { path,field(2,/) a }",
    "use_backend p if { path,word(2,/) b }",
    "http-request deny if { src 10.0.0.0/8 } { path_beg /a }",
    "use_backend q if { url_param(k) a }",
    "use_backend p if { base -m beg a.test/a }",
    "use_backend q if { pathq -m sub a?k }",
    "use_backend q if { url_param(l) -m sub a } || { query -m sub k=b }",
    "http-request set-header x a if { path_beg /a/ }",
    "http-request replace-path ^/([^/]+)/(.*) /\\2/\\1 if { path_sub b }",
    "http-request set-var(txn.v) path,field(2,/) if { method GET }",
    "use_backend q if { var(txn.v) b }",
    "http-request set-query k=b if { path_end a }",
    "use_backend q if { hdr(x) -m found }",
    "use_backend p if { hdr_len(x) lt 2 }",
    "http-request deny if { hdr_cnt(x) gt 0 }",
    "use_backend q if { query -m found }",
    "use_backend q if { url_end ? }",
    "use_backend p if { url_param(k) -m found }",
    "use_backend q if { path,length gt 4 }",
    "use_backend p if { path,field(2,/,0) -m beg b }",
];

#[test]
fn every_changed_request_of_nginx_is_in_a_reported_change() {
    tried("nginx.conf", 11, NGINX_PLACES.len() * NGINX_BODIES.len(), nginx_rule, &|rules| nginx(rules));
}

#[test]
fn every_changed_request_of_haproxy_is_in_a_reported_change() {
    let rule = |random: &mut Random| (*random.pick(HAPROXY_RULES)).to_owned();
    tried("haproxy.cfg", 12, HAPROXY_RULES.len(), rule, &|rules| haproxy(rules));
}

/// A location of one of two servers, by its first letter.
fn nginx_rule(random: &mut Random) -> String {
    format!("{}location {} {{ {} }}", random.pick(&["0", "1"]), random.pick(NGINX_PLACES), random.pick(NGINX_BODIES))
}

fn nginx(rules: &[String]) -> String {
    let server = |which: char, name: &str| {
        let mut places = BTreeSet::new();
        let own = rules.iter().filter_map(|rule| rule.strip_prefix(which));
        // Two locations in one place are refused; a regex may stand twice.
        let locations: Vec<&str> =
            own.filter(|rule| rule.contains('~') || places.insert(rule.split('{').next().unwrap_or_default().to_owned())).collect();
        format!("server {{ listen 80; server_name {name};\n{}\nlocation @other {{ proxy_pass http://q; }}\n}}\n", locations.join("\n"))
    };
    let pools = "upstream p { server 10.0.0.1:80; }\nupstream q { server 10.0.0.2:80; }\n";
    let maps = "map $http_x $m { default p; a q; ~b$ q; }\nmap $m$arg_k $n { pa 1; ~^q.*b 1; default 0; }\n";
    format!("events {{}}\nhttp {{\n{pools}{maps}{}{}}}\n", server('0', "a.test"), server('1', "b.test"))
}

fn haproxy(rules: &[String]) -> String {
    // HAProxy runs `http-request` before `use_backend` wherever they stand, and says so in a warning.
    let (early, late): (Vec<&String>, Vec<&String>) = rules.iter().partition(|rule| rule.starts_with("http-request"));
    let lines: String = early.into_iter().chain(late).map(|rule| format!("    {rule}\n")).collect();
    format!(
        "defaults\n    mode http\nfrontend f\n    bind :80\n{lines}    default_backend p\nbackend p\n    server s 10.0.0.1:80\nbackend q\n    server s 10.0.0.2:80\n"
    )
}

/// Tries random changes of rules that `rule` makes and `whole` puts together.
fn tried(path: &str, seed: u64, kinds: usize, rule: impl Fn(&mut Random) -> String, whole: &dyn Fn(&[String]) -> String) {
    let times = std::env::var("WAYPOST_COMPLETENESS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let requests = requests();
    let mut random = Random::new(seed);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let (mut exact, mut changed, mut beyond, mut contradicting, mut missed) = (0, 0, 0, 0, Vec::new());
    for _ in 0..times {
        let base: Vec<String> = (0..2 + random.below(7)).map(|_| rule(&mut random)).collect();
        let head = altered(&mut random, &base, &rule);
        let texts = [whole(&base), whole(&head)];
        let [before, after] = texts.each_ref().map(|text| formats::read(&memory([(path, text)])));
        assert!(!before.gateways.is_empty(), "{path} is not read: {:?}", before.problems);
        let comparison = compare(&before, &after);
        exact += usize::from(comparison.exact);
        contradicting += comparison.disagreements;
        for reason in &comparison.reasons {
            *reasons.entry(reason.rsplit(": ").next().unwrap_or_default().to_owned()).or_default() += 1;
        }
        let (count, first) = outside(&before, &after, &comparison, &requests);
        changed += count;
        // A comparison that says it is not exact does not say that it found all.
        beyond += usize::from(first.is_some() && !comparison.exact);
        if let Some(first) = first.filter(|_| comparison.exact) {
            missed.push(format!("{first}\n--- base\n{}--- head\n{}", texts[0], texts[1]));
        }
    }
    println!(
        "{path}: {times} changes of {kinds} kinds of rules, {exact} compared exactly; {changed} requests changed; {beyond} changes say that there may be more, and there is"
    );
    println!("why not: {reasons:?}");
    assert_eq!(contradicting, 0, "so many times a comparison contradicts itself");
    assert!(missed.is_empty(), "{} of {times} changes are incomplete, e.g.\n{}", missed.len(), missed[0]);
}

/// Returns `rules` with one removed, added, replaced, or with two swapped.
fn altered(random: &mut Random, rules: &[String], rule: &impl Fn(&mut Random) -> String) -> Vec<String> {
    let mut rules = rules.to_vec();
    for _ in 0..=random.below(2) {
        let (at, other) = (random.below(rules.len()), random.below(rules.len()));
        match random.below(4) {
            0 if rules.len() > 1 => {
                rules.remove(at);
            }
            1 => rules.insert(at, rule(random)),
            2 => rules.swap(at, other),
            _ => rules[at] = rule(random),
        }
    }
    rules
}

/// Returns every request over the alphabet.
fn requests() -> Vec<Request> {
    let mut all = Vec::new();
    for host in HOSTS {
        for method in METHODS {
            let plain = |target: &str| {
                let mut request = Request::get(&format!("http://{host}{target}")).unwrap();
                request.method = (*method).to_owned();
                // Without an address it stays open who is let in.
                request.from = CLIENTS[1].parse().ok();
                request
            };
            all.extend(paths(LONGEST).iter().map(|path| plain(path)));
            if method != &METHODS[0] || host == &HOSTS[1] {
                continue;
            }
            for (path, query) in paths(SHORT).iter().flat_map(|path| QUERIES.iter().map(move |query| (path, query))) {
                for (header, client) in HEADERS.iter().flat_map(|header| CLIENTS.iter().map(move |client| (header, client))) {
                    let mut request = plain(&format!("{path}{query}"));
                    request.headers.extend((!header.is_empty()).then(|| (Name::from("x"), (*header).to_owned())));
                    request.from = client.parse().ok();
                    all.push(request);
                }
            }
        }
    }
    all
}

/// Returns every path of up to so many letters.
fn paths(longest: usize) -> Vec<String> {
    let mut paths = vec!["/".to_owned()];
    let mut last = paths.clone();
    for _ in 0..longest {
        last = last.iter().flat_map(|path| LETTERS.iter().map(move |letter| format!("{path}{letter}"))).collect();
        paths.extend(last.iter().cloned());
    }
    paths
}

/// Returns how many requests go elsewhere, and the first of them that is in no reported change: no change of its host has its was and now.
fn outside(before: &Model, after: &Model, comparison: &Comparison, requests: &[Request]) -> (usize, Option<String>) {
    let mut reported: BTreeSet<(String, String, String)> = BTreeSet::new();
    for change in &comparison.changes {
        for pair in change.pairs.iter().map(|at| &comparison.pairs[*at]) {
            for host in HOSTS.iter().filter(|host| change.hosts.iter().any(|words| words == *host || words.starts_with("any"))) {
                reported.insert(((*host).to_owned(), effect(&pair.was.destination), effect(&pair.now.destination)));
            }
        }
    }
    let (mut count, mut first) = (0, None);
    for request in requests {
        let (was, now) = (trace(before, request).destination, trace(after, request).destination);
        if was.same(&now) {
            continue;
        }
        count += 1;
        let key = (request.host.clone(), effect(&was), effect(&now));
        if !reported.contains(&key) && first.is_none() {
            first = Some(format!("{request} goes from {was:?} to {now:?}, reported is {reported:?}"));
        }
    }
    (count, first)
}

/// Returns what a destination is apart from the request's own path.
fn effect(destination: &Destination) -> String {
    match destination {
        Destination::Forward { pool, .. } => format!("forward {pool}"),
        Destination::Redirect { status, .. } => format!("redirect {status}"),
        Destination::Opaque { alternatives, .. } => alternatives.iter().map(|one| effect(&one.outcome)).collect::<Vec<_>>().join(" or "),
        other => format!("{other:?}"),
    }
}

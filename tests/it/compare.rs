//! Comparisons of real configurations, from text to regions.

use crate::support::haproxy::{self, Haproxy};
use crate::support::nginx::{self, Nginx};
use std::collections::BTreeMap;
use waypost::analysis::{Comparison, Destination, compare};
use waypost::model::Model;
use waypost::{formats, snapshot};

fn model(files: &[(&str, &str)]) -> Model {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    formats::read(&snapshot::memory(files))
}

/// The region, the witness, and the broken shares of each change.
fn told(comparison: &Comparison) -> Vec<String> {
    let changes = comparison.changes.iter().filter(|change| !change.behaviour_only);
    changes
        .map(|change| {
            let pair = comparison.witness(change).unwrap();
            let (was, now) = (kind(&pair.was.destination), kind(&pair.now.destination));
            format!("{} | {} | {was} -> {now}", change.region, pair.now.request)
        })
        .collect()
}

fn kind(destination: &Destination) -> String {
    match destination {
        Destination::Forward { pool, broken_share, .. } => format!("{pool} {broken_share:.3}"),
        Destination::Redirect { status, location } => format!("{status} {location}"),
        other => format!("{other:?}"),
    }
}

const INVENTORY: &str = "all:
  children:
    web:
      hosts:
        web01: { ansible_host: 10.20.1.11 }
        web02: { ansible_host: 10.20.1.12 }
        web03: { ansible_host: 10.20.1.13 }
        web04: { ansible_host: 10.20.1.14 }
";

fn shop(upstream: &str) -> Model {
    let config = format!(
        "events {{}}
http {{
  upstream web {{ {upstream} }}
  upstream assets {{ server 10.20.1.14:8090; }}
  server {{
    listen 80; listen [::]:80;
    server_name shop.example.com www.shop.example.com;
    location /static/ {{ proxy_pass http://assets; }}
    location / {{ proxy_pass http://web; proxy_next_upstream off; }}
  }}
}}"
    );
    model(&[("inventory/hosts.yml", INVENTORY), ("nginx/nginx.conf", &config)])
}

#[test]
fn most_of_the_weight_on_a_server_nobody_has() {
    let base = shop("server 10.20.1.11:8080 weight=5 max_fails=0; server 10.20.1.12:8080 weight=5 max_fails=0;");
    let head = shop("server 10.20.1.11:8080 weight=3 max_fails=0; server 10.20.1.15:8080 weight=17 max_fails=0;");
    assert_eq!(
        told(&compare(&base, &head)),
        ["hosts shop.example.com and www.shop.example.com and any host that no virtual host names, path not under /static/ \
          | GET http://shop.example.com/ | web 0.000 -> web 0.850"]
    );
}

#[test]
fn a_rollback_that_leaves_an_include() {
    let files = |members: &str| {
        let app = format!(
            "upstream app {{ {members} include drop/*.conf; }}
             server {{ listen 80; server_name app.example.org; location / {{ proxy_pass http://app; proxy_next_upstream off; }} }}"
        );
        model(&[
            ("inventory/hosts.yml", INVENTORY),
            ("nginx/nginx.conf", "events {} http { include app.conf; }"),
            ("nginx/app.conf", &app),
            ("nginx/drop/50.conf", "server 10.20.1.39:9000 weight=9 max_fails=0;"),
        ])
    };
    let base = files("server 10.20.1.11:9000 max_fails=0; server 10.20.1.39:9000 max_fails=0;");
    let head = files("server 10.20.1.11:9000 max_fails=0; server 10.20.1.12:9000 max_fails=0; server 10.20.1.13:9000 max_fails=0;");
    assert_eq!(
        told(&compare(&base, &head)),
        ["host app.example.org and any host that no virtual host names | GET http://app.example.org/ | app 0.909 -> app 0.750"]
    );
}

#[test]
fn a_new_file_that_sorts_first_answers_for_all_other_names() {
    let api = "upstream api { server 10.0.0.1:80; } server { listen 80; server_name api.example.com; location / { proxy_pass http://api; } }";
    let campaign =
        "upstream promo { server 10.0.0.2:80; } server { listen 80; server_name spring.example.com; location / { proxy_pass http://promo; } }";
    let main = ("nginx/nginx.conf", "events {} http { include conf.d/*.conf; }");
    let base = model(&[main, ("nginx/conf.d/10-api.conf", api)]);
    let head = model(&[main, ("nginx/conf.d/10-api.conf", api), ("nginx/conf.d/05-campaign.conf", campaign)]);
    assert_eq!(
        told(&compare(&base, &head)),
        [
            "host spring.example.com | GET http://spring.example.com/ | api 0.000 -> promo 0.000",
            "any host that no virtual host names | GET http://other.example/ | api 0.000 -> promo 0.000",
        ]
    );
}

#[test]
fn renaming_and_reordering_change_nothing() {
    let site = |a: &str, b: &str, turned: bool| {
        let (first, second) = ("server 10.0.0.1:80 max_fails=2;", "server 10.0.0.2:80 max_fails=2;");
        let (first, second) = if turned { (second, first) } else { (first, second) };
        let orders = format!("location /orders/ {{ proxy_pass http://{b}; }}");
        let all = format!("location / {{ proxy_pass http://{a}; }}");
        let (one, two) = if turned { (&all, &orders) } else { (&orders, &all) };
        let config = format!(
            "events {{}} http {{ upstream {a} {{ {first} {second} }} upstream {b} {{ server 10.0.0.3:80; }}
             server {{ listen 80; server_name shop.example.com; {one} {two} }} }}"
        );
        model(&[("nginx.conf", &config)])
    };
    assert!(compare(&site("backend1", "backend2", false), &site("catalog", "orders", true)).changes.is_empty());
}

#[test]
fn splitting_into_files_changes_nothing() {
    let fallback = "server { listen 80 default_server; server_name _; return 444; }";
    let blog = "server { listen 80; server_name blog.example.com; location / { proxy_pass http://10.0.0.1:4000; } }";
    let docs = "server { listen 80; server_name docs.example.com *.docs.example.com; location = / { return 302 /latest/; }
                location / { proxy_pass http://10.0.0.2:4000; } }";
    let base = model(&[("nginx/nginx.conf", &format!("events {{}} http {{ {fallback} {blog} {docs} }}"))]);
    let head = model(&[
        ("nginx/nginx.conf", "events {} http { include conf.d/*.conf; }"),
        ("nginx/conf.d/blog.conf", blog),
        ("nginx/conf.d/docs.conf", docs),
        ("nginx/conf.d/zz-default.conf", fallback),
    ]);
    let comparison = compare(&base, &head);
    assert!(comparison.changes.is_empty(), "{:?}", told(&comparison));
    assert!(comparison.pairs.iter().any(|pair| pair.now.destination == Destination::Close));
}

/// What is asked before and after by one listener, where only requests differ that few would think of: an empty header or parameter, a bare `?`, a path that is
/// spelled otherwise. Each must be found, and be what the real proxy does, or it must be said why not everything was found.
const HAPROXY_CORNERS: &[(&str, &str)] = &[
    ("hdr(x) -m found", "hdr_len(x) gt 0"),
    ("hdr_len(x) lt 1", "hdr(x) -m len 0 1"),
    ("req.fhdr(x) -m found", "req.fhdr(x),length gt 0"),
    ("req.cook(c) -m found", "req.cook(c),length gt 0"),
    ("url_param(k) -m found", "url_param(k),length gt 0"),
    ("url_param(k) a", "url_param(k),lower a"),
    ("query -m found", "query,length gt 0"),
    ("url_end ?", "path /never"),
    ("path_beg //a", "path /never"),
    ("path_beg /a", "path_beg -i /a"),
    ("path_sub %2e", "path /never"),
    ("path /a/../b", "path /never"),
    ("path_beg /api", "path_beg /api /%61pi"),
    ("path_beg /api", "path,url_dec -m beg /api"),
    ("path,field(2,/,0) b", "path,field(2,/) b"),
    ("hdr(x),lower -m beg a", "hdr(x) -m beg a"),
    ("path,length gt 5", "path,length gt 6"),
    ("hdr_cnt(x) gt 0", "hdr_len(x) gt 0"),
];

const NGINX_CORNERS: &[(&str, &str)] = &[
    ("$request_uri ~ ^/a(\\?|$)", "$uri = /a"),
    ("$request_uri ~ ^/a$", "$request_uri ~ ^/a\\??$"),
    ("$request_uri ~ //", "$uri = /never"),
    ("$request_uri ~ %", "$uri = /never"),
    ("$http_x", "$http_x ~ a"),
    ("$http_x = \"\"", "$http_x ~ ^$"),
];

#[test]
fn corners_that_only_haproxy_tells_apart_are_found_or_said() {
    let site = |head: bool, port: &dyn Fn(usize) -> String| {
        let fronts: Vec<String> = (HAPROXY_CORNERS.iter().enumerate())
            .map(|(at, (before, after))| {
                let condition = if head { after } else { before };
                let bind = port(at);
                format!(
                    "frontend f{at}\n bind 127.0.0.1:{bind}\n http-request return status 410 if {{ {condition} }}\n http-request return status 200\n"
                )
            })
            .collect();
        format!("defaults\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n{}", fronts.concat())
    };
    let found = corners("haproxy.cfg", HAPROXY_CORNERS, &site);
    if haproxy::available() {
        for (head, side) in [false, true].into_iter().enumerate() {
            let proxy = Haproxy::start(&site(side, &|at| format!("{{port:front{at}}}")), &[]);
            for (at, request, expected) in &found {
                let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                let answer = Nginx::send(proxy.port(&format!("front{at}")), &request.method, "h", &request.target, &headers);
                assert_eq!(answer.status, expected[head], "{:?}: {request}", HAPROXY_CORNERS[*at]);
            }
        }
    }
}

#[test]
fn corners_that_only_nginx_tells_apart_are_found_or_said() {
    let site = |head: bool, port: &dyn Fn(usize) -> String| {
        let servers: Vec<String> = (NGINX_CORNERS.iter().enumerate())
            .map(|(at, (before, after))| {
                let condition = if head { after } else { before };
                format!("server {{ listen 127.0.0.1:{}; location / {{ if ({condition}) {{ return 410; }} return 204; }} }}\n", port(at))
            })
            .collect();
        format!("events {{}}\nhttp {{\n{}}}\n", servers.concat())
    };
    let found = corners("nginx.conf", NGINX_CORNERS, &site);
    if nginx::available() {
        for (head, side) in [false, true].into_iter().enumerate() {
            let proxy = Nginx::start(&site(side, &|at| format!("{{port:front{at}}}")), &[]);
            for (at, request, expected) in &found {
                let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                let answer = Nginx::send(proxy.port(&format!("front{at}")), &request.method, "h", &request.target, &headers);
                assert_eq!(answer.status, expected[head], "{:?}: {request}", NGINX_CORNERS[*at]);
            }
        }
    }
}

/// A request that goes elsewhere at one listener, with the status before and after.
type Corner = (usize, waypost::model::Request, [u16; 2]);

/// Writes one side, with a port for each listener.
type Site<'s> = dyn Fn(bool, &dyn Fn(usize) -> String) -> String + 's;

/// Compares both sides; every listener must have a change unless it is said that there may be more, but for pairs that are the same by what they mean.
fn corners(path: &str, all: &[(&str, &str)], site: &Site<'_>) -> Vec<Corner> {
    const FIRST: usize = 20_000;
    let mut found = Vec::new();
    for (at, pair) in all.iter().enumerate() {
        let number = |other: usize| (FIRST + other).to_string();
        let sides = [false, true].map(|head| {
            let whole = site(head, &number);
            // The other listeners are as they were.
            let base = site(false, &number);
            let one = |text: &str| parts(text)[at].clone();
            model(&[(path, &base.replace(&one(&base), &one(&whole)))])
        });
        let comparison = compare(&sides[0], &sides[1]);
        assert_eq!(comparison.disagreements, 0, "{pair:?}");
        let status = |destination: &Destination| match destination {
            Destination::Respond { status } | Destination::Reject { status } => *status,
            other => panic!("{pair:?}: {other:?}"),
        };
        for change in &comparison.changes {
            let pair = comparison.witness(change).unwrap();
            found.push((at, pair.now.request.clone(), [status(&pair.was.destination), status(&pair.now.destination)]));
        }
        println!("{pair:?}: {} {:?} {:?}", comparison.exact, told(&comparison), comparison.reasons);
        let same = pair.0 == "$http_x = \"\"" && comparison.exact;
        assert!(!comparison.changes.is_empty() || !comparison.exact || same, "{pair:?} is said to be the same");
    }
    found
}

/// Returns the listeners of a configuration.
fn parts(text: &str) -> Vec<String> {
    let start = if text.contains("frontend ") { "frontend " } else { "server {" };
    text.split(start).skip(1).map(|part| format!("{start}{part}")).collect()
}

/// Rules by host, by path and by end of path with a method, as a large site has them; the change touches three of them.
#[test]
fn thousands_of_haproxy_rules_are_compared_exactly() {
    const RULES: usize = 900;
    let site = |head: bool| {
        let rule = |at: usize| match at % 3 {
            0 => format!("use_backend b{} if {{ hdr(host) -i host{at}.example.com }}\n", at % 40),
            1 => format!("use_backend b{} if {{ path_beg /area{at}/ }}\n", at % 40),
            _ => format!("use_backend b{} if {{ path_end .type{at} }} {{ method GET }}\n", at % 40),
        };
        let mut rules: Vec<String> = (0..RULES).map(rule).collect();
        if head {
            rules.swap(600, 601);
            rules.insert(400, "use_backend b7 if { path_beg /new/ }\n".to_owned());
            rules.remove(301);
        }
        let backends: Vec<String> = (0..40).map(|at| format!("backend b{at}\n server s 10.0.0.{at}:80\n")).collect();
        let config = format!("defaults\n mode http\nfrontend f\n bind :80\n{} default_backend b0\n{}", rules.concat(), backends.concat());
        model(&[("haproxy.cfg", &config)])
    };
    let comparison = compare(&site(false), &site(true));
    assert!(comparison.exact, "{:?}", comparison.reasons);
    assert!(comparison.pairs.iter().any(|pair| pair.now.request.target == "/new/"), "the new rule is not shown");
}

/// What a first route would get takes too much work to find out: whether sixteen letters before the end leave it anything. What the second one loses, on a path that nobody
/// would guess, is found all the same.
#[test]
fn a_change_is_found_behind_what_is_too_much_work() {
    let site = |first: u16, second: u16| {
        let config = format!(
            "events {{}} http {{ server {{ listen 80;
             location ~ \"a[ab]{{16}}$\" {{ return 204; }}
             location ~ \"b[ab]{{16}}$\" {{ return 204; }}
             location ~ \"^/[ab]{{24}}$\" {{ return {first}; }}
             location ~ ^/[^/]*word-400-|word-400-a {{ return 204; }}
             location ~ word-400-[a-c] {{ return {second}; }}
             location / {{ return 404; }}
             }} }}"
        );
        model(&[("nginx.conf", &config)])
    };
    let comparison = compare(&site(410, 410), &site(403, 403));
    assert!(!comparison.exact, "there is not too much here, so nothing is shown");
    assert_eq!(comparison.disagreements, 0);
    let found: Vec<String> = told(&comparison);
    assert!(found.iter().any(|one| one.contains("word-400-")), "{found:?} {:?}", comparison.reasons);
}

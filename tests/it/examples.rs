//! The finding that a rule's documentation shows is the one that is printed.

use waypost::policy::by_name;
use waypost::review::{Change, review};
use waypost::snapshot::{Snapshot, memory};

const HOSTS: &str = "web: { hosts: { web01: { ansible_host: 10.20.1.11 }, web02: { ansible_host: 10.20.1.12 }, \
                     web03: { ansible_host: 10.20.1.13 }, web04: { ansible_host: 10.20.1.14 } } }\n";

/// A tree with the inventory and what stands in `http {}`.
fn tree(http: &str) -> Snapshot {
    memory([("inventory/hosts.yml", HOSTS.to_owned()), ("nginx.conf", format!("events {{}}\nhttp {{\nproxy_next_upstream off;\n{http}\n}}\n"))])
}

/// Checks that `rule` says of the change what its documentation shows.
fn same(rule: &str, base: &str, head: &str) {
    let review = review(&Change { base: &tree(base), head: &tree(head), known_good: None, title: "", body: "" });
    let rule = by_name(rule).unwrap();
    let shown = rule.documentation.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let shown: Vec<&str> = shown.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let found: Vec<&_> = review.findings.iter().filter(|finding| finding.rule == rule.id).collect();
    assert_eq!(found.len(), 1, "{}: {:#?}", rule.id, review.findings);
    assert_eq!(vec![found[0].message.clone(), format!("help: {}", found[0].help)], shown, "{}", rule.id);
}

const SHOP: &str = "server { listen 80; server_name shop.example.com; location /static/ { root /srv; } location / { proxy_pass http://web_pool; } }";
const FOUR: &str = "upstream web_pool { server 10.20.1.11:8080 max_fails=0; server 10.20.1.12:8080 max_fails=0; \
                    server 10.20.1.13:8080 max_fails=0; server 10.20.1.14:8080 max_fails=0; }";

#[test]
fn the_example_of_a_rule_about_servers_is_what_is_printed() {
    let heavy = FOUR.replace("14:8080", "15:8080 weight=17");
    same("missing-server", &format!("{FOUR}{SHOP}"), &format!("{heavy}{SHOP}"));
    same("traffic-shift", &format!("{FOUR}{SHOP}"), &format!("{heavy}{SHOP}"));
    let two = "upstream web_pool { server 10.20.1.11:8080; server 10.20.1.12:8080 down; }\n";
    let whole = "server { listen 80; server_name shop.example.com; location / { proxy_pass http://web_pool; } }";
    same("drain-all", &format!("{two}{whole}"), &format!("{}{whole}", two.replace("11:8080;", "11:8080 down;")));
    let pools = "upstream web_pool { server 10.20.1.11:8080; }\nupstream green { server 10.20.2.11:8080 down; }\n";
    same("no-healthy-server", &format!("{pools}{whole}"), &format!("{pools}{}", whole.replace("http://web_pool", "http://green")));
    let one = "upstream web_pool { server 10.20.1.11:8080; }\n";
    same("dangling-reference", &format!("{one}{whole}"), &format!("{}{whole}", one.replace("web_pool", "storefront")));
}

#[test]
fn the_example_of_a_rule_about_hosts_and_routes_is_what_is_printed() {
    let pools: String = ["web_pool", "api_pool", "promo_pool", "legacy", "feed"]
        .iter()
        .enumerate()
        .map(|(at, name)| format!("upstream {name} {{ server 10.20.{}.11:8080; }}\n", at + 3))
        .collect();
    let site = |name: &str, pool: &str| format!("server {{ listen 80; server_name {name}; location / {{ proxy_pass http://{pool}; }} }}\n");
    let api = format!("{pools}{}", site("api.example.com", "api_pool"));
    let first = format!("{pools}{}{}", site("spring.example.com", "promo_pool"), site("api.example.com", "api_pool"));
    same("default-server-changed", &api, &first);
    let refusing = format!("{pools}server {{ listen 80 default_server; return 404; }}\n");
    let both = site("shop.example.com www.shop.example.com", "web_pool");
    same("host-dropped", &format!("{refusing}{both}"), &format!("{refusing}{}", site("shop.example.com", "web_pool")));
    let routes = |more: &str| {
        let places =
            "location / { proxy_pass http://web_pool; } location /api/ { proxy_pass http://api_pool; } location /feed/ { proxy_pass http://feed; }";
        format!("{pools}server {{ listen 80; server_name a.example.com; {places} {more} }}\n")
    };
    same("route-hijack", &routes(""), &routes("location ~ /v1/ { proxy_pass http://legacy; }"));
}

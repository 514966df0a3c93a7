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

/// Checks that `rule` says of the change of nginx what its documentation shows.
fn same(rule: &str, base: &str, head: &str) {
    printed(rule, "", &tree(base), &tree(head));
}

/// Checks that `rule` says of the change of these trees, under this title, what its documentation shows.
fn printed(rule: &str, title: &str, base: &Snapshot, head: &Snapshot) {
    let review = review(&Change { base, head, known_good: None, title, body: "" });
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

/// Checks a change of one file beside others that stay.
fn beside(rule: &str, others: &[(&str, &str)], (path, base, head): (&str, &str, &str)) {
    let tree = |text: &str| memory(others.iter().copied().chain([(path, text)]));
    printed(rule, "", &tree(base), &tree(head));
}

fn http(inside: &str) -> String {
    format!("events {{}}\nhttp {{\n{inside}\n}}\n")
}

/// A virtual host with these places, and pools to go to.
fn shop(places: &str) -> String {
    let pools = "upstream web_pool { server 10.20.1.11:8080; }\nupstream api_pool { server 10.20.3.21:8080; }\n";
    format!("{pools}server {{ listen 80; server_name shop.example.com; {places} }}\n")
}

#[test]
fn the_example_of_a_rule_about_where_requests_end_is_what_is_printed() {
    let all = "location / { proxy_pass http://web_pool; }";
    let api = |path: &str| shop(&format!("location /api/ {{ proxy_pass http://api_pool{path}; }} {all}"));
    same("route-removed", &api(""), &shop(all));
    same("upstream-path-changed", &api(""), &api("/"));
    same("requests-refused", &shop(all), &shop(&format!("return 503; {all}")));
    let guarded = |guard: &str| shop(&format!("location /admin/ {{ {guard} proxy_pass http://web_pool; }} {all}"));
    same("exposure-widened", &guarded("allow 10.0.0.0/8; deny all;"), &guarded(""));
    let circle = "location / { return 301 /app/; } location /app { return 301 /; }";
    same("redirect-loop", &shop(&format!("{all} location /app {{ proxy_pass http://web_pool; }}")), &shop(circle));
    let tiers = "map $http_x_tier $app { default app-a.shop.example.net; b app-b.shop.example.net; }";
    let named = |resolver: &str| format!("{tiers}\n{}", shop(&format!("{resolver} location / {{ proxy_pass http://$app:8080; }}")));
    same("dns-broken", &named("resolver 10.20.0.53;"), &named(""));
    let open = format!("events {{}}\nhttp {{\n{}server {{\nlisten 80;\nlocation / {{\nproxy_pass http://10.20.1.11:8080", "\n".repeat(11));
    beside("syntax", &[], ("nginx.conf", &format!("{open};\n}}\n}}\n}}\n"), &format!("{open}\n}}\n}}\n}}\n")));
}

#[test]
fn the_example_of_a_rule_about_how_pools_hold_is_what_is_printed() {
    let server = |number: usize, more: &str| format!("server 10.20.1.1{number}:8080{more};");
    let pool = |servers: &str| {
        format!(
            "upstream web_pool {{ {servers} }}\nserver {{ listen 80; server_name shop.example.com; location / {{ proxy_pass http://web_pool; }} }}"
        )
    };
    let two = pool(&format!("{}{}", server(1, ""), server(2, "")));
    same("single-point-of-failure", &two, &pool(&server(1, "")));
    same("health-check-removed", &two, &pool(&format!("{}{}", server(1, " max_fails=0"), server(2, " max_fails=0"))));
    let four = pool(&(1..5).map(|number| server(number, "")).collect::<String>());
    let plan = [("capacity.yml", "pools: { web_pool: { per_server_rps: 250, peak_rps: 850 } }\n")];
    beside("capacity-loss", &plan, ("nginx.conf", &http(&four), &http(&two)));
    let ports = [(
        "inventory/hosts.yml",
        "web:\n  vars: { app_port: 8080 }\n  hosts: { web01: { ansible_host: 10.20.1.11 }, web02: { ansible_host: 10.20.1.12 } }\n",
    )];
    beside("port-mismatch", &ports, ("nginx.conf", &http(&two), &http(&two.replace("12:8080", "12:8008"))));
    let slow = [(
        "inventory/hosts.yml",
        "web:\n  vars: { request_timeout: 45s }\n  hosts: { web01: { ansible_host: 10.20.1.11 }, web02: { ansible_host: 10.20.1.12 } }\n",
    )];
    let waits = |time: &str| http(&format!("proxy_read_timeout {time};\n{two}"));
    beside("timeout-inversion", &slow, ("nginx.conf", &waits("60s"), &waits("10s")));
    let limited = |client: &str| {
        let zone = "limit_req_zone $binary_remote_addr zone=per_client:10m rate=5r/s;\nlimit_req zone=per_client;";
        format!("{client}{zone}\n{two}")
    };
    same("rate-limit-broken", &limited("set_real_ip_from 10.0.0.1;\nreal_ip_header X-Client-IP;\n"), &limited(""));
    let names = "certificates:\n  - { file: certs/www.pem, names: [www.example.com] }\n  - { file: certs/api.pem, names: [api.example.com] }\n";
    let secure = |file: &str| {
        let tls = format!("ssl_certificate certs/{file}.pem; ssl_certificate_key certs/{file}.key;");
        http(&format!("server {{ listen 443 ssl; server_name api.example.com; {tls} location / {{ proxy_pass http://10.20.1.11:8080; }} }}"))
    };
    beside("tls-broken", &[("tls/certificates.yml", names)], ("nginx.conf", &secure("api"), &secure("www")));
}

#[test]
fn the_example_of_a_rule_about_haproxy_is_what_is_printed() {
    let top = "defaults\n  mode http\n  timeout connect 2s\n  timeout client 30s\n  timeout server 30s\nfrontend www\n  bind :80\n";
    let backends = "backend api\n  server api01 10.20.1.21:8080\nbackend api_v2\n  server api02 10.20.1.22:8080\n";
    let canary = |web: u8, other: u8| {
        let servers = format!("  server web01 10.20.1.11:8080 weight {web}\n  server canary 10.20.1.31:8080 weight {other}\n");
        format!("{top}  use_backend web if {{ hdr(host) -i shop.example.com }}\nbackend web\n{servers}")
    };
    beside("weight-zero", &[], ("haproxy.cfg", &canary(95, 5), &canary(0, 100)));
    let routes = |more: &str| format!("{top}  use_backend api if {{ path_beg /api }}\n{more}{backends}");
    beside("route-shadowed", &[], ("haproxy.cfg", &routes(""), &routes("  use_backend api_v2 if { path_beg /api/v2 }\n")));
}

#[test]
fn the_example_of_the_rule_about_rollbacks_is_what_is_printed() {
    let hosts = "app: { hosts: { app01: { ansible_host: 10.21.3.31 }, app02: { ansible_host: 10.21.3.32 }, app03: { ansible_host: 10.21.3.33 } } }\n";
    let tree = |servers: &str| {
        let pool = format!("upstream app_pool {{ {servers} include upstreams.d/app/*.conf; }}\n");
        let site = "server { listen 80; server_name app.example.org; location / { proxy_pass http://app_pool; proxy_next_upstream off; } }";
        memory([
            ("inventory/hosts.yml", hosts.to_owned()),
            ("nginx/upstreams.d/app/50-spare.conf", "server 10.21.3.39:9000 weight=9 max_fails=0;\n".to_owned()),
            ("nginx/nginx.conf", http(&format!("{pool}{site}"))),
        ])
    };
    let whole = tree("server 10.21.3.31:9000; server 10.21.3.32:9000; server 10.21.3.33:9000;");
    printed("rollback-unsafe", "Revert \"Bring in the spare\"", &tree("server 10.21.3.31:9000;"), &whole);
}

#[test]
fn the_example_of_the_rule_about_settings_is_what_is_printed() {
    let tree = |name: &str| memory([(".waypost.yaml", format!("commands:\n  {name}: {{ role: admin }}\n")), ("nginx.conf", http(SHOP))]);
    printed("settings", "", &tree("waive"), &tree("wave"));
}

#[test]
fn no_rule_is_left_without_an_example_that_runs() {
    let here = include_str!("examples.rs");
    for rule in waypost::policy::rules() {
        let name = rule.id.rsplit('/').next().unwrap();
        let run = ["same(", "beside(", "printed("].iter().any(|call| here.contains(&format!("{call}\"{name}\"")));
        assert!(run, "{} has no example here", rule.id);
    }
}

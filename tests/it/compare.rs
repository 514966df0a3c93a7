//! Comparisons of real configurations, from text to regions.

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

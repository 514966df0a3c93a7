//! What a finding says would surely mend it: written into the file, it does.

use waypost::review::{Change, Review, review};
use waypost::snapshot::{Snapshot, memory};

fn tree(path: &str, text: &str) -> Snapshot {
    memory([(path, text)])
}

fn reviewed(path: &str, good: &str, text: &str) -> Review {
    review(&Change::of(&tree(path, good), &tree(path, text)))
}

/// Breaks `good` by writing `slip` in place of `right`, applies the fix that is offered, and returns the line it writes.
fn mended(path: &str, good: &str, (right, slip): (&str, &str)) -> String {
    let broken = good.replacen(right, slip, 1);
    let found = reviewed(path, good, &broken);
    let finding = found.findings.iter().find(|finding| finding.fix.is_some()).unwrap_or_else(|| panic!("no fix for `{slip}`: {:#?}", found.findings));
    let fix = finding.fix.clone().unwrap();
    assert_eq!((finding.start_line, finding.end_line), (fix.start_line, fix.end_line), "the comment stands where the fix does");
    let mut lines: Vec<&str> = broken.lines().collect();
    lines.splice(fix.start_line - 1..fix.end_line, [fix.text.as_str()]);
    let text = format!("{}\n", lines.join("\n"));
    assert_eq!(text, good);
    assert!(reviewed(path, good, &text).findings.is_empty());
    fix.text
}

#[test]
fn slips_in_nginx() {
    let good = "events {}\nhttp {\n  server {\n    listen 80;  # plain\n    server_name a.example.com;\n    location / { proxy_pass http://10.0.0.1; }\n  }\n}\n";
    assert_eq!(mended("nginx.conf", good, ("80;", "80")), "    listen 80;  # plain");
    assert_eq!(mended("nginx.conf", good, ("10.0.0.1;", "10.0.0.1")), "    location / { proxy_pass http://10.0.0.1; }");
    assert_eq!(mended("nginx.conf", good, ("server_name", "sever_name")), "    server_name a.example.com;");
    assert_eq!(mended("nginx.conf", good, ("proxy_pass", "proxy_pas")), "    location / { proxy_pass http://10.0.0.1; }");
}

#[test]
fn slips_in_haproxy() {
    let good = "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\nfrontend web\n  bind :80\n  use_backend api_pool if { path_beg /api }\n  \
                default_backend web_pool\nbackend web_pool\n  balance roundrobin\n  server a 10.0.0.1:80 check\nbackend api_pool\n  server b 10.0.0.2:80 check\n";
    assert_eq!(mended("haproxy.cfg", good, ("default_backend web_pool", "default_backend web_poll")), "  default_backend web_pool");
    assert_eq!(mended("haproxy.cfg", good, ("use_backend api_pool", "use_backend apipool")), "  use_backend api_pool if { path_beg /api }");
    assert_eq!(mended("haproxy.cfg", good, ("  balance", "  balanc")), "  balance roundrobin");
    assert_eq!(mended("haproxy.cfg", good, ("1:80 check", "1:80 chek")), "  server a 10.0.0.1:80 check");
}

#[test]
fn where_it_would_be_a_guess_nothing_is_offered() {
    let good = "events {}\nhttp {\n  server {\n    listen 80;\n    location / { return 200; }\n  }\n}\n";
    for broken in [
        good.replacen("listen 80;", "lisn_to 80;", 1),
        good.replacen("return 200; }", "return 200;", 1),
        good.replacen("listen 80;", "listen 80a;", 1),
    ] {
        let found = reviewed("nginx.conf", good, &broken);
        assert!(found.findings.iter().all(|finding| finding.fix.is_none()), "{:#?}", found.findings);
    }
}

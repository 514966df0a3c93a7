//! Pull requests by somebody who means harm: whatever they hold, the review ends soon, names the place, and still finds what else is wrong.

use std::fmt::Write as _;
use std::time::Duration;
use waypost::review::{Change, Review, review};
use waypost::snapshot::{Snapshot, memory};

/// Generous: debug builds on a busy machine. What these trees did before there were limits took minutes or for ever.
const LONGEST: Duration = Duration::from_secs(40);

const INVENTORY: &str = "web: { hosts: { web01: { ansible_host: 10.20.1.11 }, web05: { ansible_host: 10.20.1.51 } } }\n";

fn site(servers: &str, more: &str) -> String {
    format!(
        "events {{}}\nhttp {{\nupstream web_pool {{ server 10.20.1.11:8080 weight=3 max_fails=0; {servers} }}\n\
         server {{ listen 80; server_name shop.example.com; location / {{ proxy_pass http://web_pool; proxy_next_upstream off; }} }}\n{more}\n}}\n"
    )
}

fn tree(nginx: String, files: &[(String, Vec<u8>)]) -> Snapshot {
    let own = [("nginx.conf".to_owned(), nginx.into_bytes()), ("inventory/hosts.yml".to_owned(), INVENTORY.as_bytes().to_vec())];
    memory(own.iter().chain(files).map(|(path, content)| (path.as_str(), content.clone())))
}

/// Reviews the founding change with `more` in the `http` block and `files` beside it, and holds what must hold of every review.
fn attacked(more: &str, files: &[(String, Vec<u8>)]) -> Review {
    let found = reviewed(more, files);
    assert!(finds_missing(&found), "the rest of the review is lost: {:?}", found.findings.iter().map(|finding| &finding.message).collect::<Vec<_>>());
    found
}

fn finds_missing(review: &Review) -> bool {
    review.findings.iter().any(|finding| finding.rule == "traffic/missing-server" && finding.message.contains("10.20.1.15"))
}

fn reviewed(more: &str, files: &[(String, Vec<u8>)]) -> Review {
    let base = tree(site("", ""), &[]);
    let head = tree(site("server 10.20.1.15:8080 weight=17 max_fails=0;", more), files);
    let started = busy();
    let found = review(&Change { base: &base, head: &head, known_good: None, title: "", body: "" });
    let took = busy().saturating_sub(started);
    assert!(took < LONGEST, "it took {took:?}");
    found
}

/// Returns how long this thread has had a processor: what other programs of the machine take does not count.
fn busy() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(times.split_whitespace().next().unwrap().parse().unwrap())
}

fn server(inside: &str) -> String {
    format!("server {{ listen 80; server_name x.example.com; {inside} }}")
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut all, at| {
        writeln!(all, "{}", line(at)).unwrap();
        all
    })
}

fn file(path: &str, content: impl Into<Vec<u8>>) -> (String, Vec<u8>) {
    (path.to_owned(), content.into())
}

/// Whether a finding or an `unknown` names `path`.
fn names(review: &Review, path: &str) -> bool {
    review.findings.iter().any(|finding| finding.path == path) || review.unknown.iter().any(|unknown| unknown.path == path)
}

#[test]
fn a_file_that_is_not_read_is_named_and_is_an_input() {
    for content in [b"# x\n".repeat(2_600_000), vec![b'#'; 4_000_000], b"server { \0 }".to_vec()] {
        let found = attacked("include conf.d/*.conf;", &[file("conf.d/a.conf", content)]);
        assert!(names(&found, "conf.d/a.conf"));
        assert!(found.inputs.iter().any(|input| input.path == "conf.d/a.conf"));
    }
}

#[test]
fn one_endless_line_is_read() {
    attacked(&format!("server {{ listen 80; server_name {}; return 200; }}", "a".repeat(1_900_000)), &[]);
}

#[test]
fn braces_without_end_are_reported_once_for_a_cause() {
    for text in ["a {".repeat(200_000), "}".repeat(200_000)] {
        let found = attacked("include conf.d/*.conf;", &[file("conf.d/a.conf", text)]);
        assert!(names(&found, "conf.d/a.conf"));
        assert!(found.findings.len() < 60, "{}", found.findings.len());
    }
}

#[test]
fn fifty_thousand_names_of_one_virtual_host() {
    for pattern in ["", "*."] {
        let names = lines(50_000, |at| format!("{pattern}h{at}.example.com"));
        attacked(&format!("server {{ listen 80; server_name {names}; return 200; }}"), &[]);
    }
}

#[test]
fn thousands_of_regex_locations_stop_at_the_limit_and_say_so() {
    let found = attacked(&server(&lines(2_000, |at| format!("location ~ ^/a{at}/.*x$ {{ return 200; }}"))), &[]);
    let said = found.unknown.iter().any(|unknown| unknown.reason.contains("more here than can be compared"));
    assert_ne!(found.exact, said);
}

#[test]
fn includes_that_multiply_stop_at_the_limit() {
    let mut files = Vec::new();
    for level in 0..10 {
        for at in 0..100 {
            files.push(file(&format!("l{level}/f{at}.conf"), format!("include l{}/*.conf;\n", level + 1)));
        }
    }
    files.push(file("l10/end.conf", "# end\n"));
    assert!(attacked("include l0/*.conf;", &files).unknown.iter().any(|unknown| unknown.reason.contains("statements")));
}

#[test]
fn includes_that_include_themselves_are_a_few_findings() {
    let files: Vec<_> = (0..100).map(|at| file(&format!("d/f{at}.conf"), "include d/*.conf;\n".repeat(10))).collect();
    let found = attacked("include d/*.conf;", &files);
    assert!(found.findings.len() < 60, "{}", found.findings.len());
    assert!(found.findings.iter().any(|finding| finding.message.contains("circle")));
}

#[test]
fn patterns_that_would_run_for_ever() {
    let alternatives = format!("({})", lines(5_000, |at| format!("w{at}x")).trim_end().replace('\n', "|"));
    let patterns = [
        "(a+)+$",
        "(.*){1,32000}",
        "((a{1,1000}){1,1000}){1,1000}",
        "(?R)|((?1))",
        "^(?=(a+)+b)(?!.*c)a",
        "(((",
        &alternatives,
        &"a".repeat(100_000),
        &format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000)),
    ];
    for pattern in patterns {
        attacked(&server(&format!("location ~ \"{pattern}\" {{ return 200; }} rewrite \"{pattern}\" /x last;")), &[]);
        attacked(&format!("server {{ listen 80; server_name \"~{pattern}\"; return 200; }}"), &[]);
        attacked(&format!("map $uri $m {{ default 1; \"~{pattern}\" 2; }}\n{}", server("if ($m = 2) { return 403; } return 200;")), &[]);
    }
}

#[test]
fn variables_that_double_themselves() {
    attacked(&server(&format!("set $a aaaaaaaa; {} location / {{ proxy_pass http://$a; }}", "set $a $a$a; ".repeat(60))), &[]);
    let maps = lines(60, |at| format!("map $m{at} $m{} {{ default $m{at}$m{at}; }}", at + 1));
    attacked(&format!("map $uri $m0 {{ default aaaa; }}\n{maps}{}", server("location / { proxy_pass http://$m60; }")), &[]);
}

#[test]
fn numbers_out_of_every_range() {
    attacked(
        &format!(
            "upstream b {{ server 10.9.0.1:0 weight=4294967295; server 10.9.0.2:65536 weight=4294967295; server 10.9.0.3:99999999999999999999; \
             server 10.9.0.4:80 weight=18446744073709551615; server 10.9.0.5:80 weight=0; server 10.9.0.6:80 weight=-1; \
             server 10.9.0.7:80 max_fails=99999999999999999999 fail_timeout=99999999999999999d; keepalive 99999999999999999999; }}\n\
             server {{ listen 0; listen 65536; listen 1.2.3.4:99999999999999999; listen [; listen unix:; listen 1-70000; return 200; }}\n{}",
            server(
                "proxy_connect_timeout 99999999999999999999d; proxy_read_timeout 1y1y1y999999999999y; error_page 99999 =99999999 /; \
                 location / { proxy_pass http://b; proxy_next_upstream_tries 99999999999999999999; } location /a { proxy_pass http://b:99999; }"
            )
        ),
        &[],
    );
    let heavy = lines(250, |at| format!("server 10.9.0.{at}:80 weight=4294967295;"));
    attacked(&format!("upstream b {{ {heavy} }} {}", server("location / { proxy_pass http://b; }")), &[]);
}

#[test]
fn inventories_that_explode() {
    let mut bomb = "x0: &x0 {hosts: {h: {ansible_host: 10.20.1.11}}}\n".to_owned();
    for at in 0..30 {
        writeln!(bomb, "x{}: &x{} {{children: {{a: *x{at}, b: *x{at}, c: *x{at}}}}}", at + 1, at + 1).unwrap();
    }
    bomb.push_str("all: *x30\n");
    for (path, text) in [
        ("inventory/a.yml", bomb),
        ("inventory/b.yml", format!("all: {}{}", "{a: ".repeat(50_000), "}".repeat(50_000))),
        ("inventory/c.yml", format!("all: {}", "[".repeat(200_000))),
        ("inventory/d.yml", "all: &a\n  <<: *a\n  hosts: {x: {ansible_host: 10.20.1.11}}\n".to_owned()),
        ("inventory/e.ini", "[web]\nweb[1:100000000] ansible_host=10.20.1.11\n[x]\na[a:z][a:z][a:z][a:z][a:z]\n[x:children]\nx\n".to_owned()),
        (
            "zones/example.com.zone",
            "$ORIGIN example.com.\n@ IN SOA ns. h. 1 2 3 4 5\n$GENERATE 1-99999999999 h$ A 10.0.0.1\n$INCLUDE /etc/passwd\n".to_owned(),
        ),
    ] {
        // An inventory that cannot be read whole may hold any host: then nothing is missing, and the place is named.
        let found = reviewed("", &[file(path, text)]);
        assert!(finds_missing(&found) || names(&found, path), "{path}: {:?}", found.unknown);
    }
}

#[test]
fn ten_thousand_findings_are_bounded() {
    let found = attacked(&server(&lines(300, |at| format!("location /x{at} {{ proxy_pass http://nope{at}; }}"))), &[]);
    assert!(found.findings.len() <= 400);
    let found = attacked(&lines(3_000, |at| format!("include missing{at}.conf;")), &[]);
    assert!(found.findings.len() <= 3_100);
}

//! Does the real nginx read it the same way?

#![expect(clippy::disallowed_methods, reason = "asks the real nginx about a file in a temporary folder")]

use super::read;
use crate::support::nginx::{Nginx, available};
use std::fs;
use std::process::Command;
use waypost::snapshot::memory;

/// Contents of an `http` block, most of them tricky: what may follow a quote, where words end, what stands where.
const TRICKY: &[&str] = &[
    "",
    "server { listen 80; }",
    "server { listen 80 }",
    "server { listen 80;; }",
    "server { listen 80; };",
    "server { listen 80; } }",
    "server { listen 80;",
    "server { return 200 \"a\"b; }",
    "server { return 200 a\"b; }",
    "server { return 200 a\"b\"; }",
    "server { return 200 \"a\"\"b\"; }",
    "server { return 200 \"a\"; }",
    "server { return 200 'a\"b'; }",
    "server { return 200 'a'b'; }",
    "server { return 200 \"a; }",
    "server { return 200 \"a\\\"; }",
    "server { return 200 \"a\"#b\n; }",
    "server { return 200 a#b; }",
    "server { return 200 #b\n a; }",
    "server { return 200 \"a\"} }",
    "server { return 200 a}; }",
    "server { if ($host = \"a\") { return 200; } }",
    "server { if ($host = \"a\"){ return 200; } }",
    "server { if ($host = \"a\")x { return 200; } }",
    "server { location ~ ^/a{2}$ { return 200; } }",
    "server { location ~ \"^/a{2}$\" { return 200; } }",
    "server { location ~ ^/a\\{2}$ { return 200; } }",
    "server { set $a \"${host}x\"; }",
    "server { set $a ${host}x; }",
    "server { set $a x${host}; }",
    "server { return 200 a\\ b; }",
    "server { return 200 a\\;b; }",
    "server { return 200 a\\{b; }",
    "server { return 200 \"a\nb\"; }",
    "{ }",
    "server { { listen 80; } }",
    "server listen { }",
    "server;",
    "server { listen { } }",
    "server { location / ; }",
    "server { location { } }",
    "server { location = /a b { } }",
    "server { root /a /b; }",
    "server { root; }",
    "server { gzip yes; }",
    "server { gzip ON; }",
    "server { gzip on off; }",
    "server { map $a $b { default 1; } }",
    "map $host $b { default 1; include none; }",
    "map $host $b { hostnames; default 1; a.com 2; *.b.com 3; }",
    "server { location / { server_name a; } }",
    "server { location / { if ($host) { proxy_pass http://127.0.0.1; } } }",
    "server { if ($host) { proxy_pass http://127.0.0.1; } }",
    "server { if ($host) { add_header A b; } }",
    "server { limit_except GET { deny all; } }",
    "server { location / { limit_except GET { deny all; } } }",
    "server { location / { limit_except GET { return 403; } } }",
    "upstream a { server 127.0.0.1; keepalive 2; zone a 64k; }",
    "upstream a { listen 80; }",
    "upstream { server 127.0.0.1; }",
    "upstream a { server; }",
    "types { text/html html; }",
    "server { lsiten 80; }",
    "listen 80;",
    "server { server { } }",
    "server { location /a { location /a/b { return 200; } } }",
    "server { access_log off; error_page 404 500 /x; rewrite ^ /x last; rewrite ^ /y; }",
    "server { rewrite ^; }",
    "server { try_files /a; }",
    "server { try_files /a =404; }",
    "server { add_header A b always; add_header A; }",
    "split_clients $host $v { 50% a; * b; }",
    "geo $g { default 0; 10.0.0.0/8 1; }",
    "log_format x '$status' '$host'; ",
    "server { log_format x '$status'; }",
    "map $host $v { default 1; ~^(a 2; }",
    "map $host $v { default 1; ~*[a 2; }",
    "map $host $v { default 1; '~^(?<x>a)' 2; ~b\\( 3; }",
    "map $host $v { default 1; (a 2; }",
    "server { listen 127.0.0.1:23443 ssl; ssl_reject_handshake on; } server { listen 127.0.0.1:23443 ssl; server_name a; }",
    "ssl_reject_handshake on; server { listen 127.0.0.1:23443 ssl; } server { listen 127.0.0.1:23443; server_name a; }",
    "server { listen 127.0.0.1:23443 ssl; } server { listen 127.0.0.1:23443 default_server; ssl_reject_handshake on; }",
    "include none.conf;",
    "include none*.conf;",
    "include circle.conf;",
    "include .;",
];

#[test]
fn nginx_refuses_what_we_call_an_error_and_accepts_the_rest() {
    if !available() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("waypost-nginx-t-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("circle.conf"), "include circle.conf;").unwrap();
    let mut wrong = Vec::new();
    for http in TRICKY {
        let text = format!("pid nginx.pid; events {{}}\nhttp {{ access_log off; {http}\n}}\n");
        fs::write(folder.join("nginx.conf"), &text).unwrap();
        let out = Command::new("nginx").args(["-t", "-p"]).arg(&folder).args(["-c", "nginx.conf", "-e", "stderr"]).output().unwrap();
        let (_, model) = read(&memory([("nginx.conf", text.as_str()), ("circle.conf", "include circle.conf;")]));
        let ours: Vec<&str> = model.problems.iter().filter(|problem| problem.fatal).map(|problem| problem.message.as_str()).collect();
        if out.status.success() != ours.is_empty() {
            wrong.push(format!("{http:?}\n  nginx: {}  ours: {ours:?}", String::from_utf8_lossy(&out.stderr)));
        }
        assert!(ours.len() <= 2, "{http:?}: {ours:?}");
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Words as written; nginx answers with what it makes of each.
const WORDS: &[&str] = &[
    "plain",
    "a\"b",
    "a\"b\"c",
    "a'b",
    "a#b",
    "a}b",
    "a}",
    "\"a b\"",
    "'a b'",
    "\"a\\\"b\"",
    "'a\\\"b'",
    "\"a'b\"",
    "a\\tb",
    "a\\nb",
    "\"a\\\\b\"",
    "a\\qb",
    "a\\;b",
    "a\\ b",
    "a\\{b",
    "\"a;{}#b\"",
    "\"a\nb\"",
    "\\\"a",
    "\\#a",
    "a\\\\",
    "${empty}a",
    "a${empty}b",
    "\"{${empty}}\"",
    "ä",
];

#[test]
fn words_are_what_nginx_makes_of_them() {
    if !available() {
        return;
    }
    let words = WORDS.iter();
    let locations: String =
        words.clone().enumerate().map(|(n, word)| ["location = /", &n.to_string(), " { return 200 ", word, "; }\n"].concat()).collect();
    let text = ["events {}\nhttp { map $host $empty { default ''; }\nserver { listen 127.0.0.1:{port:a};\n", &locations, "} }\n"].concat();
    let nginx = Nginx::start(&text, &[]);
    let (configs, model) = read(&memory([("nginx.conf", nginx.config.as_str())]));
    assert_eq!(model.problems, []);
    let http = configs[0].directives[1].block.as_ref().unwrap();
    let server = http.iter().find(|directive| directive.name() == "server").unwrap().block.as_ref().unwrap();
    for (n, word) in words.enumerate() {
        let answer = Nginx::send(nginx.port("a"), "GET", "h", &format!("/{n}"), &[]);
        let ours = server[n + 1].block.as_ref().unwrap()[0].arg(1).unwrap();
        assert_eq!(ours.replace("${empty}", ""), answer.body, "{word}");
    }
}

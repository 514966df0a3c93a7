//! Values, duplicates and references that nginx refuses, and their neighbours that it takes: asked of `nginx -t`, one by one.

#![expect(clippy::disallowed_methods, reason = "asks the real nginx about a file in a temporary folder")]

use crate::support::nginx::available;
use std::fs;
use std::process::Command;
use waypost::snapshot::memory;

/// Statements of a `server`; each is asked alone.
const IN_SERVER: &[&str] = &[
    "expires 1Y;",
    "expires 1M;",
    "expires 1y;",
    "expires modified +24h;",
    "expires @15h30m;",
    "expires -1;",
    "expires max;",
    "expires 30 d;",
    "expires $host;",
    "expires 500ms;",
    "limit_req zone=one burst=0;",
    "limit_req zone=one burst=5;",
    "limit_req zone=one burst=5 nodelay;",
    "limit_req zone=one delay=3;",
    "limit_req zone=one burst;",
    "limit_req one;",
    "limit_req zone=nowhere;",
    "limit_conn two 0;",
    "limit_conn two 10;",
    "limit_conn two x;",
    "limit_conn nowhere 5;",
    "limit_req_status 399;",
    "limit_req_status 429;",
    "fastcgi_next_upstream http_504;",
    "fastcgi_next_upstream http_503;",
    "uwsgi_next_upstream http_502;",
    "scgi_next_upstream http_504 error;",
    "proxy_next_upstream http_504 http_502 off;",
    "proxy_next_upstream errors;",
    "grpc_next_upstream http_502;",
    "proxy_next_upstream_tries 3;",
    "proxy_next_upstream_tries -1;",
    "proxy_next_upstream_timeout 5x;",
    "proxy_buffer_size 32k;",
    "proxy_buffer_size 8k;",
    "proxy_buffer_size 16k;",
    "proxy_buffer_size 32k; proxy_buffers 8 32k;",
    "proxy_buffer_size 32k; proxy_buffers 8 16k; proxy_busy_buffers_size 64k;",
    "proxy_buffer_size 32k; proxy_busy_buffers_size 16k;",
    "proxy_buffers 1 4k;",
    "proxy_buffers 4 256k;",
    "proxy_buffers 2 4k;",
    "proxy_busy_buffers_size 32k;",
    "fastcgi_buffer_size 32k;",
    "fastcgi_buffers 16 16k; fastcgi_buffer_size 32k;",
    "uwsgi_buffer_size 32k;",
    "grpc_buffer_size 32k;",
    "proxy_buffer_size 8kb;",
    "proxy_buffer_size 8 k;",
    "client_max_body_size 10G;",
    "client_max_body_size 10mb;",
    "client_max_body_size 0;",
    "client_body_buffer_size 1g;",
    "proxy_read_timeout 1Y;",
    "proxy_read_timeout 1h30m;",
    "proxy_read_timeout 500ms;",
    "proxy_read_timeout 30m1h;",
    "proxy_connect_timeout -5;",
    "client_header_timeout 10 s;",
    "ssl_session_timeout 500ms;",
    "ssl_session_timeout 1d;",
    "return 1000;",
    "return 999;",
    "return 200;",
    "return http://a/;",
    "return /path;",
    "return $scheme://a/;",
    "return 301 /path;",
    "return abc x;",
    "error_page 404 /x;",
    "error_page 200 /x;",
    "error_page 404 =200 /x;",
    "error_page =200 404 /x;",
    "error_page 404 = @x;",
    "error_page 499 /x;",
    "error_page 4o4 /x;",
    "rewrite ^ /x lst;",
    "rewrite ^ /x permanent;",
    "listen 0;",
    "listen 70000;",
    "listen 127.0.0.1:65535;",
    "listen 127.0.0.1:99999;",
    "listen [::1]:8080;",
    "satisfy some;",
    "satisfy any;",
    "ssl_protocols TLSv1.2 TLSv1.3;",
    "ssl_protocols TLS1.2;",
    "ssl_verify_client optional;",
    "ssl_verify_client yes;",
    "gzip_comp_level 10;",
    "gzip_comp_level 9;",
    "gzip_proxied any;",
    "gzip_proxied all;",
    "keepalive_timeout 65;",
    "keepalive_requests 100;",
    "keepalive_requests many;",
    "add_header A b always;",
    "add_header A b c;",
    "root /a; root /b;",
    "gzip on; gzip off;",
    "client_max_body_size 1m; client_max_body_size 2m;",
    "error_page 404 /x; error_page 500 /y;",
    "index a; index b;",
    "try_files /a /b; try_files /c /d;",
    "proxy_read_timeout 5s; proxy_read_timeout 6s;",
    "proxy_set_header A b; proxy_set_header A c;",
    "server_name a; server_name b;",
    "auth_basic x; auth_basic off;",
    "satisfy any; satisfy all;",
    "expires 1h; expires 2h;",
    "proxy_next_upstream error; proxy_next_upstream timeout;",
    "location / { proxy_pass http://127.0.0.1; proxy_pass http://127.0.0.2; }",
    "location / { root /a; alias /b; }",
    "location / { alias /a; alias /b; }",
    "location /a { } location /a { }",
    "location = /a { } location /a { }",
    "location /a { } location ^~ /a { }",
    "location ~ a { } location ~ a { }",
    "location @a { } location @a { }",
    "return 200 $nothing;",
    "return 200 $arg_x;",
    "set $a $nowhere;",
    "location ~ ^/(x { }",
    "location ~ ^/x) { }",
    "location ~ ^/[x { }",
    "location ~ ^/[]x)(]$ { }",
    "location ~ ^/[[:alpha:](]+$ { }",
    "location ~ ^/\\(x { }",
    "if ($uri ~ ^/(x|y)) { return 200; }",
    "if ($uri ~ \"^/(x\") { return 200; }",
    "if ($uri ~ '') { return 200; }",
    "rewrite ^/(x /y;",
    "rewrite ^/(x) /y;",
];

/// Statements of `http`; each is asked alone.
const IN_HTTP: &[&str] = &[
    "upstream u { server 127.0.0.1 weight=0; }",
    "upstream u { server 127.0.0.1 weight=2 max_fails=0 fail_timeout=10s; }",
    "upstream u { server 127.0.0.1 wieght=2; }",
    "upstream u { server 127.0.0.1 fail_timeout=10x; }",
    "upstream u { server 127.0.0.1 max_fails=x; }",
    "upstream u { server 127.0.0.1; keepalive 0; }",
    "upstream u { server 127.0.0.1; } upstream u { server 127.0.0.1; }",
    "limit_req_zone $host zone=three:32k rate=1r/s;",
    "limit_req_zone $host zone=three:16k rate=1r/s;",
    "limit_req_zone $host zone=three rate=1r/s;",
    "limit_req_zone $host zone=three:10m rate=0r/s;",
    "limit_req_zone $host zone=three:10m rate=10;",
    "limit_req_zone $host zone=three:10m rate=10r/h;",
    "limit_req_zone $host zone=one:10m rate=1r/s;",
    "limit_req_zone $remote_addr zone=one:10m rate=1r/s;",
    "limit_conn_zone $host zone=two:10m;",
    "limit_conn_zone $host zone=four:10m;",
    "split_clients $host $v { 60% a; 60% b; }",
    "split_clients $host $v { 33.3% a; * b; }",
    "split_clients $host $v { 0.001% a; * b; }",
    "split_clients $host $v { x% a; }",
    "geo $g { default 0; nonsense 1; }",
    "geo $g { ranges; 10.0.0.1-10.0.0.9 1; }",
    "geo $g { ranges; 10.0.0.0/8 1; }",
    "map_hash_bucket_size 64;",
    "map_hash_bucket_size 64k;",
    "server { listen 8080 default_server; } server { listen 8080 default_server; }",
    "server { listen 8080; server_name a; } server { listen 8080; server_name a; }",
];

#[test]
fn values_that_nginx_refuses_are_errors_and_others_are_none() {
    if !available() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("waypost-nginx-v-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let zones = "limit_req_zone $remote_addr zone=one:1m rate=1r/s; limit_conn_zone $remote_addr zone=two:1m;";
    let server = |text: &&str| format!("{zones} server {{ {text} }}");
    let all = IN_SERVER.iter().map(server).chain(IN_HTTP.iter().map(|text| format!("{zones} {text}")));
    let mut wrong = Vec::new();
    for http in all {
        let text = format!("pid nginx.pid; events {{}}\nhttp {{ access_log off; {http}\n}}\n");
        fs::write(folder.join("nginx.conf"), &text).unwrap();
        let out = Command::new("nginx").args(["-t", "-p"]).arg(&folder).args(["-c", "nginx.conf", "-e", "stderr"]).output().unwrap();
        let model = waypost::formats::read(&memory([("nginx.conf", text.as_str())]));
        let ours: Vec<&str> = model.problems.iter().filter(|problem| problem.fatal).map(|problem| problem.message.as_str()).collect();
        if out.status.success() != ours.is_empty() || ours.len() > 1 {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.lines().find(|line| line.contains("[emerg]")).unwrap_or("accepts it");
            wrong.push(format!("{http}\n  nginx: {said}\n  ours: {ours:?}"));
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

//! Writes random configurations from small alphabets, so that patterns overlap and every construct meets every other.
//!
//! Most of what is written is valid; what nginx refuses, the model has to refuse as well.

use super::pieces;
use crate::support::random::Random;
use std::collections::BTreeSet;

/// A configuration with what its requests are drawn from.
pub(super) struct Case {
    /// The statements of `http`; `{a}`, `{b}` and `{c}` are the ports of the backends.
    pub(super) http: String,
    pub(super) files: Vec<(String, String)>,
    /// Paths near the patterns of the locations.
    pub(super) paths: Vec<String>,
    /// Hosts near the names of the servers.
    pub(super) hosts: Vec<String>,
    /// Clients speak TLS.
    pub(super) tls: bool,
}

/// Writes one configuration.
pub(super) fn configuration(random: &mut Random) -> Case {
    let tls = random.chance(15);
    let mut grammar =
        Grammar { random, number: 0, paths: vec!["/".to_owned(), "/a".to_owned(), "/b/a".to_owned()], hosts: vec!["h".to_owned()], tls };
    let http = grammar.http();
    let (paths, hosts) = (grammar.paths, grammar.hosts);
    let files = ["a.txt", "a.php", "b/a.txt", "b/index.html", "ab/a", "index.php", "err.html"];
    let files =
        ["www", "srv", "www/a"].iter().flat_map(|root| files.map(|name| (format!("{root}/{name}"), format!("file in {{prefix}}/{root}/{name}"))));
    let users = ("users".to_owned(), "u:{PLAIN}p\n".to_owned());
    Case { http, files: files.chain([users]).collect(), paths, hosts, tls }
}

/// Where statements stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Server,
    /// `= /x`, which has no nested locations.
    Exact,
    Prefix,
    Regex,
    Named,
    If,
    LimitExcept,
}

struct Grammar<'r> {
    random: &'r mut Random,
    /// Makes every `return` recognisable.
    number: usize,
    paths: Vec<String>,
    hosts: Vec<String>,
    tls: bool,
}

impl Grammar<'_> {
    fn chance(&mut self, percent: usize) -> bool {
        self.random.chance(percent)
    }

    fn pick(&mut self, items: &[&'static str]) -> &'static str {
        self.random.pick(items)
    }

    /// Writes `text` in `percent` of all cases.
    fn maybe(&mut self, percent: usize, out: &mut String, text: &str) {
        if self.chance(percent) {
            out.push_str(text);
        }
    }

    fn http(&mut self) -> String {
        let mut out = pieces::variables(self.random);
        out.push_str("upstream pool_a { server 127.0.0.1:{a}; }\nupstream pool_b { server 127.0.0.1:{b}; }\n");
        out.push_str("upstream pool_mix { server 127.0.0.1:{a} weight=2; server 127.0.0.1:{b}; server 127.0.0.1:{c} backup; }\n");
        out.push_str("upstream pool_down { server 127.0.0.1:{a} down; server 127.0.0.1:{c}; }\n");
        out.push_str(
            "upstream pool_dead { server 127.0.0.1:{dead}; }\nupstream pool_half { server 127.0.0.1:{dead} weight=3; server 127.0.0.1:{b}; }\n",
        );
        out.push_str("upstream pool_back { server 127.0.0.1:{dead}; server 127.0.0.1:{c} backup; }\n");
        out.push_str("upstream pool_weak { server 127.0.0.1:{a}; server 127.0.0.1:{dead} max_fails=0; server 127.0.0.1:{a} backup; }\n");
        self.maybe(4, &mut out, "proxy_next_upstream off;\n");
        self.maybe(4, &mut out, "proxy_intercept_errors on;\n");
        if self.tls {
            out.push_str("ssl_certificate one.pem; ssl_certificate_key one.pem; ssl_client_certificate one.pem;\n");
        }
        self.maybe(10, &mut out, "recursive_error_pages on;\n");
        self.maybe(10, &mut out, "error_page 404 /never;\n");
        self.maybe(10, &mut out, "merge_slashes off;\n");
        self.maybe(10, &mut out, "root {prefix}/srv;\n");
        self.maybe(8, &mut out, "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;\n");
        self.maybe(4, &mut out, "real_ip_recursive on;\n");
        self.maybe(5, &mut out, "limit_req_status 429;\n");
        self.maybe(5, &mut out, "deny 10.1.2.3;\n");
        self.maybe(8, &mut out, "index index.php index.html;\n");
        let servers = 1 + self.random.below(3);
        for at in 0..servers {
            out.push_str(&self.server(at));
        }
        out
    }

    fn server(&mut self, at: usize) -> String {
        let mut out = String::from("server {\n  listen 127.0.0.1:{port:front}");
        self.maybe(if at == 1 { 30 } else { 0 }, &mut out, " default_server");
        // An address speaks TLS as soon as one of its servers says so.
        let over_tls = self.tls && (at == 0 || self.chance(60));
        self.maybe(if over_tls { 100 } else { 0 }, &mut out, " ssl");
        out.push_str(";\n");
        if self.chance(85) {
            out.push_str("  server_name");
            for _ in 0..=self.random.below(2) {
                let (pattern, host) = self.random.pick(pieces::NAMES);
                out.push(' ');
                out.push_str(pattern);
                self.hosts.push(host.to_owned());
            }
            out.push_str(";\n");
        }
        for (percent, line) in [
            (25, "root {prefix}/www;"),
            (10, "error_page 404 = @named;"),
            (8, "error_page 403 =200 /a;"),
            (6, "recursive_error_pages on;"),
            (8, "server_name_in_redirect on;"),
            (8, "port_in_redirect off;"),
            (8, "absolute_redirect off;"),
            (6, "allow 127.0.0.1; deny all;"),
            (4, "set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8; real_ip_header X-K; real_ip_recursive on;"),
            (4, "limit_req zone=r burst=10000 nodelay;"),
            (4, "deny 127.0.0.1;"),
            (5, "satisfy any;"),
            (8, "index a.txt index.php /b/index.html;"),
            (5, "try_files $uri @named;"),
            (3, "error_page 502 504 =503 /never;"),
            (3, "error_page 405 /never;"),
            (if at == 0 && !self.tls { 4 } else { 0 }, "merge_slashes off;"),
        ] {
            if self.chance(percent) {
                out.push_str(&format!("  {line}\n"));
            }
        }
        if self.tls {
            out.push_str(&self.tls_settings());
        }
        if self.chance(25) {
            out.push_str(&self.instructions(Place::Server, 1));
        }
        let many = 2 + self.random.below(7);
        out.push_str(&self.locations(Some(""), many, 1));
        out.push_str(&self.location("  ", "@named", Place::Named, 2));
        let asked = self.pick(&["return 204;", "return 204;", "return 401;", "return 403;", "return 404;", "deny all;", "proxy_pass http://pool_a;"]);
        out.push_str(&format!("  location = /auth {{ {asked} }}\n"));
        // Every variable that may be used is set somewhere.
        out.push_str("  location = /never { set $v0 x; set $v1 y; set $pool pool_a; return 299; }\n");
        out.push_str("  location ~ ^/never/(?<seg>.)(?<tail>.)(?<sub>.) { return 299; }\n}\n");
        out
    }

    /// Writes settings of a server that speaks TLS.
    fn tls_settings(&mut self) -> String {
        let mut out = String::new();
        for (percent, line) in [
            (30, "ssl_certificate two.pem; ssl_certificate_key two.pem;"),
            (10, "ssl_reject_handshake on;"),
            (10, "ssl_verify_client on;"),
            (10, "ssl_verify_client optional;"),
            (10, "error_page 497 =302 https://$host/p$request_uri;"),
            (10, "error_page 495 496 =418 /never;"),
        ] {
            if self.chance(percent) {
                out.push_str(&format!("  {line}\n"));
            }
        }
        out
    }

    /// Writes locations side by side below `prefix`; only regexes without one.
    fn locations(&mut self, prefix: Option<&str>, many: usize, depth: usize) -> String {
        let mut out = String::new();
        let mut seen: BTreeSet<String> = BTreeSet::from(["= /never".to_owned()]);
        let indent = "  ".repeat(depth);
        for _ in 0..many {
            // A prefix below a regex is refused unless the regex begins with it as a text.
            let regex = prefix.is_none() || self.chance(35);
            let (header, place, key) = if regex {
                let (pattern, paths) = self.random.pick(pieces::REGEXES);
                let modifier = self.pick(&["~", "~", "~*"]);
                self.paths.extend(paths.iter().map(|path| (*path).to_owned()));
                (format!("{modifier} {pattern}"), Place::Regex, format!("{modifier}{pattern}"))
            } else {
                let path = format!("{}{}", prefix.unwrap_or_default(), self.pick(pieces::PATHS)).replace("//", "/");
                self.paths.push(path.clone());
                let exact = self.chance(20);
                let modifier = if exact { "= " } else { self.pick(&["", "", "", "^~ "]) };
                let key = if exact { format!("= {path}") } else { path.clone() };
                (format!("{modifier}{path}"), if exact { Place::Exact } else { Place::Prefix }, key)
            };
            if seen.insert(key) {
                out.push_str(&self.location(&indent, &header, place, depth + 1));
            }
        }
        out
    }

    fn location(&mut self, indent: &str, header: &str, place: Place, depth: usize) -> String {
        let mut out = format!("{indent}location {header} {{\n");
        let inner = format!("{indent}  ");
        let nests = depth <= 3 && matches!(place, Place::Prefix | Place::Regex) && self.chance(20);
        if self.chance(35) {
            out.push_str(&self.instructions(place, depth));
        }
        for line in self.settings(place) {
            out.push_str(&format!("{inner}{line}\n"));
        }
        if nests {
            let many = 1 + self.random.below(3);
            let prefix = (place == Place::Prefix).then(|| header.trim_start_matches("^~ "));
            out.push_str(&self.locations(prefix, many, depth));
        }
        if place != Place::Named && self.chance(6) {
            let methods = self.pick(&["GET", "POST", "GET POST", "HEAD PUT"]);
            let content = self.content(Place::LimitExcept);
            out.push_str(&format!("{inner}limit_except {methods} {{ {} }}\n", if content.contains("return") { "deny all;" } else { &content }));
        }
        out.push_str(&format!("{inner}{}\n{indent}}}\n", self.content(place)));
        out
    }

    /// Writes settings of a location.
    fn settings(&mut self, place: Place) -> Vec<String> {
        let mut out = Vec::new();
        let mut maybe = |this: &mut Self, percent: usize, lines: &[&'static str]| {
            if this.chance(percent) {
                out.push(this.pick(lines).to_owned());
            }
        };
        if place != Place::Named {
            maybe(self, 5, &["internal;"]);
        }
        maybe(
            self,
            8,
            &[
                "error_page 404 /a.txt;",
                "error_page 404 = @named;",
                "error_page 403 404 =418 /never;",
                "error_page 404 =200 /err?x=1;",
                "error_page 502 = @named;",
                "error_page 401 403 http://o/e$uri;",
                "error_page 405 =200 /b/;",
                "error_page 500 =503 /never;",
                "error_page 502 504 =200 /a;",
                "error_page 502 /never;",
                "error_page 502 404 403 = @named;",
                "error_page 502 =302 http://o/busy;",
                "error_page 504 502 = /never;",
                "error_page 500 502 503 504 /never;",
            ],
        );
        maybe(
            self,
            4,
            &[
                "proxy_next_upstream off;",
                "proxy_next_upstream error timeout invalid_header;",
                "proxy_next_upstream timeout;",
                "proxy_next_upstream_tries 1;",
                "proxy_next_upstream_tries 2; proxy_next_upstream_timeout 5s;",
            ],
        );
        maybe(self, 4, &["proxy_intercept_errors on;", "proxy_intercept_errors off;"]);
        maybe(self, 2, &["auth_request /auth;", "auth_request off;", "satisfy any; auth_request /auth; deny all;"]);
        maybe(self, 4, &["recursive_error_pages on;", "recursive_error_pages off;"]);
        maybe(self, 8, &["allow 127.0.0.1; deny all;", "deny all;", "allow all;", "deny 10.0.0.0/8; allow all;", "deny 127.0.0.0/8;"]);
        maybe(
            self,
            3,
            &["satisfy any; allow 127.0.0.1; deny all; auth_basic x; auth_basic_user_file users;", "auth_basic x; auth_basic_user_file users;"],
        );
        maybe(self, 4, &["absolute_redirect off;", "port_in_redirect off;", "server_name_in_redirect on;"]);
        maybe(self, 3, &["set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;", "limit_conn c 1000; limit_req zone=r burst=10000 nodelay;"]);
        maybe(self, 4, &["index index.php;", "index /a;", "index a.txt b;"]);
        out
    }

    /// Writes rewrite instructions.
    fn instructions(&mut self, place: Place, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let mut out = String::new();
        for _ in 0..=self.random.below(3) {
            let line = match self.random.below(10) {
                0..=2 => format!("set ${} {};", self.pick(&["v0", "v1"]), self.random.pick(pieces::VALUES)),
                3..=5 => {
                    let flag = self.pick(&["", " last", " last", " break", " break", " redirect", " permanent"]);
                    let (regex, to) = (self.random.pick(pieces::REWRITTEN), self.random.pick(pieces::REPLACEMENTS));
                    format!("rewrite {regex} {to}{flag};")
                }
                6 if place == Place::Server => format!("set $v1 {};", self.random.pick(pieces::VALUES)),
                6 => "break;".to_owned(),
                _ => self.if_block(place),
            };
            out.push_str(&format!("{indent}{line}\n"));
        }
        out
    }

    fn if_block(&mut self, place: Place) -> String {
        let condition = self.random.pick(pieces::CONDITIONS);
        let body = match self.random.below(8) {
            0 | 1 => self.answer(),
            2 => format!("set $v0 {};", self.random.pick(pieces::VALUES)),
            3 => format!(
                "rewrite {} {}{};",
                self.random.pick(pieces::REWRITTEN),
                self.random.pick(pieces::REPLACEMENTS),
                self.pick(&["", " last", " break"])
            ),
            4 => "break;".to_owned(),
            _ if place == Place::Server => format!("set $v1 {}; {}", self.random.pick(pieces::VALUES), self.pick(&["", "break;"])),
            5 => "error_page 404 403 = @named;".to_owned(),
            _ => self.content(Place::If),
        };
        format!("if ({condition}) {{ {body} }}")
    }

    fn answer(&mut self) -> String {
        self.number += 1;
        let number = self.number;
        match self.random.below(10) {
            0..=2 => format!("return 302 http://o/{number}/$uri?{};", self.random.pick(pieces::SHOWN)),
            3 => format!("return 301 /r{};", self.random.pick(pieces::SHOWN)),
            4 => "return 404;".to_owned(),
            5 => format!("return {};", self.pick(&["403", "401", "500", "444", "502", "503", "405"])),
            6 => format!("return 404 text{number};"),
            _ => format!("return {};", 205 + number % 90),
        }
    }

    /// Writes what a location does with its requests.
    fn content(&mut self, place: Place) -> String {
        let uri_allowed = matches!(place, Place::Exact | Place::Prefix);
        match self.random.below(20) {
            0..=4 if place != Place::LimitExcept => self.answer(),
            0 => "deny all;".to_owned(),
            5 if place != Place::LimitExcept => "root {prefix}/www;".to_owned(),
            6 if matches!(place, Place::Prefix | Place::Exact | Place::Regex) => {
                self.pick(&["alias {prefix}/srv/;", "alias {prefix}/www/b;", "alias {prefix}/srv/;"]).to_owned()
            }
            7 | 8 if !matches!(place, Place::If | Place::LimitExcept) => format!("root {{prefix}}/www; {}", self.pick(pieces::TRIES)),
            9 if !matches!(place, Place::If | Place::LimitExcept) => format!("{} {}", self.pick(pieces::TRIES_BEFORE_A_PASS), self.pass(uri_allowed)),
            10 if place != Place::LimitExcept => String::new(),
            11 if self.chance(40) => self
                .pick(&[
                    "fastcgi_pass 127.0.0.1:{dead};",
                    "fastcgi_pass pool_dead;",
                    "uwsgi_pass pool_dead;",
                    "scgi_pass 127.0.0.1:{dead};",
                    "grpc_pass grpc://pool_dead;",
                    "grpc_pass pool_dead; grpc_next_upstream off;",
                ])
                .to_owned(),
            _ => self.pass(uri_allowed),
        }
    }

    fn pass(&mut self, uri_allowed: bool) -> String {
        let pool = if self.chance(12) {
            self.pick(&["pool_dead", "pool_half", "pool_back", "pool_weak", "127.0.0.1:{dead}"])
        } else {
            self.pick(&["127.0.0.1:{a}", "127.0.0.1:{b}", "pool_a", "pool_b", "pool_mix", "pool_down", "127.0.0.1:{c}", "$pool", "$m_pool"])
        };
        let uri = match self.random.below(12) {
            0..=4 => "",
            5 => "/",
            6 => "/u/",
            7 => "/u",
            8 => "$request_uri",
            9 => "$uri",
            10 => "/v$1$is_args$args",
            _ => "/w/$v0?x=$arg_a",
        };
        let uri = if uri_allowed || uri.contains('$') || pool.contains('$') { uri } else { "" };
        format!("proxy_pass http://{pool}{uri};")
    }
}

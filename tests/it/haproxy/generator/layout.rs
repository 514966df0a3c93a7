//! Sections: how a configuration is put together.

use super::{BACKENDS, Generator, HOSTS, SEGMENTS, Written};
use std::fmt::Write;

/// Makes a key of a map.
type Key = fn(&mut Generator) -> String;

impl Generator {
    /// A whole configuration.
    pub(in super::super) fn configuration(&mut self) -> Written {
        match self.below(10) {
            0 => self.passed_through(),
            1 => self.terminated(),
            _ => self.plain(),
        }
    }

    /// Requests in clear text.
    fn plain(&mut self) -> Written {
        let mut config = self.opening();
        let listen = self.chance(25);
        // A `listen` may not take from a `defaults` that has rules.
        let from = if listen { String::new() } else { self.pick(&["", "", "", " from named"]).to_owned() };
        writeln!(config, "{} web{from}\n bind 127.0.0.1:{{port:front}}", if listen { "listen" } else { "frontend" }).unwrap();
        let own = self.way(&mut config);
        if listen {
            config.push_str(" server own 127.0.0.1:{port:a}\n");
        } else if own && self.chance(20) {
            config.push_str(" bind 127.0.0.1:{port:front2}\n");
        }
        let mut files = self.files();
        let mut backends = String::new();
        self.backends(&mut backends);
        // What names a backend is loaded with the file that has it.
        if config.contains(" default_backend be_") && self.chance(20) {
            let defaults = "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n";
            files.push(("z-backends.cfg".to_owned(), format!("{defaults}{backends}")));
        } else {
            config.push_str(&backends);
        }
        Written { config, files, tls: false }
    }

    /// `global`, `defaults` and what is taken from them.
    pub(super) fn opening(&mut self) -> String {
        let mut config = String::from("global\n expose-experimental-directives\n setenv PORTAL /api\n setenv STAGE blue\n");
        config.push_str(self.pick(&["", "", " maxconn 1000\n", " tune.bufsize 32768\n"]));
        config.push_str("defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n timeout tarpit 10ms\n");
        for line in
            ["option redispatch", "retries 2", "balance leastconn", "default-server weight 10", "option http-server-close", "option forwardfor"]
        {
            if self.chance(12) {
                writeln!(config, " {line}").unwrap();
            }
        }
        if self.chance(12) {
            config.push_str(self.pick(&[" errorfile 403 gone.http\n", " errorfile 503 busy.http\n", " http-error status 503 errorfile gone.http\n"]));
        }
        config.push_str("defaults named\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n timeout tarpit 10ms\n");
        if self.chance(50) {
            writeln!(config, " http-request set-header x-tag gold if {{ {} }}", self.test()).unwrap();
        }
        if self.chance(50) {
            writeln!(config, " default_backend {}", self.pick(BACKENDS)).unwrap();
        }
        config.push_str("defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n timeout tarpit 10ms\n");
        config
    }

    /// The rules of a section that requests enter by; returns whether anything stands there.
    pub(super) fn way(&mut self, config: &mut String) -> bool {
        let acls = 2 + self.below(6);
        for acl in 0..acls {
            for _ in 0..=self.below(2) {
                let test = self.test();
                let given = if self.chance(6) { self.chosen(&test, acl) } else { format!(" acl acl{acl} {test}\n") };
                config.push_str(&given);
            }
        }
        if self.chance(10) {
            writeln!(config, " monitor-uri {}", self.path()).unwrap();
        }
        if self.chance(10) {
            config.push_str(" stick-table type ip size 1k expire 10s store http_req_rate(10s)\n http-request track-sc0 src\n");
            config.push_str(" http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100000 }\n");
        }
        for _ in 0..self.below(3) {
            if self.chance(25) {
                let action = self.pick(&["accept", "reject", "accept"]).to_owned();
                writeln!(
                    config,
                    " tcp-request {} {action} if {{ src {} }}",
                    self.pick(&["content", "connection", "session"]),
                    self.pick(&["10.0.0.0/8", "192.168.0.0/16", "127.0.0.1"])
                )
                .unwrap();
            }
        }
        let rules = self.below(7);
        for _ in 0..rules {
            writeln!(config, " http-request {}", self.rule(acls)).unwrap();
        }
        if self.chance(12) {
            let to = self.pick(&["location /moved", "prefix /pre", "scheme https code 301", "prefix http://p.ex code 307 drop-query"]).to_owned();
            writeln!(config, " redirect {to} {}", self.condition(acls)).unwrap();
        }
        for _ in 0..=self.below(6) {
            let name = if self.chance(30) { self.dynamic() } else { self.pick(BACKENDS).to_owned() };
            writeln!(config, " use_backend {name} {}", self.condition(acls)).unwrap();
        }
        if self.chance(75) {
            writeln!(config, " default_backend {}", self.pick(BACKENDS)).unwrap();
        }
        rules > 0
    }

    /// A line under `.if`, decided by the environment.
    fn chosen(&mut self, test: &str, acl: usize) -> String {
        let condition = self.pick(&["defined(STAGE)", "streq(\"$STAGE\",blue)", "strneq(\"$STAGE\",blue)", "1", "0", "!defined(STAGE)"]).to_owned();
        let other = self.test();
        format!(".if {condition}\n acl acl{acl} {test}\n.else\n acl acl{acl} {other}\n acl acl{acl} path_beg \"${{PORTAL}}/${{NONE-v1}}\"\n.endif\n")
    }

    pub(super) fn backends(&mut self, config: &mut String) {
        for (name, port) in BACKENDS.iter().zip(["a", "b", "c", "d"]) {
            writeln!(config, "backend {name}").unwrap();
            if self.chance(50) {
                writeln!(config, " acl acl0 {}", self.test()).unwrap();
                for _ in 0..=self.below(3) {
                    writeln!(config, " http-request {}", self.rule(1)).unwrap();
                }
            }
            self.servers(config, port);
        }
    }

    fn servers(&mut self, config: &mut String, port: &str) {
        let other = self.pick(&["a", "b", "c", "d"]).to_owned();
        let (one, two) = (format!("127.0.0.1:{{port:{port}}}"), format!("127.0.0.1:{{port:{other}}}"));
        let lines = match self.below(15) {
            0 => String::new(),
            1 => format!(" server one {one} weight 0\n"),
            2 => format!(" server one {one} disabled\n server two {two} backup\n"),
            3 => format!(" server one {one} weight 3\n server two {two}\n"),
            4 => {
                let condition = self.condition(0);
                format!(" use-server two {condition}\n server one {one}\n server two {two} weight 0\n")
            }
            5 => format!(" server-template t 2 {one}\n"),
            6 => format!(" server-template t 1-3 {one} disabled\n server two {two} backup\n"),
            7 => format!(" option allbackups\n server one {one} disabled\n server two {two} backup\n server three {one} backup weight 2\n"),
            8 => format!(" default-server disabled\n server one {one}\n server two {two} enabled\n"),
            9 => format!(" default-server backup weight 5\n server one {one} no-backup\n server two {two}\n"),
            10 => format!(
                " balance {}\n server one {one}\n server two {two} weight 0\n",
                self.pick(&["leastconn", "source", "uri", "random", "first", "hdr(x-tag)"])
            ),
            11 => format!(" default-server check inter 10s\n server one {one}\n server two {two} track one\n")
                .replace("track one", "track one no-check"),
            12 => format!(" dispatch {one}\n"),
            _ => format!(" server one {one}\n"),
        };
        config.push_str(&lines);
    }

    pub(super) fn files(&mut self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        // A file for each kind of match: HAProxy 2.6 answers two kinds on one file from one cache, with what the first of them found.
        let keys: [(&str, Key); 11] = [
            ("paths", Self::path),
            ("beginnings", Self::path),
            ("ends", |this| this.pick(SEGMENTS).to_owned()),
            ("folders", |this| this.pick(SEGMENTS).to_owned()),
            ("parts", |this| this.pick(SEGMENTS).to_owned()),
            ("hosts", |this| this.pick(HOSTS).to_ascii_lowercase()),
            ("patterns", Self::regex),
            ("words", |this| this.pick(&["a", "b", "gold", "ab", "1", "2", "abc", "z"]).to_owned()),
            ("domains", |this| this.pick(&["ex.com", "a", "www", "test", "b.ex"]).to_owned()),
            ("numbers", |this| this.pick(&["1", "2", "3:6", "10", "42", "7:"]).to_owned()),
            ("networks", |this| this.pick(&["10.0.0.0/8", "10.1.0.0/16", "127.0.0.1", "192.168.0.0/16", "192.168.7.7"]).to_owned()),
        ];
        for (name, key) in keys {
            let mut map = String::from("# a map\n");
            for _ in 0..2 + self.below(6) {
                let key = key(self);
                let value = if self.chance(15) { "nowhere" } else { self.pick(BACKENDS) };
                if !key.contains(' ') {
                    writeln!(map, "{key} {value}").unwrap();
                }
            }
            files.push((format!("{name}.map"), map));
        }
        let groups = format!("^/([a-z]+)/(.*)$ /g/\\2/\\1\n{} /g2\n", self.regex());
        files.push(("groups.map".to_owned(), groups));
        let mut list = String::new();
        for _ in 0..4 {
            writeln!(list, "{}", self.path()).unwrap();
        }
        files.push(("paths.lst".to_owned(), list));
        files.push(("parts.lst".to_owned(), format!("# parts\n  {}\n\nv1\n{}/\n", self.pick(SEGMENTS), self.pick(SEGMENTS))));
        files.push(("gone.http".to_owned(), "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()));
        files.push(("busy.http".to_owned(), "HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nbad".to_owned()));
        files
    }

    pub(super) fn regex(&mut self) -> String {
        let segment = self.pick(SEGMENTS).to_owned();
        match self.below(8) {
            0 => format!("^/{segment}"),
            1 => format!("/{segment}$"),
            2 => segment,
            3 => format!("^/({segment}|new)/"),
            4 => "^/[^/]+/[a-z0-9]+$".to_owned(),
            5 => "[0-9]".to_owned(),
            6 => format!("^/([^/]*)/(.*){segment}"),
            _ => "^(/+)(.*)$".to_owned(),
        }
    }
}

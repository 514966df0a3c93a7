//! Writes HAProxy configurations from a grammar, and requests made of the same words, so that most of them hit something.

use std::fmt::Write;

/// A configuration with its files.
pub(super) struct Written {
    pub(super) config: String,
    pub(super) files: Vec<(String, String)>,
}

/// A source of configurations and requests; the same seed gives the same.
pub(super) struct Generator {
    state: u64,
}

const SEGMENTS: &[&str] = &["api", "v1", "v2", "static", "img", "adm", "x", "a.png", "b.php", "new", "old", "API", "Static", "aa", "apix"];
const ODD: &[&str] = &["/", "//api", "/api//v1", "/./api", "/x/../api", "/%61pi", "/api%2Fv1", "/a.b:c", "/api;v=1", "/-i", "/x,y", "/api+v"];
const QUERIES: &[&str] = &["", "", "", "?", "?a=1", "?a=2&b=1", "?b=&a=1", "?id=42&x=y", "?A=1", "?q", "?a", "?next=/api?x", "?aa=1&a=10"];
const HOSTS: &[&str] = &["a.ex.com", "b.ex.com", "A.Ex.com", "a.ex.com:80", "ex.com", "x.test", "www.a.ex.com", "aXexYcom", "10.0.0.1", "a.ex.com."];
const HEADERS: &[(&str, &[&str])] = &[
    ("x-ver", &["1", "2", "10", "abc", "", "1, 2", "2,1", "-3", "7x"]),
    ("x-tag", &["a", "b", "ab", "A", "a,b", "b , a", "a/b", "x.a.y", "gold"]),
    ("x-list", &["a", "b", "a,b", "", "ab", "gold, a"]),
    ("user-agent", &["curl/7.1", "Mozilla (x; y)", "Bot"]),
    ("x-ip", &["10.0.0.1", "10.1.2.3, 192.168.0.1", "192.168.7.7", "none", "127.0.0.1", ""]),
    ("cookie", &["sid=abc; tier=gold", "tier=silver", "sid=", "sid=xyz", "SID=abc", "a=b;sid=abc"]),
];
const METHODS: &[&str] = &["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
const CODES: &[&str] = &["301", "302", "303", "307", "308"];
const BACKENDS: &[&str] = &["be_a", "be_b", "be_c", "be_d"];

/// Makes a key of a map.
type Key = fn(&mut Generator) -> String;

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03 }
    }

    /// A number below `bound` (xorshift).
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap() % bound
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    fn path(&mut self) -> String {
        if self.chance(12) {
            return self.pick(ODD).to_owned();
        }
        let mut path = String::new();
        for _ in 0..=self.below(3) {
            write!(path, "/{}", self.pick(SEGMENTS)).unwrap();
        }
        if self.chance(20) { path + "/" } else { path }
    }

    /// A request line as the tests write it.
    pub(super) fn request(&mut self) -> String {
        let mut line = format!("{} {} {}{}", self.pick(METHODS), self.pick(HOSTS), self.path(), self.pick(QUERIES));
        let mut separator = " ";
        for (name, values) in HEADERS {
            if self.chance(30) {
                write!(line, "{separator}{name}: {}", self.pick(values)).unwrap();
                separator = " | ";
                if *name == "x-list" && self.chance(30) {
                    write!(line, " | {name}: {}", self.pick(values)).unwrap();
                }
            }
        }
        line
    }

    /// A whole configuration.
    pub(super) fn configuration(&mut self) -> Written {
        let mut config = String::from("defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n timeout tarpit 10ms\n");
        let listen = self.chance(25);
        config.push_str(if listen { "listen web\n" } else { "frontend web\n" });
        config.push_str(" bind 127.0.0.1:{port:front}\n");
        let acls = 2 + self.below(6);
        for acl in 0..acls {
            for _ in 0..=self.below(2) {
                writeln!(config, " acl acl{acl} {}", self.test()).unwrap();
            }
        }
        for _ in 0..self.below(7) {
            writeln!(config, " http-request {}", self.rule(acls)).unwrap();
        }
        for _ in 0..=self.below(6) {
            let name = if self.chance(30) { self.dynamic() } else { self.pick(BACKENDS).to_owned() };
            writeln!(config, " use_backend {name} {}", self.condition(acls)).unwrap();
        }
        if self.chance(75) {
            writeln!(config, " default_backend {}", self.pick(BACKENDS)).unwrap();
        }
        if listen {
            config.push_str(" server own 127.0.0.1:{port:a}\n");
        }
        for (name, port) in BACKENDS.iter().zip(["a", "b", "c", "d"]) {
            writeln!(config, "backend {name}").unwrap();
            if self.chance(50) {
                writeln!(config, " acl acl0 {}", self.test()).unwrap();
                for _ in 0..=self.below(3) {
                    writeln!(config, " http-request {}", self.rule(1)).unwrap();
                }
            }
            self.servers(&mut config, port);
        }
        Written { config, files: self.files() }
    }

    fn servers(&mut self, config: &mut String, port: &str) {
        let kind = self.below(8);
        let other = self.pick(&["a", "b", "c", "d"]).to_owned();
        match kind {
            0 => {}
            1 => writeln!(config, " server one 127.0.0.1:{{port:{port}}} weight 0").unwrap(),
            2 => writeln!(config, " server one 127.0.0.1:{{port:{port}}} disabled\n server two 127.0.0.1:{{port:{other}}} backup").unwrap(),
            3 => writeln!(config, " server one 127.0.0.1:{{port:{port}}} weight 3\n server two 127.0.0.1:{{port:{other}}}").unwrap(),
            4 => {
                let condition = self.condition(0);
                writeln!(
                    config,
                    " use-server two {condition}\n server one 127.0.0.1:{{port:{port}}}\n server two 127.0.0.1:{{port:{other}}} weight 0"
                )
                .unwrap();
            }
            _ => writeln!(config, " server one 127.0.0.1:{{port:{port}}}").unwrap(),
        }
    }

    fn files(&mut self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        // A file for each kind of match: HAProxy 2.6 answers two kinds on one file from one cache, with what the first of them found.
        let keys: [(&str, Key); 8] = [
            ("paths", Self::path),
            ("beginnings", Self::path),
            ("ends", |this| this.pick(SEGMENTS).to_owned()),
            ("folders", |this| this.pick(SEGMENTS).to_owned()),
            ("parts", |this| this.pick(SEGMENTS).to_owned()),
            ("hosts", |this| this.pick(HOSTS).to_ascii_lowercase()),
            ("patterns", Self::regex),
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
        files
    }

    fn regex(&mut self) -> String {
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

    /// `if …` or `unless …` over the first `acls` ACLs and anonymous ones.
    fn condition(&mut self, acls: usize) -> String {
        let mut text = if self.chance(85) { "if".to_owned() } else { "unless".to_owned() };
        for at in 0..=self.below(3) {
            if at > 0 && self.chance(35) {
                text.push_str(if self.chance(50) { " or" } else { " ||" });
            }
            let not = if self.chance(20) { "!" } else { "" };
            if acls > 0 && self.chance(60) {
                write!(text, " {not}acl{}", self.below(acls)).unwrap();
            } else if self.chance(15) {
                write!(text, " {not}{}", self.pick(&["METH_GET", "METH_POST", "TRUE", "FALSE", "HTTP_1.1", "LOCALHOST", "HTTP_URL_SLASH"])).unwrap();
            } else {
                write!(text, " {not}{{ {} }}", self.test()).unwrap();
            }
        }
        text
    }

    /// A fetch with its patterns.
    fn test(&mut self) -> String {
        match self.below(17) {
            15 => format!("{} -m beg {}{}", self.pick(&["base", "baseq", "base,lower"]), self.pick(&["a.ex.com", "ex.com", "x.test"]), self.path()),
            16 => format!(
                "{} {}",
                self.pick(&["req.hdr(x-tag,1)", "req.hdr(x-list,-1)", "hdr(x-ver,2)", "req.hdr(x-list),upper"]),
                self.pick(&["a", "b", "2", "A", "B"])
            ),
            0..=3 => self.path_test(),
            4 | 5 => self.host_test(),
            6 => self.number_test(),
            7 => format!("method {}", self.pick(METHODS)),
            8 => self.cookie_test(),
            9 => {
                let way = self.pick(&["", "-m beg ", "-m sub ", "-m end ", "-i ", "-m reg "]).to_owned();
                format!("{} {way}{}", self.pick(&["url_param(a)", "urlp(b)", "url_param(id)"]), self.pick(&["1", "2", "10", "42"]))
            }
            10 => self.header_test(),
            11 => self.found_test(),
            12 => format!(
                "{} {}",
                self.pick(&["src", "hdr_ip(x-ip)", "req.hdr(x-ip) -m ip"]),
                self.pick(&["10.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16", "10.1.2.3"])
            ),
            13 => self.map_test(),
            _ => format!("{} -m sub {}", self.pick(&["query", "url", "pathq"]), self.pick(&["a=1", "q", "?", "id", "api?"])),
        }
    }

    fn path_test(&mut self) -> String {
        let (path, segment) = (self.path(), self.pick(SEGMENTS).to_owned());
        let flag = if self.chance(25) { "-i " } else { "" };
        let converted = self.pick(&["path", "path", "path,lower", "path,url_dec", "pathq", "url"]).to_owned();
        match self.below(13) {
            0 => format!("path {flag}{path}"),
            1 | 2 => format!("path_beg {flag}{path}"),
            3 => format!("path_end {flag}{segment}"),
            4 => format!("path_dir {flag}{segment}"),
            5 => format!("path_sub {flag}{segment}"),
            6 => format!("path_dom {flag}{segment}"),
            7 => format!("path_reg {flag}'{}'", self.regex()),
            8 => format!("path -m beg {flag}{path} /{segment}"),
            9 => format!("path_len {} {}", self.pick(&["gt", "lt", "eq", "ge", "le"]), 1 + self.below(14)),
            10 => format!("{converted} -m beg {flag}{path}"),
            11 => format!("path {flag}-f paths.lst"),
            _ => format!("path,field({},/) {flag}{segment}", 1 + self.below(4)),
        }
    }

    fn host_test(&mut self) -> String {
        let host = self.pick(HOSTS).to_owned();
        let flag = if self.chance(60) { "-i " } else { "" };
        match self.below(8) {
            0..=2 => format!("hdr(host) {flag}{host}"),
            3 => format!("hdr_beg(host) {flag}{}", self.pick(&["a.", "www", "ex", "A"])),
            4 => format!("hdr_end(host) {flag}{}", self.pick(&[".com", "ex.com", ":80", "COM"])),
            5 => format!("hdr_dom(host) {flag}{}", self.pick(&["ex.com", "a", "ex", "80"])),
            6 => format!("hdr_reg(host) {flag}{}", self.pick(&["^a.ex.com", "ex", "^[a-z]+[.]ex"])),
            _ => format!("{} {host}", self.pick(&["hdr(host),lower", "req.hdr(host),field(1,:)", "hdr(host),word(1,:),lower"])),
        }
    }

    fn header_test(&mut self) -> String {
        let name = self
            .pick(&[
                "hdr(x-tag)",
                "req.hdr(x-tag)",
                "hdr(x-list)",
                "req.hdr(x-list),lower",
                "req.fhdr(x-tag)",
                "hdr(user-agent)",
                "req.fhdr(user-agent)",
            ])
            .to_owned();
        let way = self.pick(&["", "-i ", "-m beg ", "-m end -i ", "-m sub ", "-m dir ", "-m dom ", "-m reg ", "-m reg -i "]).to_owned();
        format!("{name} {way}{}", self.pick(&["a", "b", "A", "ab", "gold", "Mozilla", "Bot", "x"]))
    }

    fn number_test(&mut self) -> String {
        let fetch = self
            .pick(&["hdr_val(x-ver)", "hdr(x-ver) -m int", "urlp_val(a)", "urlp(a) -m int", "hdr(x-ver),length", "req.fhdr(x-ver) -m len"])
            .to_owned();
        match self.below(3) {
            0 => format!("{fetch} {}:{}", self.below(3), 2 + self.below(9)),
            _ => format!("{fetch} {} {}", self.pick(&["gt", "lt", "eq", "ge", "le"]), self.below(11)),
        }
    }

    fn cookie_test(&mut self) -> String {
        let fetch = self.pick(&["cook(sid)", "req.cook(sid)", "req.cook(tier)", "cook_beg(tier)", "cook_sub(sid)"]).to_owned();
        format!("{fetch} {}", self.pick(&["abc", "gold", "g", "x", "silver"]))
    }

    fn found_test(&mut self) -> String {
        let fetch =
            self.pick(&["hdr(x-ver)", "req.fhdr(x-tag)", "req.cook(sid)", "urlp(a)", "query", "urlp(q)", "hdr_cnt(x-tag)", "var(txn.v)"]).to_owned();
        if fetch.starts_with("hdr_cnt") { format!("{fetch} gt 0") } else { format!("{fetch} -m found") }
    }

    fn map(&mut self) -> String {
        let default = if self.chance(40) { format!(",{}", self.pick(BACKENDS)) } else { String::new() };
        match self.below(9) {
            0 => format!("path,map(paths.map{default})"),
            1 | 2 => format!("path,map_beg(beginnings.map{default})"),
            3 => format!("path,map_end(ends.map{default})"),
            4 => format!("path,map_dir(folders.map{default})"),
            5 => format!("path,map_sub(parts.map{default})"),
            6 => format!("path,map_reg(patterns.map{default})"),
            7 => format!("req.fhdr(x-ip),map_ip(networks.map{default})"),
            _ => format!("hdr(host),lower,map_str(hosts.map{default})"),
        }
    }

    fn map_test(&mut self) -> String {
        let map = self.map();
        if self.chance(50) { format!("{map} -m found") } else { format!("{map} -m str {}", self.pick(BACKENDS)) }
    }

    /// A name of a backend made at request time.
    fn dynamic(&mut self) -> String {
        match self.below(5) {
            0 => "be_%[req.hdr(x-tag),lower]".to_owned(),
            1 => "be_%[path,field(2,/)]".to_owned(),
            _ => format!("%[{}]", self.map()),
        }
    }

    /// A text made at request time, for paths and locations.
    fn format(&mut self) -> String {
        match self.below(8) {
            0 => self.path().replace('%', "%%"),
            1 => "/in%[path]".to_owned(),
            2 => "%[path,regsub(/api,/srv)]".to_owned(),
            3 => "/%[path,field(3,/)]".to_owned(),
            4 => "/h/%[req.hdr(x-tag)]".to_owned(),
            5 => "%[path,lower]".to_owned(),
            6 => self
                .pick(&[
                    "/q/%[urlp(a)]",
                    "/w/%[path,word(2,/)]",
                    "%[path,regsub(/[0-9a-z]+,/n,g)]",
                    "/b%[path,bytes(3)]",
                    "%[path,map_regm(groups.map,/none)]",
                    "/t/%[path,ltrim(/a)]",
                ])
                .to_owned(),
            _ => "/v%[var(txn.v)]%[path]".to_owned(),
        }
    }

    /// What stands behind `http-request`.
    fn rule(&mut self, acls: usize) -> String {
        let action = match self.below(19) {
            0 => "deny".to_owned(),
            1 => format!("deny deny_status {}", self.pick(&["400", "404", "429", "503"])),
            2 => "allow".to_owned(),
            3 => format!("return status {} content-type text/plain string x", self.pick(&["200", "403", "404"])),
            4 => format!("redirect location {} code {}", self.format(), self.pick(CODES)),
            5 => format!(
                "redirect prefix {} code {}{}",
                self.pick(&["http://p.ex", "/", "/pre"]),
                self.pick(CODES),
                self.pick(&["", " drop-query", " drop-query append-slash"])
            ),
            6 => "redirect scheme https code 301".to_owned(),
            7 | 8 => format!("set-path {}", self.format()),
            9 => format!("set-query {}", self.pick(&["a=1", "%[query]&z=1", "x=%[path]", "%[urlp(a)]"])),
            10 if self.chance(30) => self.pick(&["replace-uri ^/(v[0-9])(.*) /u/\\1\\2", "set-uri /uri%[path]?u=1", "set-uri %[url]"]).to_owned(),
            10 => format!("set-pathq {}", self.pick(&["/pq?x=1", "/pq", "/new%[pathq]", "/pq%[path]?%[query]"])),
            11 => format!("replace-path {}", self.pick(&["^/api(.*) /srv\\1", "(.*)/([^/]*) /\\2\\1", "v[0-9] /ver", "^/old/?(.*) /\\1"])),
            12 => format!("replace-pathq {}", self.pick(&["^([^?]*)(.*) /pre\\1\\2", "([^?]*)\\?(.*) \\1/\\2"])),
            13 => format!(
                "set-header {}",
                self.pick(&["x-tag gold", "x-ver %[path_len_none]", "x-tag %[path]", "host b.ex.com", "x-ver 7"])
                    .replace("path_len_none", "path,length")
            ),
            14 => format!("add-header {}", self.pick(&["x-tag b", "x-ver 2", "x-tag %[method]"])),
            15 => format!("del-header {}", self.pick(&["x-tag", "x-ver", "user-agent"])),
            16 => format!("set-var(txn.v) {}", self.pick(&["path", "hdr(x-tag)", "urlp(a)", "str(gold)", "path,field(2,/)", "req.cook(sid)"])),
            17 => format!("replace-header {}", self.pick(&["x-tag ^a(.*) \\1b", "x-ver [0-9] 2", "user-agent (.*) x\\1"])),
            _ => self.pick(&["unset-var(txn.v)", "set-method POST", "set-src req.hdr(x-ip)", "reject"]).to_owned(),
        };
        let action = action.replace('\\', "\\\\");
        if self.chance(90) { format!("{action} {}", self.condition(acls)) } else { action }
    }
}

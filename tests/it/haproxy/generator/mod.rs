//! Writes HAProxy configurations from a grammar, and requests made of the same words, so that most of them hit something.

mod bytes;
mod condition;
mod layout;
mod rule;

use std::fmt::Write;

/// A configuration with its files.
pub(super) struct Written {
    pub(super) config: String,
    pub(super) files: Vec<(String, String)>,
    /// Clients speak TLS.
    pub(super) tls: bool,
}

/// A source of configurations and requests; the same seed gives the same.
pub(super) struct Generator {
    state: u64,
}

const SEGMENTS: &[&str] = &["api", "v1", "v2", "static", "img", "adm", "x", "a.png", "b.php", "new", "old", "API", "Static", "aa", "apix"];
const ODD: &[&str] = &[
    "/",
    "//api",
    "/api//v1",
    "/./api",
    "/x/../api",
    "/%61pi",
    "/api%2Fv1",
    "/a.b:c",
    "/api;v=1",
    "/-i",
    "/x,y",
    "/api+v",
    "/%7euser/%2E%2e/x",
    "/a/./b/",
    "/..//x/..",
    "/.",
    "/..",
    "/x/%e2%82%AC",
    "/%zz%4",
];
const QUERIES: &[&str] = &[
    "",
    "",
    "",
    "?",
    "?a=1",
    "?a=2&b=1",
    "?b=&a=1",
    "?id=42&x=y",
    "?A=1",
    "?q",
    "?a",
    "?next=/api?x",
    "?aa=1&a=10",
    "?a=1&a=2",
    "?b=x&a=&a=42",
    "?z=1&y=2&x",
    "?a=a%2fb&b=2+3",
];
const HOSTS: &[&str] = &["a.ex.com", "b.ex.com", "A.Ex.com", "a.ex.com:80", "ex.com", "x.test", "www.a.ex.com", "aXexYcom", "10.0.0.1", "a.ex.com."];
const HEADERS: &[(&str, &[&str])] = &[
    ("x-ver", &["1", "2", "10", "abc", "", "1, 2", "2,1", "-3", "7x", "1.2", "4 5", "99999999999"]),
    ("x-tag", &["a", "b", "ab", "A", "a,b", "b , a", "a/b", "x.a.y", "gold"]),
    ("x-list", &["a", "b", "a,b", "", "ab", "gold, a", "b, A ,c", "a/b,x/y"]),
    ("user-agent", &["curl/7.1", "Mozilla (x; y)", "Bot"]),
    ("x-ip", &["10.0.0.1", "10.1.2.3, 192.168.0.1", "192.168.7.7", "none", "127.0.0.1", ""]),
    (
        "cookie",
        &[
            "sid=abc; tier=gold",
            "tier=silver",
            "sid=",
            "sid=xyz",
            "SID=abc",
            "a=b;sid=abc",
            "sid=z; sid=abc; tier=gold",
            "n=7; n=3x",
            "tier=gold; tier=g",
        ],
    ),
];
const NAMES: &[&str] = &["a.ex.com", "b.ex.com", "www.a.ex.com", "ex.com", "x.test", "c.y.test", "other"];
const METHODS: &[&str] = &["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
const CODES: &[&str] = &["301", "302", "303", "307", "308"];
const BACKENDS: &[&str] = &["be_a", "be_b", "be_c", "be_d"];

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

    /// A request line as the tests write it, for clients that speak TLS or not.
    pub(super) fn request(&mut self, tls: bool) -> String {
        let hosts = if tls { NAMES } else { HOSTS };
        let mut line = format!("{} {} {}{}", self.pick(METHODS), self.pick(hosts), self.path(), self.pick(QUERIES));
        let mut separator = " ";
        for (name, values) in HEADERS {
            if self.chance(30) {
                write!(line, "{separator}{name}: {}", self.pick(values)).unwrap();
                separator = " | ";
                if matches!(*name, "x-list" | "x-tag" | "cookie") && self.chance(30) {
                    write!(line, " | {name}: {}", self.pick(values)).unwrap();
                }
            }
        }
        line
    }
}

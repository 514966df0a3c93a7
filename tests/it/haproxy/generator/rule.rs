//! What stands behind `http-request`, and texts made at request time.

use super::{CODES, Generator};

const NORMALISED: &[&str] = &[
    "normalize-uri path-merge-slashes",
    "normalize-uri path-strip-dot",
    "normalize-uri path-strip-dotdot",
    "normalize-uri path-strip-dotdot full",
    "normalize-uri percent-decode-unreserved",
    "normalize-uri percent-to-uppercase",
    "normalize-uri query-sort-by-name",
    "normalize-uri fragment-strip",
];
/// What later rules look at, and what nothing looks at.
const NOTED: &[&str] = &[
    "set-var-fmt(txn.v) \"%[path,field(2,/)]-%[method]\"",
    "set-var(txn.v) urlp(a),add(1)",
    "set-var(txn.v) req.fhdr(x-list)",
    "set-var(txn.v) hdr(x-list),lower",
    "set-var(txn.v) ssl_fc,iif(a,gold)",
    "set-var(txn.v) path,word(2,/,2)",
    "capture req.hdr(x-tag) len 10",
    "set-log-level silent",
    "set-nice 1",
    "set-header x-tag %[urlp(a)]%[req.cook(sid)]",
    "set-header x-list \"%[hdr(x-list)], z\"",
    "add-header x-list %[path,field(2,/)]",
    "del-header x-list",
    "set-header cookie sid=abc",
];

impl Generator {
    /// A name of a backend made at request time.
    pub(super) fn dynamic(&mut self) -> String {
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
    pub(super) fn rule(&mut self, acls: usize) -> String {
        let action = match self.below(23) {
            19 => self.answer(),
            20 => self.pick(NORMALISED).to_owned(),
            21 => format!("replace-value {}", self.pick(&["x-list ^a$ gold", "x-tag (.)b z\\1", "x-ip ^10 11", "x-list (.*) \\1\\1"])),
            22 => self.pick(NOTED).to_owned(),
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

    /// Answers of HAProxy's own, with all that may stand in them.
    fn answer(&mut self) -> String {
        match self.below(10) {
            0 => "deny deny_status 404 content-type text/plain string gone".to_owned(),
            1 => "deny status 410".to_owned(),
            2 => "return status 418 content-type text/plain string teapot hdr X-A b".replace("418", self.pick(&["200", "404", "429"])),
            3 => format!("return status {} hdr location {}", self.pick(&["301", "302"]), self.format()),
            4 => "auth realm x".to_owned(),
            5 => "tarpit".to_owned(),
            6 => "tarpit deny_status 429".to_owned(),
            7 => format!("redirect location {} code 302 set-cookie seen=1", self.format()),
            8 => format!("redirect scheme https{} if-none", self.pick(&["", " drop-query"])).replace(" if-none", ""),
            _ => "return status 503 default-errorfiles".to_owned(),
        }
    }
}

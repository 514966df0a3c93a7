//! Conditions: every fetch, converter, match and flag that is read.

use super::{BACKENDS, Generator, HOSTS, METHODS, SEGMENTS};
use std::fmt::Write;

impl Generator {
    /// `if …` or `unless …` over the first `acls` ACLs and anonymous ones.
    pub(super) fn condition(&mut self, acls: usize) -> String {
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
    pub(super) fn test(&mut self) -> String {
        match self.below(21) {
            17 => self.repeated_test(),
            18 => self.computed_test(),
            19 => self.flagged_test(),
            20 => self.connection_test(),
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

    /// What can stand in a request several times, matched and looked up.
    fn repeated_test(&mut self) -> String {
        match self.below(7) {
            0 => format!("{},map(words.map) -m found", self.pick(&["hdr(x-list)", "req.hdr(x-tag),lower", "urlp(a)", "req.cook(sid)"])),
            1 => format!("{},map(words.map,be_c) -m str {}", self.pick(&["hdr(x-list)", "req.fhdr(x-list)", "urlp(b)"]), self.pick(BACKENDS)),
            2 => format!("req.fhdr({}) {}", self.pick(&["x-list,1", "x-list,2", "x-list,-2", "x-tag,1"]), self.pick(&["a", "b", "gold, a"])),
            3 => format!(
                "{} {}",
                self.pick(&["req.cook(sid)", "cook(tier)", "cook_end(sid)"]),
                self.pick(&["abc", "xyz", "gold", ""]).replace("", "z")
            ),
            4 => format!("{},{} -m found", self.pick(&["hdr(x-list)", "urlp(a)"]), self.pick(&["field(2,/)", "word(1,o)", "bytes(1)", "field(1,b)"])),
            5 => format!("{} gt {}", self.pick(&["hdr_val(x-ver)", "urlp_val(a)", "req.fhdr(x-list),length", "cook_val(n)"]), self.below(9)),
            _ => format!("{} -m len {}", self.pick(&["req.fhdr(x-list)", "hdr(x-list)", "urlp(a)", "req.cook(sid)"]), self.below(4)),
        }
    }

    /// Numbers that are calculated, and what is true of them.
    fn computed_test(&mut self) -> String {
        let number = self.pick(&["path,length", "urlp(a)", "hdr(x-ver)", "urlp_val(a)", "int(7)", "hdr_val(x-ver)", "url,length"]).to_owned();
        match self.below(6) {
            0 => format!("{number},{} gt {}", self.pick(&["add(3)", "sub(2)", "mul(2)", "neg", "cpl"]), self.below(12)),
            1 => format!("{number},mod({}) {}", 2 + self.below(3), self.below(3)),
            2 => format!("{number},div({}) {}", 2 + self.below(3), self.below(3)),
            3 => format!("{number},{}", self.pick(&["odd", "even", "bool", "not", "bool,not", "and(2),bool", "or(1),odd", "xor(1),even"])),
            4 => format!(
                "{},iif(on,off) {}",
                self.pick(&["ssl_fc", "ssl_fc,not", "int(1)", "always_true"]).replace("int(1)", "bool(1)"),
                self.pick(&["on", "off"])
            ),
            _ => format!(
                "{},concat(/,txn.v,/) -m beg {}",
                self.pick(&["path,field(2,/)", "req.hdr(x-tag)", "str(a)"]),
                self.pick(&["a/", "api/", "gold//", "a/a"])
            ),
        }
    }

    /// Flags, files and what a file may hold.
    fn flagged_test(&mut self) -> String {
        match self.below(9) {
            0 => "path -m beg -f paths.lst".to_owned(),
            1 => "path -i -m end -f parts.lst".to_owned(),
            2 => "path -M -f paths.map -m str".replace("-M -f paths.map -m str", "-m str -M -f paths.map"),
            3 => "path -m dir -i -f parts.lst v9".to_owned(),
            4 => format!("path -m str -- {}", self.path()),
            5 => format!("src -n {}", self.pick(&["127.0.0.1", "10.0.0.0/255.0.0.0", "127.0.0.0/8 10.1.2.3"])),
            6 => format!("path -m reg -i {}", self.regex()),
            7 => format!("path -i {} -f paths.lst", self.pick(&["-m str", "-m beg"])),
            _ => format!("hdr(x-tag) -m str -- {}", self.pick(&["-i", "a", "gold"])),
        }
    }

    fn connection_test(&mut self) -> String {
        self.pick(&[
            "dst_port gt 1",
            "dst 127.0.0.1",
            "req.ver 1.1",
            "req.proto_http",
            "fe_name web",
            "ssl_fc",
            "!ssl_fc",
            "nbsrv(be_a) gt 0",
            "nbsrv(be_b) ge 2",
            "method GET POST",
            "method -i get",
            "always_true",
            "queue(be_a) gt 5",
            "src,ipmask(8) 127.0.0.0",
            "var(txn.v) -m str gold",
            "var(txn.v) -m sub a",
            "http_auth(people)",
            "req.hdr_cnt(x-list) gt 1",
            "hdr_cnt(x-list) 2",
            "url_param(next) -m beg /api",
            "path,url_dec -m sub \" \"",
            "path,word(2,/,2) -m found",
            "path,field(3,/,0) -m sub a",
            "path,field(-1,/) v1 x",
            "path,word(-2,/) api",
        ])
        .to_owned()
        .replace("!ssl_fc", "ssl_fc,not")
        .replace("http_auth(people)", "req.hdr(authorization) -m found")
    }

    fn found_test(&mut self) -> String {
        let fetch =
            self.pick(&["hdr(x-ver)", "req.fhdr(x-tag)", "req.cook(sid)", "urlp(a)", "query", "urlp(q)", "hdr_cnt(x-tag)", "var(txn.v)"]).to_owned();
        if fetch.starts_with("hdr_cnt") { format!("{fetch} gt 0") } else { format!("{fetch} -m found") }
    }

    pub(super) fn map(&mut self) -> String {
        let default = if self.chance(40) { format!(",{}", self.pick(BACKENDS)) } else { String::new() };
        match self.below(13) {
            9 => format!("path,map_str(paths.map{default})"),
            10 => format!("hdr(host),lower,map_dom(domains.map{default})"),
            11 => format!("urlp(a),map_int(numbers.map{default})"),
            12 => format!("path,length,map_int(numbers.map{default})"),
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
}

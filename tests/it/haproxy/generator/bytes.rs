//! Connections that are TLS: passed on as bytes by the name in the handshake, or ended here.

use super::{Generator, NAMES, Written};
use std::fmt::Write;

impl Generator {
    /// Connections that are passed on as they are; who gets them is decided by the name that the client asks for.
    pub(super) fn passed_through(&mut self) -> Written {
        let mut config = String::from("defaults\n mode tcp\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n");
        let listen = self.chance(30);
        writeln!(config, "{} web\n bind 127.0.0.1:{{port:front}}\n tcp-request inspect-delay 3s", if listen { "listen" } else { "frontend" })
            .unwrap();
        for acl in 0..3 {
            writeln!(config, " acl acl{acl} {}", self.name_test()).unwrap();
        }
        if self.chance(30) {
            writeln!(config, " tcp-request content reject if acl0 {{ {} }}", self.name_test()).unwrap();
        }
        if self.chance(20) {
            writeln!(config, " tcp-request content reject if !{{ req.ssl_hello_type 1 }}").unwrap();
        }
        config.push_str(" tcp-request content accept if { req.ssl_hello_type 1 }\n");
        for _ in 0..=self.below(4) {
            let backend = self
                .pick(&[
                    "t_a",
                    "t_b",
                    "t_%[req.ssl_sni,field(1,.)]",
                    "%[req.ssl_sni,lower,map(names.map,t_a)]",
                    "%[req.ssl_sni,map_end(endings.map)]",
                ])
                .to_owned();
            let condition = if self.chance(50) { format!("if acl{}", self.below(3)) } else { format!("if {{ {} }}", self.name_test()) };
            writeln!(config, " use_backend {backend} {condition}").unwrap();
        }
        if self.chance(80) {
            writeln!(config, " default_backend {}", self.pick(&["t_a", "t_b"])).unwrap();
        }
        if listen {
            config.push_str(" server own 127.0.0.1:{port:ta}\n");
        }
        config.push_str("backend t_a\n server one 127.0.0.1:{port:ta}\nbackend t_b\n server one 127.0.0.1:{port:tb}\n");
        let names = NAMES.iter().take(4).map(|name| format!("{name} t_b\n")).collect();
        let files = vec![("names.map".to_owned(), names), ("endings.map".to_owned(), ".test t_b\n.com t_a\n".to_owned())];
        Written { config, files, tls: true }
    }

    /// A test of the name in the handshake, for connections that are not opened.
    fn name_test(&mut self) -> String {
        let name = self.pick(NAMES).to_owned();
        match self.below(8) {
            0 | 1 => format!("req.ssl_sni -i {name}"),
            2 => format!("req.ssl_sni -m end {}", self.pick(&[".ex.com", ".test", "a.ex.com"])),
            3 => format!("req_ssl_sni -m beg {}", self.pick(&["a.", "www", "c"])),
            4 => format!("req.ssl_sni -m reg ^[a-z]+\\.{}", self.pick(&["ex", "test", "a"])),
            5 => "req.ssl_sni -m found".to_owned(),
            6 => format!("src {}", self.pick(&["127.0.0.0/8", "10.0.0.0/8"])),
            _ => format!("req.ssl_sni -m dom {}", self.pick(&["ex", "test", "www"])),
        }
    }

    /// TLS that ends here: certificates by name, and requests behind it.
    pub(super) fn terminated(&mut self) -> Written {
        let mut config = self.opening();
        let strict = if self.chance(50) { " strict-sni" } else { "" };
        writeln!(config, "frontend web\n bind 127.0.0.1:{{port:front}} ssl crt-list certificates.txt{strict}").unwrap();
        let name = self.pick(NAMES).to_owned();
        for acl in ["acl0", "acl1"] {
            let test = match self.below(5) {
                0 => format!("ssl_fc_sni -i {name}"),
                1 => "ssl_fc_sni_end .test".replace("_end", " -m end"),
                2 => "ssl_fc".to_owned(),
                3 => format!("ssl_fc_sni -m beg {}", self.pick(&["a", "www", "c."])),
                _ => "ssl_fc_has_sni".to_owned(),
            };
            writeln!(config, " acl {acl} {test}").unwrap();
        }
        writeln!(
            config,
            " http-request {}",
            self.pick(&[
                "redirect scheme https if !{ ssl_fc }",
                "deny if acl0 acl1",
                "set-header x-tag %[ssl_fc_sni]",
                "deny deny_status 421 if !acl0"
            ])
            .replace("421", "403")
        )
        .unwrap();
        writeln!(config, " use_backend be_%[ssl_fc_sni,field(1,.)] if acl0").unwrap();
        self.way(&mut config);
        self.backends(&mut config);
        let mut files = self.files();
        let mut list = String::from("# certificates\n");
        for _ in 0..=self.below(3) {
            let filter = self.pick(&["a.ex.com", "*.ex.com", "*.ex.com !b.ex.com", "ex.com x.test", "*.y.test", "other"]).to_owned();
            writeln!(list, "certificate.pem {}{filter}", self.pick(&["", "[alpn http/1.1] "])).unwrap();
        }
        files.push(("certificates.txt".to_owned(), list));
        Written { config, files, tls: true }
    }
}

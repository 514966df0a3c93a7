//! `server`, `server-template`, `default-server` and `bind`: addresses and options.

use super::super::keywords::{self, List};
use super::super::syntax::{Line, Section, SectionKind, Word};
use super::{Check, REFUSES, first, is_backend, is_frontend, is_holed};
use crate::formats::source::has_hole;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Options that are times, in milliseconds.
const TIMES: &[&str] = &["inter", "fastinter", "downinter", "agent-inter", "slowstart"];

/// Options that are numbers of which 0 and more are taken.
const NUMBERS: &[&str] = &["maxconn", "minconn", "maxqueue", "error-limit"];

/// Words that say how a server's certificate is verified.
const VERIFIED: &[&str] = &["verify", "ca-file", "no-ssl"];

/// Beginnings of addresses that are no address and port.
const SPECIAL: &[&str] = &["/", "unix@", "uxst@", "uxdg@", "abns@", "abnsz@", "fd@", "sockpair@", "rhttp@", "rev@"];

/// What lines around a server say for it.
#[derive(Clone, Copy, Debug, Default)]
struct Around {
    /// Where probes go.
    port: bool,
    /// How certificates are verified.
    verify: bool,
}

impl<'a> Check<'a> {
    /// Checks the servers and binds of `section` (HAProxy: `src/server.c`, `_srv_parse_init`; `src/cfgparse-listen.c`).
    pub(super) fn servers(&mut self, section: &'a Section) {
        let mut names: BTreeMap<&str, &Line> = BTreeMap::new();
        let mut around: Option<Around> = None;
        for line in &section.lines {
            match line.keyword() {
                "server" if is_backend(section) => {
                    let around = *around.get_or_insert_with(|| self.around(section));
                    self.server(line, around);
                    let Some(name) = line.arg(0).filter(|name| !has_hole(&name.text)) else { continue };
                    if let Some(other) = names.insert(&name.text, line) {
                        let message = format!("there are two servers `{}` in this section", name.text);
                        self.refuse(&name.span, message, format!("rename one of them; {REFUSES}"));
                        self.related(&name.span, &other.span, "the other one");
                    }
                }
                "server-template" if is_backend(section) => {
                    if line.arg(2).is_none() {
                        let help = format!("write `server-template PREFIX NUMBER ADDRESS`; {REFUSES}");
                        self.refuse(first(line), "`server-template` needs a prefix, a number and an address".to_owned(), help);
                    } else {
                        self.template_address(line);
                        self.server_options(line, 4);
                    }
                }
                "default-server" if is_backend(section) || section.kind == SectionKind::Defaults => self.server_options(line, 1),
                "bind" if is_frontend(section) => self.bind(line),
                _ => {}
            }
        }
    }

    fn around(&self, section: &'a Section) -> Around {
        let mut around = Around::default();
        for line in std::iter::once(section).chain(self.inherited(section)).flat_map(|section| &section.lines) {
            let has = |names: &[&str]| line.words.iter().any(|word| names.contains(&&*word.text) || has_hole(&word.text));
            match line.keyword() {
                "default-server" => {
                    around.port |= has(&["port", "addr", "no-check"]);
                    around.verify |= has(VERIFIED);
                }
                "http-check" | "tcp-check" => around.port |= has(&["connect"]),
                _ => {}
            }
        }
        around
    }

    fn server(&mut self, line: &'a Line, around: Around) {
        let (name, address) = (line.arg(0), line.arg(1));
        let (Some(name), Some(address)) = (name, address.filter(|address| !address.text.is_empty())) else {
            if !is_holed(line) {
                let help = format!("write `server NAME ADDRESS:PORT`; {REFUSES}");
                self.refuse(first(line), "`server` needs a name and an address".to_owned(), help);
            }
            return;
        };
        if let Some(odd) = super::section::odd_character(&name.text) {
            self.refuse(&name.span, format!("`{odd}` may not stand in the name of a server: `{}`", name.text), format!("rename it; {REFUSES}"));
        }
        if keywords::server_option(&address.text).is_some() {
            let message = format!("`server {}` has no address: HAProxy reads `{}` as one", name.text, address.text);
            self.refuse(&address.span, message, format!("write the address after `{}`; {REFUSES}", name.text));
        } else {
            self.address(address, true);
        }
        self.server_options(line, 3);
        self.probe_port(line, address, around);
        self.verified(line, around);
    }

    fn template_address(&mut self, line: &Line) {
        let Some(address) = line.arg(2).filter(|_| !is_holed(line)) else { return };
        if keywords::server_option(&address.text).is_some() {
            let message = format!("`server-template` reads `{}` as its address", address.text);
            self.refuse(&address.span, message, format!("write `server-template PREFIX NUMBER ADDRESS`; {REFUSES}"));
        } else {
            self.address(address, true);
        }
    }

    fn server_options(&mut self, line: &Line, from: usize) {
        let mut rest = line.words.iter().skip(from);
        while let Some(word) = rest.next() {
            if has_hole(&word.text) {
                return;
            }
            let Some(count) = keywords::server_option(&word.text) else {
                return self.no_such_word(word, List::Server, "option of a server");
            };
            let value = (count > 0).then(|| rest.next()).flatten();
            if let Some(value) = value {
                self.server_value(&word.text, value);
            }
        }
    }

    fn server_value(&mut self, option: &str, value: &Word) {
        if has_hole(&value.text) {
            return;
        }
        let (number, _) = super::number::leading(&value.text);
        if TIMES.contains(&option) {
            self.time(value, 1_000);
            if super::number::time(&value.text, 1_000) == super::number::Time::Us(0) && matches!(option, "inter" | "fastinter" | "downinter") {
                self.refuse(&value.span, format!("`{option}` cannot be 0"), format!("write a time such as `2s`; {REFUSES}"));
            }
        } else if option == "weight" && !(0..=256).contains(&number) {
            let help = format!("a weight is from 0 to 256; {REFUSES}");
            self.refuse(&value.span, format!("`weight {}` is out of range", value.text), help);
        } else if matches!(option, "rise" | "fall") && number <= 0 {
            self.refuse(&value.span, format!("`{option} {}` is not above 0", value.text), format!("write a number from 1; {REFUSES}"));
        } else if NUMBERS.contains(&option) || matches!(option, "weight" | "rise" | "fall") {
            self.number(value, option);
        }
    }

    /// A probe needs a port (HAProxy: `src/check.c`, `init_srv_check`).
    fn probe_port(&mut self, line: &Line, address: &Word, around: Around) {
        let has = |name: &str| line.words.iter().skip(3).any(|word| &*word.text == name);
        let text = strip_family(&address.text);
        let portless = !text.contains(':') && !SPECIAL.iter().any(|special| text.starts_with(special));
        let read = !is_holed(line) && keywords::server_option(text).is_none();
        if portless && read && !around.port && has("check") && !has("port") && !has("addr") {
            let help = format!("write the port after the address, or `port N`; {REFUSES}");
            self.refuse(&address.span, format!("`{text}` has no port, so its probe has none either"), help);
        }
    }

    /// TLS to a server must be verified, or the configuration must say that it is not (HAProxy: `src/ssl_sock.c`, `ssl_sock_prepare_srv_ctx`).
    fn verified(&mut self, line: &Line, around: Around) {
        let Some(ssl) = line.words.iter().skip(3).find(|word| &*word.text == "ssl") else { return };
        let says = line.words.iter().any(|word| VERIFIED.contains(&&*word.text) || has_hole(&word.text));
        let mut global = self.config.sections.iter().take_while(|section| section.kind == SectionKind::Global).flat_map(|section| &section.lines);
        if self.config.complete && !says && !around.verify && !global.any(|line| line.keyword() == "ssl-server-verify") {
            let help = format!("add `verify required ca-file …`, or `verify none`; {REFUSES}");
            self.refuse(&ssl.span, "this server's certificate is to be verified, and no `ca-file` says by what".to_owned(), help);
        }
    }

    fn bind(&mut self, line: &Line) {
        let Some(addresses) = line.arg(0).filter(|word| !word.text.is_empty()) else {
            return self.refuse(first(line), "`bind` needs an address".to_owned(), format!("write `ADDRESS:PORT`; {REFUSES}"));
        };
        if !has_hole(&addresses.text) {
            self.address(addresses, false);
        }
        let mut rest = line.words.iter().skip(2);
        while let Some(word) = rest.next() {
            if has_hole(&word.text) {
                return;
            }
            let Some(count) = keywords::bind_option(&word.text) else {
                return self.no_such_word(word, List::Bind, "option of `bind`");
            };
            if count > 0 {
                rest.next();
            }
        }
        self.clear_http2(line);
        let has = |names: &[&str]| line.words.iter().skip(2).any(|word| names.contains(&&*word.text));
        let ssl = line.words.iter().skip(2).find(|word| &*word.text == "ssl");
        if let Some(ssl) = ssl.filter(|_| !is_holed(line) && !has(&["crt", "crt-list", "default-crt", "generate-certificates"])) {
            self.refuse(&ssl.span, "TLS is spoken here without a certificate".to_owned(), format!("add `crt FILE` or `crt-list FILE`; {REFUSES}"));
        }
    }

    /// Checks the addresses of `word`, one of a server or some of a bind with commas between them (HAProxy: `src/tools.c`, `str2sa_range`).
    fn address(&mut self, word: &Word, server: bool) {
        if has_hole(&word.text) {
            return;
        }
        for text in word.text.split(',') {
            let address = strip_family(text);
            if SPECIAL.iter().any(|special| address.starts_with(special)) || address.contains('@') {
                continue;
            }
            // The last colon of `[::]` parts no port.
            let (host, port) = address.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).unwrap_or((address, ""));
            let bare_v6 = host.contains(':') && !host.ends_with(']');
            if !server && port.is_empty() {
                self.refuse(&word.span, format!("`{text}` has no port"), format!("write `ADDRESS:PORT`; {REFUSES}"));
            } else if !bare_v6 && !is_port(port, server) {
                self.refuse(&word.span, format!("`{port}` is no port"), format!("a port is from {} to 65535; {REFUSES}", u8::from(!server)));
            }
            let numeric = host.split('.').count() == 4 && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            if numeric && host.parse::<Ipv4Addr>().is_err() {
                self.refuse(&word.span, format!("`{host}` is no address"), format!("correct it; {REFUSES}"));
            }
        }
    }
}

/// Returns the address without the part that only says its family.
fn strip_family(text: &str) -> &str {
    let families = ["ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@", "udp@", "udp4@", "udp6@", "quic4@", "quic6@", "mptcp@", "mptcp4@", "mptcp6@"];
    families.iter().find_map(|family| text.strip_prefix(family)).unwrap_or(text)
}

/// Returns whether `port` may stand after an address; a bind's may be a range, a server's may be relative or not there.
fn is_port(port: &str, server: bool) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok();
    if server {
        let relative = port.strip_prefix(['+', '-']);
        return port.is_empty() || number(relative.unwrap_or(port));
    }
    match port.split_once('-') {
        Some((from, to)) => number(from) && number(to) && from != "0",
        None => number(port) && !port.trim_start_matches('0').is_empty(),
    }
}

//! Names that other files define: log formats, cache zones, variables in header lines, and addresses that are opened twice.
//!
//! nginx: `ngx_http_log_set_log` ("unknown log format"), `ngx_shared_memory_add` and each cache's "zone is unknown", `ngx_http_get_variable_index`
//! ("unknown variable"), `ngx_http_add_addresses` ("duplicate listen options"). Held against `nginx -t` by `tests/it/nginx_syntax/values.rs`.

use super::super::Directive;
use super::Lowering;
use super::scope::Scope;
use crate::formats::source::has_hole;
use crate::model::{Problem, ProblemKind, Related};
use std::collections::BTreeMap;

/// Directives that put texts together from variables and that nothing else here looks at; of some, the first words are names.
const TEXTS: &[(&str, usize)] = &[
    ("add_header", 1),
    ("add_trailer", 1),
    ("proxy_set_header", 1),
    ("grpc_set_header", 1),
    ("fastcgi_param", 1),
    ("uwsgi_param", 1),
    ("scgi_param", 1),
    ("log_format", 1),
    ("proxy_cache_key", 0),
    ("fastcgi_cache_key", 0),
    ("uwsgi_cache_key", 0),
    ("scgi_cache_key", 0),
    ("proxy_cache_bypass", 0),
    ("proxy_no_cache", 0),
    ("fastcgi_cache_bypass", 0),
    ("fastcgi_no_cache", 0),
];

/// The directives that use a cache zone; each has a `…_path` that defines one.
const CACHES: &[&str] = &["proxy_cache", "fastcgi_cache", "uwsgi_cache", "scgi_cache"];

/// What may be said of an address once (`lsopt.set`).
const ONCE: &[&str] =
    &["backlog=", "rcvbuf=", "sndbuf=", "accept_filter=", "ipv6only=", "so_keepalive=", "fastopen=", "setfib=", "bind", "deferred", "reuseport"];

/// The names that a block defines.
#[derive(Default)]
struct Names<'a> {
    formats: BTreeMap<&'a str, &'a Directive>,
    zones: BTreeMap<&'a str, &'a Directive>,
    /// A name is an expression: any may be there.
    open: bool,
}

impl Lowering<'_> {
    /// Looks at all of `http`.
    pub(super) fn check_shared(&mut self, http: &Scope<'_>) {
        let mut names = Names::default();
        self.define_names(http.own, &mut names);
        self.check_uses(http.own, http, &names);
        self.check_sockets(http.own);
    }

    fn define_names<'a>(&mut self, http: &'a [Directive], names: &mut Names<'a>) {
        for line in http {
            let path = line.name().strip_suffix("_path").is_some_and(|name| CACHES.contains(&name));
            names.open |= (path || line.name() == "log_format") && line.has_hole();
            if line.name() == "log_format"
                && let Some(name) = line.arg(0)
                && let Some(first) = names.formats.insert(name, line)
            {
                self.twice(line, first, format!("`log_format {name}` is there twice"));
            }
            let zone = line.args.iter().find_map(|word| word.text.strip_prefix("keys_zone=")?.split(':').next());
            if let Some(zone) = zone.filter(|_| path)
                && let Some(first) = names.zones.insert(zone, line)
            {
                self.twice(line, first, format!("the cache zone `{zone}` is defined twice"));
            }
        }
    }

    fn twice(&mut self, line: &Directive, first: &Directive, message: String) {
        if line.has_hole() || line.head == first.head || !self.reported.insert(format!("twice:{}:{}", line.head.path, line.head.start)) {
            return;
        }
        self.model.problems.push(Problem {
            kind: ProblemKind::Syntax,
            fatal: true,
            message,
            help: Some("remove or rename one of the two; nginx refuses the whole configuration until then".to_owned()),
            span: line.head.clone(),
            related: vec![Related { span: first.head.clone(), text: "the first one".to_owned() }],
            fix: None,
        });
    }

    fn check_uses(&mut self, lines: &[Directive], http: &Scope<'_>, names: &Names<'_>) {
        for line in lines {
            if let Some((_, from)) = TEXTS.iter().find(|(name, _)| *name == line.name()) {
                self.check_texts(line, *from, http);
            } else if CACHES.contains(&line.name()) {
                self.check_zone(line, names);
            } else if line.name() == "access_log" {
                self.check_format(line, names);
            } else if line.name() == "map" {
                self.check_map(line);
                continue;
            } else if line.name() == "upstream" {
                self.check_members(line);
                continue;
            }
            self.check_quotes(line);
            self.check_uses(line.inside(), http, names);
        }
    }

    /// A variable that nothing defines. What defines those that are known does not matter here: no request goes elsewhere for it.
    fn check_texts(&mut self, line: &Directive, from: usize, http: &Scope<'_>) {
        for word in line.args.iter().skip(from).filter(|word| word.text.contains('$') && !has_hole(&word.text)) {
            for name in variables(&word.text) {
                if !self.definitions.contains_key(&name.to_ascii_lowercase()) {
                    drop(self.value(&format!("${{{name}}}"), http, &line.head));
                }
            }
        }
    }

    fn check_zone(&mut self, line: &Directive, names: &Names<'_>) {
        let Some(zone) = line.arg(0).filter(|zone| *zone != "off" && !zone.contains('$') && !has_hole(zone)) else { return };
        if names.zones.contains_key(zone) || names.open {
            return;
        }
        let message = format!("no `{}_path` defines the cache zone `{zone}`", line.name());
        let help = format!("define it in `http` with `{}_path … keys_zone={zone}:10m`, or correct the name", line.name());
        self.nowhere(line, message, &help);
    }

    fn check_format(&mut self, line: &Directive, names: &Names<'_>) {
        let parameter = |text: &str| text.contains('=') || text == "gzip";
        let Some(name) = line.arg(1).filter(|name| !parameter(name) && !has_hole(name) && *name != "combined") else { return };
        if names.formats.contains_key(name) || names.open || line.has_hole() {
            return;
        }
        self.nowhere(line, format!("no `log_format` defines `{name}`"), "define it in `http`, or correct the name");
    }

    /// nginx takes a quote for one at the beginning of a word only: anywhere else it is a letter, and what it was to hold together is not.
    fn check_quotes(&mut self, line: &Directive) {
        let odd = |text: &str| text.matches('"').count() % 2 == 1 || text.ends_with('\'') && text.matches('\'').count() % 2 == 1;
        let quotes = |text: &str| text.bytes().any(|byte| matches!(byte, b'"' | b'\''));
        let found = line.args.iter().find(|word| !word.quoted && quotes(&word.text) && odd(&word.text) && !has_hole(&word.text));
        let pattern = |word: &str| word.starts_with(['~', '^', '(']) || word.contains(['\\', '[', '|']);
        if let Some(word) = found
            && !matches!(line.name(), "rewrite" | "if" | "map")
            && !line.args.iter().any(|word| pattern(&word.text))
        {
            let message = format!("the quote in `{}` is a letter of it: nginx takes one for a quote at the beginning of a word only", word.text);
            self.trap(&word.span, message, "put quotes around the whole word, or take this one out".to_owned());
        }
    }

    /// A key may stand in a `map` once (`ngx_http_map`: "conflicting parameter", "duplicate default map parameter").
    fn check_map(&mut self, map: &Directive) {
        let mut seen: BTreeMap<String, &Directive> = BTreeMap::new();
        for line in map.inside().iter().filter(|line| line.args.len() == 1 && line.name() != "include" && !line.has_hole()) {
            let key = line.name();
            if let Some(first) = seen.insert(key.to_ascii_lowercase(), line).filter(|_| !key.starts_with('~')) {
                self.twice(line, first, format!("`{key}` is there twice in this `map`"));
            }
        }
    }

    /// A server that is in its pool twice gets twice its part, and counts as two.
    fn check_members(&mut self, upstream: &Directive) {
        let servers = upstream.inside().iter().filter(|line| line.name() == "server" && !line.has_hole());
        let mut seen: BTreeMap<&str, &Directive> = BTreeMap::new();
        for line in servers {
            let Some(address) = line.arg(0) else { continue };
            if let Some(first) = seen.insert(address, line).filter(|first| first.head != line.head) {
                let message = format!("`{address}` is in this pool twice");
                let help = "correct the address, or give the one line a `weight`".to_owned();
                self.trap(&line.head, message, help);
                if let Some(problem) = self.model.problems.last_mut().filter(|problem| problem.span == line.head && problem.related.is_empty()) {
                    problem.related.push(Related { span: first.head.clone(), text: "the first one".to_owned() });
                }
            }
        }
    }

    /// Reports a name that is nowhere; where a file is missing, it may be there.
    fn nowhere(&mut self, line: &Directive, message: String, help: &str) {
        if self.complete && !self.assumed && self.reported.insert(format!("nowhere:{}:{}", line.head.path, line.head.start)) {
            let help = format!("{help}; nginx refuses the whole configuration until then");
            self.refused(ProblemKind::DanglingReference, message, Some(help), &line.head);
        }
    }

    /// Options of a socket may be said once for each address, in whichever server; an address may be named once in each.
    fn check_sockets(&mut self, http: &[Directive]) {
        let mut options: BTreeMap<String, &Directive> = BTreeMap::new();
        for server in http.iter().filter(|line| line.name() == "server") {
            let mut own: BTreeMap<String, &Directive> = BTreeMap::new();
            for line in server.inside().iter().filter(|line| line.name() == "listen" && !line.has_hole()) {
                let Some(address) = line.arg(0).map(address) else { continue };
                if let Some(first) = own.insert(address.clone(), line) {
                    self.twice(line, first, format!("this server listens on {address} twice"));
                    continue;
                }
                let once = |text: &str| ONCE.iter().any(|name| if name.ends_with('=') { text.starts_with(name) } else { text == *name });
                if line.args.iter().skip(1).any(|word| once(&word.text))
                    && let Some(first) = options.insert(address.clone(), line)
                {
                    self.twice(line, first, format!("options for {address} are given twice"));
                }
            }
        }
    }
}

/// Returns the names of the variables in `text`.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(|after| {
        let name = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}')?.0,
            None => after.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?,
        };
        let group = name.starts_with(|c: char| c.is_ascii_digit());
        (!name.is_empty() && !group).then_some(name)
    })
}

/// Returns the address of a `listen` in one form.
fn address(text: &str) -> String {
    let text = text.strip_prefix("*:").or_else(|| text.strip_prefix("0.0.0.0:")).unwrap_or(text);
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("0.0.0.0:{text}");
    }
    let has_port = text
        .rsplit_once(':')
        .is_some_and(|(host, port)| port.bytes().all(|byte| byte.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')));
    if has_port || text.starts_with("unix:") { text.to_owned() } else { format!("{text}:80") }
}

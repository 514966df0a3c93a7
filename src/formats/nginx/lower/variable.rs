//! Variables: `$name` in texts, what nginx itself knows, `map` and `geo`.

use super::super::Directive;
use super::Lowering;
use super::code::digest;
use super::scope::{LocationKind, Scope};
use super::stream::Preread;
use crate::formats::source::{self, has_hole};
use crate::model::{Capture, Field, Label, Lookup, LookupEntry, Matcher, Name, Part, Problem, ProblemKind, Regex, RegexDialect, Test, Value};
use crate::span::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Set to 1 once a request has been redirected internally: `internal` locations let it in (nginx: `r->internal`). No configuration can use this name.
pub(super) const INTERNAL: &str = "!internal";
/// Set to 1 once an `error_page` was taken without `recursive_error_pages`: no other is taken (nginx: `r->error_page`).
pub(super) const ERROR_PAGE: &str = "!error_page";

/// Set to 1 by a `rewrite … break` of the server: the location is not what the path begins with (nginx: `r->valid_location`).
pub(super) const BROKEN: &str = "!broken";

/// Where a variable gets its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Definition {
    /// `set`.
    Set,
    /// `map`, `geo` or `split_clients`.
    Lookup,
    /// A named group of a regular expression.
    Group,
    /// A directive that is not read (`auth_request_set`, `perl_set`…).
    Unread,
}

/// Directives that define the variable named in one of their arguments, and which argument that is; none of them is read.
/// nginx's own modules first, then those of third parties that are met often.
const UNREAD: &[(&str, usize)] = &[
    ("auth_request_set", 0),
    ("perl_set", 0),
    ("js_set", 0),
    ("js_var", 0),
    ("userid", usize::MAX),
    ("set_by_lua", 0),
    ("set_by_lua_block", 0),
    ("set_by_lua_file", 0),
    ("geoip2", usize::MAX),
    ("set_real_ip", usize::MAX),
    ("set_random", 0),
    ("set_md5", 0),
    ("set_escape_uri", 0),
    ("set_unescape_uri", 0),
    ("set_formatted_local_time", 0),
    ("set_if_empty", 0),
    ("auth_jwt_claim_set", 0),
    ("auth_jwt_header_set", 0),
    ("keyval", 1),
    ("otel_trace", usize::MAX),
];

/// A variable that nobody reads the value of.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    /// The first directive that gives it a value.
    directive: Directive,
    /// Stands for the text of all of them.
    digest: String,
}

/// Returns the variables of [`UNREAD`] directives, at any depth, in lower case.
pub(super) fn unread(directives: &[Directive]) -> BTreeMap<String, Unread> {
    let mut found: BTreeMap<String, Vec<&Directive>> = BTreeMap::new();
    gather_unread(directives, &mut found);
    let one =
        |(name, all): (String, Vec<&Directive>)| Some((name, Unread { directive: all.first()?.shallow(), digest: digest(all.iter().copied()) }));
    found.into_iter().filter_map(one).collect()
}

fn gather_unread<'a>(directives: &'a [Directive], found: &mut BTreeMap<String, Vec<&'a Directive>>) {
    for directive in directives {
        let sets = directive.args.iter().any(|word| word.text.starts_with('$'));
        let index = sets.then(|| unread_index(directive.name())).flatten();
        if let Some(variable) = index.and_then(|index| directive.arg(index)).and_then(|word| word.strip_prefix('$')) {
            found.entry(variable.to_ascii_lowercase()).or_default().push(directive);
        }
        gather_unread(directive.inside(), found);
    }
}

fn unread_index(name: &str) -> Option<usize> {
    UNREAD.iter().find(|(unread, _)| *unread == name).map(|(_, index)| *index)
}

/// Every variable that `directives` define, at any depth. nginx keeps variables of all of `http` in one name space, without case.
pub(super) fn definitions(directives: &[Directive], found: &mut BTreeMap<String, Definition>) {
    for directive in directives {
        let name = directive.name();
        let mut define = |index: usize, definition: Definition| {
            if let Some(variable) = directive.arg(index).and_then(|word| word.strip_prefix('$')) {
                let entry = found.entry(variable.to_ascii_lowercase()).or_insert_with(|| definition.clone());
                if definition == Definition::Set || (*entry == Definition::Group) {
                    *entry = definition;
                }
            }
        };
        match name {
            // `$args` is the query, whoever sets it.
            "set" if directive.arg(0).is_some_and(|word| word.eq_ignore_ascii_case("$args")) => {}
            "set" => define(0, Definition::Set),
            "geo" => define(directive.args.len().saturating_sub(1), Definition::Lookup),
            "map" | "split_clients" => define(1, Definition::Lookup),
            _ if !directive.args.iter().any(|word| word.text.starts_with('$')) => {}
            _ => {
                if let Some(index) = unread_index(name) {
                    define(index, Definition::Unread);
                }
            }
        }
        if matches!(name, "server_name" | "location" | "if" | "rewrite") {
            for word in &directive.args {
                for group in group_names(&word.text) {
                    found.entry(group.to_ascii_lowercase()).or_insert(Definition::Group);
                }
            }
        }
        if let Some(block) = &directive.block {
            match name {
                "map" => block.iter().for_each(|entry| {
                    for group in group_names(entry.name()) {
                        found.entry(group.to_ascii_lowercase()).or_insert(Definition::Group);
                    }
                }),
                "geoip2" => block.iter().for_each(|entry| {
                    if let Some(variable) = entry.name().strip_prefix('$') {
                        found.entry(variable.to_ascii_lowercase()).or_insert(Definition::Unread);
                    }
                }),
                _ => definitions(block, found),
            }
        }
    }
}

/// Returns the names of the groups of `pattern`, in order: `(?<name>`, `(?P<name>`, `(?'name'`.
pub(super) fn group_names(pattern: &str) -> Vec<Name> {
    let mut names = Vec::new();
    let mut rest = if pattern.contains('(') { pattern } else { "" };
    while let Some((_, after)) = rest.split_once("(?") {
        rest = after;
        let body = after.strip_prefix('P').unwrap_or(after);
        let (open, close) = if let Some(body) = body.strip_prefix('<') {
            (body, '>')
        } else if let Some(body) = body.strip_prefix('\'') {
            (body, '\'')
        } else {
            continue;
        };
        // `(?<=` and `(?<!` look behind and name nothing.
        if let Some((name, _)) = open.split_once(close)
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            names.push(Name::from(name));
        }
    }
    names
}

/// Returns `pattern` as nginx compiles it.
pub(super) fn regex(pattern: &str, caseless: bool) -> Regex {
    Regex { pattern: Arc::from(pattern), caseless, dialect: RegexDialect::Pcre, names: group_names(pattern) }
}

/// Prefixes of variables that exist whatever comes after them. nginx: `ngx_http_get_variable_index` and the `*_variable` prefixes of its modules.
const PREFIXES: &[&str] = &["http_", "sent_http_", "sent_trailer_", "upstream_http_", "upstream_trailer_", "upstream_cookie_", "cookie_", "arg_"];

/// Variables of nginx and its usual modules whose value no configuration tells.
const HOLES: &str = "\
    ancient_browser binary_remote_addr body_bytes_sent bytes_received bytes_sent connection connection_requests connection_time \
    connections_active connections_reading connections_waiting connections_writing date_gmt date_local fastcgi_path_info \
    fastcgi_script_name geoip_area_code geoip_city geoip_city_continent_code geoip_city_country_code geoip_city_country_code3 \
    geoip_city_country_name geoip_country_code geoip_country_code3 geoip_country_name geoip_dma_code geoip_latitude geoip_longitude geoip_org \
    geoip_postal_code geoip_region geoip_region_name gzip_ratio hostname http2 http3 invalid_referer jwt_header limit_conn_status limit_rate \
    limit_req_status memcached_key modern_browser msec msie nginx_version pid pipe protocol proxy_add_x_forwarded_for proxy_internal_body_length \
    proxy_internal_chunked proxy_protocol_addr proxy_protocol_port proxy_protocol_server_addr proxy_protocol_server_port quic \
    realip_remote_port realpath_root remote_port remote_user request_body request_body_file request_completion request_id request_length \
    request_port request_time secure_link secure_link_expires secure_token session_log_binary_id session_log_id slice_range spdy \
    spdy_request_priority ssl_alpn_protocol ssl_cipher ssl_ciphers ssl_client_cert ssl_client_escaped_cert ssl_client_fingerprint \
    ssl_client_i_dn ssl_client_i_dn_legacy ssl_client_raw_cert ssl_client_s_dn ssl_client_s_dn_legacy ssl_client_serial ssl_client_v_end \
    ssl_client_v_remain ssl_client_v_start ssl_client_verify ssl_curve ssl_curves ssl_early_data ssl_preread_alpn_protocols ssl_preread_protocol \
    ssl_preread_server_name ssl_protocol ssl_server_cert_type ssl_session_id ssl_session_reused ssl_sigalg status tcpinfo_rcv_space tcpinfo_rtt \
    tcpinfo_rttvar tcpinfo_snd_cwnd time_iso8601 time_local uid_got uid_reset uid_set upstream_addr upstream_bytes_received upstream_bytes_sent \
    upstream_cache_age upstream_cache_key upstream_cache_last_modified upstream_cache_status upstream_connect_time upstream_first_byte_time \
    upstream_header_time upstream_last_server_name upstream_queue_time upstream_response_length upstream_response_time upstream_session_time \
    upstream_status";

/// Returns what the built-in variable `name` (in lower case) is in `scope`; `None` when nginx has none of that name.
fn builtin(lowering: &mut Lowering<'_>, name: &str, scope: &Scope<'_>) -> Option<Vec<Part>> {
    let field = |field| Some(vec![Part::Field(field)]);
    match name {
        "host" => return field(Field::Host),
        "uri" | "document_uri" => return field(Field::Path),
        "request_uri" => return field(Field::Target),
        "args" | "query_string" => return field(Field::Query),
        "is_args" => return field(Field::QueryMark),
        "request_method" => return field(Field::Method),
        "remote_addr" => return field(Field::Source),
        "realip_remote_addr" => return field(Field::Peer),
        "server_port" => return field(Field::ListenPort),
        "server_addr" => return field(Field::ListenAddress),
        "scheme" => return field(Field::Scheme),
        "ssl_server_name" => return field(Field::Sni),
        super::stream::PREREAD_NAME => match lowering.preread {
            Preread::Everywhere => return field(Field::Sni),
            Preread::Nowhere => return Some(Vec::new()),
            Preread::Somewhere => return Some(vec![Part::Variable(Name::from(super::stream::PREREAD_NAME))]),
            Preread::Outside => {}
        },
        "server_protocol" => return field(Field::Protocol),
        "content_type" | "content_length" => return field(Field::Header(Name::from(name.replace('_', "-")))),
        "request" => {
            let blank = || Part::Literal(Arc::from(" "));
            return Some(vec![Part::Field(Field::Method), blank(), Part::Field(Field::Target), blank(), Part::Field(Field::Protocol)]);
        }
        "server_name" => return Some(server_name(scope)),
        "document_root" => return Some(lowering.root(scope).parts),
        "request_filename" => return Some(lowering.file_name(scope).parts),
        "proxy_host" | "proxy_port" => return Some(vec![Part::Hole(Arc::from(format!("${name}")))]),
        _ => {}
    }
    if let Some(header) = name.strip_prefix("http_") {
        return field(Field::Header(Name::from(header.replace('_', "-"))));
    }
    if let Some(cookie) = name.strip_prefix("cookie_") {
        return field(Field::Cookie(Name::from(cookie)));
    }
    if let Some(parameter) = name.strip_prefix("arg_") {
        return field(Field::QueryParam(Name::from(parameter)));
    }
    (PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || HOLES.split_whitespace().any(|hole| hole == name))
        .then(|| vec![Part::Hole(Arc::from(format!("${name}")))])
}

/// `$server_name`: the first name of the `server` block, whatever the request asked for. nginx: `ngx_http_variable_server_name`.
pub(super) fn server_name(scope: &Scope<'_>) -> Vec<Part> {
    let Some(server) = scope.server() else { return vec![Part::Hole(Arc::from("$server_name"))] };
    let names = server.inside().iter().find(|directive| directive.name() == "server_name");
    match names.and_then(|directive| directive.arg(0)) {
        None => Vec::new(),
        Some(name) if name.starts_with('$') => vec![Part::Hole(Arc::from("$server_name"))],
        // A regular expression stands for itself, its `~` and all (observed on 1.22.1).
        Some(name) if name.starts_with('~') => Value::literal(name).parts,
        // A name that begins with a dot loses it (`ngx_http_core_server_name`).
        Some(name) => Value::literal(&name.strip_prefix('.').unwrap_or(name).to_ascii_lowercase()).parts,
    }
}

impl Lowering<'_> {
    /// Returns `text` as nginx puts it together at request time. nginx: `ngx_http_script_compile`.
    ///
    /// `span` is where the text is written, for a variable that nobody defines.
    pub(super) fn value(&mut self, text: &str, scope: &Scope<'_>, span: &Span) -> Value {
        if has_hole(text) {
            let pieces = source::parts(text).into_iter().flat_map(|piece| match piece {
                source::Part::Literal(text) => self.value(text, scope, span).parts,
                source::Part::Hole(words) => vec![Part::Hole(Arc::from(words))],
            });
            return Value { parts: pieces.collect() };
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            literal.push_str(before);
            let (name, tail) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
                Some((name, tail)) => (name, tail),
                None if after.starts_with(|c: char| ('1'..='9').contains(&c)) => after.split_at(1),
                None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
            };
            rest = tail;
            if name.is_empty() {
                literal.push('$');
                continue;
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(Arc::from(std::mem::take(&mut literal))));
            }
            parts.extend(self.variable(name, scope, span));
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(Arc::from(literal)));
        }
        Value { parts }
    }

    fn variable(&mut self, name: &str, scope: &Scope<'_>, span: &Span) -> Vec<Part> {
        if let Ok(index @ 0..=9) = name.parse::<u8>() {
            return vec![Part::Capture(Capture::Index(index))];
        }
        let lower = name.to_ascii_lowercase();
        match self.definitions.get(&lower) {
            Some(Definition::Set | Definition::Lookup) => return vec![Part::Variable(Name::from(lower))],
            Some(Definition::Group) => return vec![Part::Capture(Capture::Named(Name::from(name)))],
            Some(Definition::Unread) => return vec![self.unread_variable(name, &lower)],
            None => {}
        }
        if lower == "https" {
            self.add_https(&Label { span: span.clone(), text: Arc::from("$https") });
            return vec![Part::Variable(Name::from(lower))];
        }
        if let Some(parts) = builtin(self, &lower, scope) {
            return parts;
        }
        // Without the main file it may be defined there.
        if self.complete && !self.modules && !self.assumed && self.reported.insert(format!("${lower}")) {
            self.refused(
                ProblemKind::DanglingReference,
                format!("no variable `${name}` is defined"),
                Some(format!("define `${name}` with `set` or `map`, or correct the name; nginx refuses the whole configuration until then")),
                span,
            );
        }
        vec![Part::Hole(Arc::from(format!("${name}")))]
    }

    /// Returns a variable whose directive is not read: a text that equals itself as long as the directive's own text is the same.
    fn unread_variable(&mut self, name: &str, lower: &str) -> Part {
        let Some(unread) = self.unread.get(lower) else { return Part::Hole(Arc::from(format!("${name}"))) };
        let (hole, directive) = (Arc::from(format!("${name} of `{}` (text {})", unread.directive.name(), unread.digest)), unread.directive.clone());
        self.unknown_once(&directive, format!("`{}` is not read: `${name}` can be anything", directive.name()));
        Part::Hole(hole)
    }

    /// Returns the directory of `scope`: `alias` or `root`, `html` by default.
    pub(super) fn root(&mut self, scope: &Scope<'_>) -> Value {
        match scope.nearest(&["root", "alias"]).last() {
            Some(directive) => {
                let text = directive.arg(0).unwrap_or_default();
                // A `root` loses its final slash (`ngx_http_core_root`).
                let text = if directive.name() == "root" && text.len() > 1 { text.strip_suffix('/').unwrap_or(text) } else { text };
                let text = text.to_owned();
                self.value(&text, scope, &directive.head.clone())
            }
            None => Value::literal("html"),
        }
    }

    /// Returns the file that a request of `scope` names: the root with the path, the alias with what follows the location's own path. In a location given by a
    /// regex the alias is the whole file. nginx: `ngx_http_map_uri_to_path`.
    pub(super) fn file_name(&mut self, scope: &Scope<'_>) -> Value {
        match aliased(scope) {
            Some((LocationKind::Exact | LocationKind::Regex | LocationKind::RegexCaseless, _)) => self.root(scope),
            _ => self.below_root(scope, Value::field(Field::Path)),
        }
    }

    /// Returns `path` as a file: below an `alias` the location's own path is taken off, where `path` begins with it (`ngx_http_try_files_handler`).
    pub(super) fn below_root(&mut self, scope: &Scope<'_>, path: Value) -> Value {
        let mut value = self.root(scope);
        let own = match aliased(scope) {
            Some((LocationKind::Exact | LocationKind::Prefix | LocationKind::PrefixOnly, own)) => own,
            _ => "",
        };
        let mut parts = path.parts.into_iter();
        match parts.next() {
            Some(Part::Field(Field::Path)) if !own.is_empty() => value.parts.push(Part::Field(Field::PathAfter(Arc::from(own)))),
            Some(Part::Literal(text)) => value.parts.extend(Value::literal(text.strip_prefix(own).unwrap_or(&text)).parts),
            first => value.parts.extend(first),
        }
        value.parts.extend(parts);
        value
    }

    /// Adds the look-up that `$https` is, once: `on` over TLS, else empty.
    fn add_https(&mut self, label: &Label) {
        if self.lookups.iter().any(|lookup| &*lookup.name == "https") {
            return;
        }
        let when = Test { subject: Value::field(Field::Scheme), matcher: Matcher::Equals { text: Value::literal("https"), caseless: false } };
        let entry = LookupEntry { when, value: Value::literal("on"), label: label.clone() };
        self.lookups.push(Lookup {
            name: Name::from("https"),
            entries: vec![entry],
            otherwise: Value::default(),
            volatile: false,
            label: label.clone(),
        });
    }

    /// Notes something for which nginx refuses the whole configuration.
    pub(super) fn refused(&mut self, kind: ProblemKind, message: String, help: Option<String>, span: &Span) {
        self.model.problems.push(Problem { kind, fatal: true, message, help, span: span.clone(), related: Vec::new(), fix: None });
    }

    /// Notes something wrong that nginx starts with all the same.
    pub(super) fn suspect(&mut self, kind: ProblemKind, message: String, help: Option<String>, span: &Span) {
        self.model.problems.push(Problem { kind, fatal: false, message, help, span: span.clone(), related: Vec::new(), fix: None });
    }
}

/// Returns the location that has the `alias` which is used at `scope`: a nested one takes over the alias with the path it was written for
/// (`ngx_http_core_merge_loc_conf`).
fn aliased<'a>(scope: &Scope<'a>) -> Option<(LocationKind, &'a str)> {
    let mut level = Some(scope);
    while let Some(here) = level {
        if let Some(line) = here.own.iter().rfind(|line| matches!(line.name(), "root" | "alias")) {
            return here.location().filter(|_| line.name() == "alias");
        }
        level = here.parent;
    }
    None
}

/// Adds the variables that `directives` name, at any depth, in lower case.
pub(super) fn used(directives: &[Directive], found: &mut std::collections::BTreeSet<String>) {
    for directive in directives {
        for after in directive.args.iter().flat_map(|word| word.text.split('$').skip(1)) {
            let name = after.strip_prefix('{').unwrap_or(after);
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            found.extend(name.get(..end).filter(|name| !name.is_empty()).map(str::to_ascii_lowercase));
        }
        if let Some(block) = directive.block.as_deref() {
            used(block, found);
        }
    }
}

/// The texts that `set`, `map` and `geo` give each variable, at any depth, as written.
pub(super) fn values(directives: &[Directive], found: &mut BTreeMap<String, std::collections::BTreeSet<String>>) {
    for directive in directives {
        let lower = |index: usize| directive.arg(index).and_then(|word| word.strip_prefix('$')).map(str::to_ascii_lowercase);
        let block = directive.inside();
        match directive.name() {
            "set" => {
                if let (Some(name), Some(value)) = (lower(0), directive.arg(1)) {
                    found.entry(name).or_default().insert(value.to_owned());
                }
            }
            "map" | "geo" | "split_clients" => {
                let Some(name) = lower(directive.args.len().saturating_sub(1)) else { continue };
                let texts = found.entry(name).or_default();
                texts.extend(block.iter().filter_map(|line| line.arg(0)).map(str::to_owned));
                if !block.iter().any(|line| line.name() == "default") {
                    texts.insert(String::new());
                }
            }
            _ => values(block, found),
        }
    }
}

//! What nginx starts with and nobody means: told as warnings, each at its line.
//!
//! Only what is surely a mistake whatever the rest says; where a request goes by it is lowered as nginx has it, elsewhere.

use super::super::Directive;
use super::Lowering;
use super::scope::{LocationKind, Scope, location_kind};
use crate::formats::pattern::never_begins;
use crate::formats::source::has_hole;
use crate::model::{Part, ProblemKind, UpstreamUri, Value};

impl Lowering<'_> {
    /// Looks at the lines of a `server` that need nothing around them.
    pub(super) fn check_server_traps(&mut self, server: &[Directive]) {
        for line in server {
            match line.name() {
                "server_name" => {
                    for word in line.args.iter().filter(|word| &*word.text == "default_server") {
                        let help = "write it behind the address of `listen`, which makes this the default server".to_owned();
                        self.trap(&word.span, "`default_server` is taken for a host name here".to_owned(), help);
                    }
                }
                "listen" => self.check_clear_http2(line),
                "location" => self.check_location(line),
                "if" => self.check_if(line),
                "return" | "rewrite" => self.check_target(line),
                _ => {}
            }
        }
        self.check_groups(server);
    }

    /// Before nginx 1.25.1 `http2` without `ssl` shuts out every client that begins with HTTP/1.1. Other ports than 80 may be meant for gRPC.
    fn check_clear_http2(&mut self, line: &Directive) {
        let has = |name: &str| line.args.iter().any(|word| &*word.text == name);
        let port = line.arg(0).map(|text| text.rsplit_once(':').map_or(text, |(_, port)| port));
        if port == Some("80") && has("http2") && !has("ssl") {
            let help = "leave `http2` to the `listen … ssl` lines".to_owned();
            self.trap(&line.head, "`http2` on clear text: before nginx 1.25.1 browsers cannot speak to this port".to_owned(), help);
        }
    }

    fn check_location(&mut self, line: &Directive) {
        if let Some((LocationKind::Prefix | LocationKind::PrefixOnly | LocationKind::Exact, text)) = location_kind(line)
            && !text.starts_with(['/', '$'])
            && !has_hole(text)
            && !text.is_empty()
        {
            let help = if text.starts_with(['^', '!', '\\', '.']) || text.ends_with('$') {
                format!("write `location ~ {text}` for a regular expression")
            } else {
                format!("write `location /{text}`")
            };
            self.trap(&line.head, format!("`{}` matches no request: every path begins with `/`", line.label().text), help);
        }
        self.check_ends(line);
        self.check_files(line);
        for inner in line.inside() {
            match inner.name() {
                "location" => self.check_location(inner),
                "if" => self.check_if(inner),
                "return" | "rewrite" | "proxy_pass" => self.check_target(inner),
                _ => {}
            }
        }
    }

    /// A `$` at the end of a path that is no regular expression, and a regular expression that no path begins like.
    fn check_ends(&mut self, line: &Directive) {
        let Some((kind, text)) = location_kind(line).filter(|(_, text)| !has_hole(text)) else { return };
        match kind {
            LocationKind::Prefix | LocationKind::PrefixOnly | LocationKind::Exact if text.starts_with('/') && text.ends_with('$') => {
                let message = format!("`{}` is no regular expression: only paths with a `$` in them begin like this", line.label().text);
                let bare = text.trim_end_matches('$');
                self.trap(&line.head, message, format!("write `location = {bare}`, or `location ~ ^{text}` for a regular expression"));
            }
            LocationKind::Regex | LocationKind::RegexCaseless if never_begins(text) => {
                let help = "write the `/` that every path begins with, or leave the `^` out".to_owned();
                self.trap(&line.head, format!("`{}` matches no request: every path begins with `/`", line.label().text), help);
            }
            _ => {}
        }
    }

    /// `alias` and `root` that do not fit the location's path.
    fn check_files(&mut self, line: &Directive) {
        let Some((LocationKind::Prefix | LocationKind::PrefixOnly, path)) = location_kind(line).filter(|(_, text)| !has_hole(text)) else { return };
        let Some(files) = line.inside().iter().find(|inner| matches!(inner.name(), "alias" | "root")) else { return };
        let Some(folder) = files.arg(0).filter(|text| !text.contains('$') && !has_hole(text)) else { return };
        if files.name() == "alias" && path.len() > 1 && path.ends_with('/') && !folder.ends_with('/') {
            let message = format!("`{path}a` is read from `{folder}a`: the location ends with a slash, and `alias` does not");
            self.trap(&files.head, message, format!("write `alias {folder}/`"));
        }
        let again = path.trim_matches('/');
        if files.name() == "root" && !again.is_empty() && folder.trim_end_matches('/').strip_suffix(again).is_some_and(|rest| rest.ends_with('/')) {
            let folder = folder.trim_end_matches('/');
            let message = format!("files are looked for in `{folder}/{again}`: `root` is put before the whole path");
            self.trap(&files.head, message, format!("write `alias {folder}/`, or leave `/{again}` out of `root`"));
        }
    }

    /// `$request_uri` has the query in it: what is written behind it becomes part of the query.
    fn check_target(&mut self, line: &Directive) {
        let behind = line.args.iter().filter(|word| word.text.contains('$')).find_map(|word| {
            let (before, after) = word.text.split_once("$request_uri").or_else(|| word.text.split_once("${request_uri}"))?;
            let is_path = (before.contains("://") || before.is_empty()) && !before.contains(['?', '=']);
            (is_path && after.starts_with(|c: char| matches!(c, '/' | '.') || c.is_ascii_alphanumeric())).then_some(after)
        });
        if let Some(after) = behind {
            let message = format!("`{after}` comes behind the query: `$request_uri` has path and query of the request");
            self.trap(&line.head, message, "write `$uri` for the path, and `$is_args$args` for the query".to_owned());
        }
    }

    fn check_if(&mut self, line: &Directive) {
        self.check_empty_pattern(line);
        for inner in line.inside().iter().filter(|inner| matches!(inner.name(), "return" | "rewrite" | "proxy_pass")) {
            self.check_target(inner);
        }
    }

    fn check_empty_pattern(&mut self, line: &Directive) {
        let words: Vec<&str> = line.args.iter().map(|word| &*word.text).collect();
        if let [_, "~" | "~*", "" | ")"] | [_, "~" | "~*", "", ")"] = words.as_slice() {
            let help = "write `if ($variable)`, or `= ''` for an empty value".to_owned();
            self.trap(&line.head, "an empty pattern is in every text: this condition always holds".to_owned(), help);
        }
    }

    /// `location /tail { proxy_pass http://x/; }` asks for `//abc` where the client asked for `/tail/abc`; with variables a fixed URI part is all that is
    /// ever asked for.
    pub(super) fn check_uri(&mut self, scope: &Scope<'_>, line: &Directive, uri: &UpstreamUri) {
        let Some((kind, location)) = scope.location() else { return };
        match uri {
            UpstreamUri::ReplacePrefix { with, .. }
                if matches!(kind, LocationKind::Prefix | LocationKind::PrefixOnly)
                    && with.ends_with('/')
                    && !location.ends_with('/')
                    && !has_hole(location) =>
            {
                let message =
                    format!("`{location}/abc` is passed on as `{with}/abc`: the location has no slash at its end, and `proxy_pass` has one");
                self.trap(&line.head, message, "end both with a slash, or neither".to_owned());
            }
            UpstreamUri::Exact(Value { parts }) if kind != LocationKind::Exact => {
                if let [Part::Literal(text)] = parts.as_slice()
                    && !text.contains('?')
                    && !has_hole(text)
                {
                    let message =
                        format!("with a variable in `proxy_pass` every request asks for `{text}`: path and query of the client are dropped");
                    self.trap(&line.head, message, "leave the URI part out, or add `$request_uri`".to_owned());
                }
            }
            UpstreamUri::ReplacePrefix { .. } | UpstreamUri::Exact(_) | UpstreamUri::AsReceived => {}
        }
    }

    pub(super) fn trap(&mut self, span: &crate::span::Span, message: String, help: String) {
        if self.reported.insert(format!("trap:{}:{}", span.path, span.start)) {
            self.suspect(ProblemKind::Syntax, message, Some(help), span);
        }
    }
}

//! What nginx starts with and nobody means: told as warnings, each at its line.
//!
//! Only what is surely a mistake whatever the rest says; where a request goes by it is lowered as nginx has it, elsewhere.

use super::super::Directive;
use super::Lowering;
use super::scope::{LocationKind, Scope, location_kind};
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
                "if" => self.check_empty_pattern(line),
                _ => {}
            }
        }
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
        for inner in line.inside() {
            match inner.name() {
                "location" => self.check_location(inner),
                "if" => self.check_empty_pattern(inner),
                _ => {}
            }
        }
    }

    fn check_empty_pattern(&mut self, line: &Directive) {
        let words: Vec<&str> = line.args.iter().map(|word| &*word.text).collect();
        if let [_, "~" | "~*", "" | ")"] = words.as_slice() {
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

    fn trap(&mut self, span: &crate::span::Span, message: String, help: String) {
        if self.reported.insert(format!("trap:{}:{}", span.path, span.start)) {
            self.suspect(ProblemKind::Syntax, message, Some(help), span);
        }
    }
}

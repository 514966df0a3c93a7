//! Which language a template is written in, by its name and by what stands in it.

use super::placeholder;
use super::scan::ahead;
use crate::span::TreePath;
use memchr::memmem;

/// A template language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Language {
    /// Jinja2: Ansible, Salt.
    Jinja,
    /// Go's `text/template`: Helm, consul-template, confd.
    Go,
    /// Ruby in `<% %>`: Chef, Puppet.
    Erb,
    /// Puppet in `<% %>`.
    Epp,
    /// Names in upper case that a script replaces: `envsubst`.
    Placeholders {
        /// `$NAME` without braces is one too.
        bare: bool,
    },
}

/// Who reads the file once it is rendered: some have marks of their own that look like a template's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Reader {
    /// nginx: `$name` and `${name}` are its own.
    Nginx,
    /// HAProxy: reads `"${NAME}"` itself, and writes `%[…]` and `%{…}`.
    Haproxy,
}

/// Endings of template files that say nothing but that.
const ENDINGS: &[&str] = &["j2", "jinja", "jinja2", "erb", "epp", "tmpl", "tpl", "gotmpl", "ctmpl", "template"];

/// The first words of Jinja's tags; `{%` followed by anything else is text.
const JINJA: &[&str] = &[
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "endset",
    "macro",
    "endmacro",
    "call",
    "endcall",
    "filter",
    "endfilter",
    "block",
    "endblock",
    "with",
    "endwith",
    "raw",
    "endraw",
    "include",
    "import",
    "from",
    "extends",
    "do",
    "load_yaml",
    "import_yaml",
    "autoescape",
];

/// The first words of Go's.
const GO: &[&str] =
    &["if", "else", "end", "range", "with", "define", "template", "block", "include", "key", "keyOrDefault", "getv", "getvs", "toYaml"];

/// Returns the ending of `path` that says it is a template.
pub(in crate::formats) fn template_ending(path: &TreePath) -> Option<&'static str> {
    let (_, ending) = path.file_name().rsplit_once('.')?;
    ENDINGS.iter().find(|known| known.eq_ignore_ascii_case(ending)).copied()
}

/// Returns the name of the file that the template called `name` makes: without the ending that says it is one.
pub(in crate::formats) fn rendered_name(name: &str) -> &str {
    match TreePath::new(name).and_then(|path| template_ending(&path)) {
        Some(ending) => name.get(..name.len() - ending.len() - 1).unwrap_or(name),
        None => name,
    }
}

/// Returns the language of the file at `path`; `None` for a plain file. `literal` says where code of another language stands in it (Lua): marks in there
/// make no template.
pub(in crate::formats) fn language_of(path: &TreePath, text: &str, reader: Reader, literal: &[std::ops::Range<usize>]) -> Option<Language> {
    let ending = template_ending(path);
    let outside = |at: &usize| !literal.iter().any(|range| range.contains(at));
    let marks = |mark: &'static str| memmem::find_iter(text.as_bytes(), mark).filter(outside);
    let jinja = || marks("{%").any(|at| begins(text, at + 2, JINJA));
    let erb = || marks("<%").any(|at| is_erb(text, at));
    let print = || marks("{{").any(|at| is_print(text, at));
    let go = || marks("{{").any(|at| is_go(text, at));
    let placeholders = || match (reader, ending) {
        (Reader::Nginx, Some("template" | "tmpl" | "tpl")) => placeholder::any(text) || bare(text),
        (Reader::Nginx, _) | (Reader::Haproxy, Some("template" | "tmpl" | "tpl")) => placeholder::any(text),
        (Reader::Haproxy, _) => ["%%", "@"].iter().any(|mark| text.contains(mark)) && placeholder::any(&text.replace("${", "")),
    };
    match ending {
        Some("j2" | "jinja" | "jinja2") => Some(Language::Jinja).filter(|_| text.contains("{{") || text.contains("{%") || text.contains("{#")),
        Some("erb") => Some(Language::Erb).filter(|_| text.contains("<%")),
        Some("epp") => Some(Language::Epp).filter(|_| text.contains("<%")),
        _ if jinja() => Some(Language::Jinja),
        _ if erb() => Some(Language::Erb),
        Some("gotmpl" | "ctmpl") if text.contains("{{") => Some(Language::Go),
        _ if go() => Some(Language::Go),
        Some("tmpl" | "tpl") if print() => Some(Language::Go),
        _ if print() => Some(Language::Jinja),
        _ if placeholders() => Some(Language::Placeholders { bare: ending.is_some() && reader == Reader::Nginx }),
        _ => None,
    }
}

/// Returns whether the word after `at`, behind signs for blanks, is one of `words`.
fn begins(text: &str, at: usize, words: &[&str]) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start();
    let word = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    words.contains(&word)
}

fn is_erb(text: &str, at: usize) -> bool {
    let rest = ahead(text, at + 2);
    rest.starts_with(|c: char| matches!(c, '=' | '-' | '#') || c.is_whitespace()) && rest.contains("%>")
}

/// Returns what stands between `{{` at `at` and `}}`, if that is one expression on one line: neither Lua's tables nor JSON look so.
fn printed(text: &str, at: usize) -> Option<&str> {
    let rest = ahead(text, at + 2);
    let line = rest.get(..rest.find("}}")? + 2).filter(|line| !line.contains('\n'))?;
    let inner = line.get(..line.find("}}")?)?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    Some(inner.strip_suffix('-').unwrap_or(inner).trim())
}

fn is_print(text: &str, at: usize) -> bool {
    printed(text, at).is_some_and(|inner| {
        let assigns = inner.replace("==", "").replace(":=", "").contains('=') && !inner.contains('(') && !inner.contains('|');
        inner.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '.' | '$' | '(' | '"' | '\'')) && !inner.contains('{') && !assigns
    })
}

fn is_go(text: &str, at: usize) -> bool {
    let word = begins(text, at + 2, GO);
    let rest = ahead(text, at + 2);
    let code = rest.strip_prefix('-').unwrap_or(rest).trim_start();
    is_print(text, at) && (word || code.starts_with(['.', '$'])) || code.starts_with("/*") && rest.contains("*/")
}

/// Returns whether `text` has `$NAME` in upper case that it does not define itself.
fn bare(text: &str) -> bool {
    let found = placeholder::scan(text, true);
    found.tags.iter().filter_map(|tag| text.get(tag.range.clone())).any(|name| !text.contains(&format!("set {name} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Option<Language> {
        language_of(&TreePath::new(path).unwrap(), text, Reader::Nginx, &[])
    }

    #[test]
    fn a_plain_file_is_no_template() {
        for text in [
            "server { listen 80; set $host_a ${host}b; }",
            "log_format json escape=json '{\"a\": {\"b\": \"$uri\"}}';",
            "location ~ \"^/a{2}\" { return 200 '{{'; }",
            "content_by_lua 'local t = {{a=1}, {b=2}}';",
            "location @APP { return 200; }",
            "if ($request_uri ~ \"<%.*\") { return 400; }",
            "map $uri $x { ~^/%{ 1; }",
            "log_format x '{%x}';",
        ] {
            assert_eq!(of("nginx/a.conf", text), None, "{text}");
        }
        assert_eq!(of("nginx/a.conf.j2", "server { listen 80; }"), None);
        let haproxy = |text| language_of(&TreePath::new("haproxy.cfg").unwrap(), text, Reader::Haproxy, &[]);
        assert_eq!(haproxy("server a \"${HOST}\":80 check"), None);
        assert_eq!(haproxy("log-format %{+Q}o\\ %[src]\\ {%ci}"), None);
    }

    #[test]
    fn name_and_content_say_which_language() {
        for (path, text, expected) in [
            ("nginx/a.conf.j2", "listen {{ port }};", Language::Jinja),
            ("nginx/a.conf", "listen {{ port }};", Language::Jinja),
            ("nginx/a.conf", "{% if x %}listen 80;{% endif %}", Language::Jinja),
            ("nginx/a.tmpl", "{{ range .Hosts }}server {{ . }};{{ end }}", Language::Go),
            ("nginx/a.tmpl", "listen {{ PORT }};", Language::Go),
            ("nginx/a.conf", "{{- if .Values.x }}listen 80;{{- end }}", Language::Go),
            ("nginx/a.conf.erb", "listen <%= @port %>;", Language::Erb),
            ("nginx/a.conf", "listen <%= @port %>;", Language::Erb),
            ("nginx/a.conf.epp", "listen <%= $port %>;", Language::Epp),
            ("nginx/a.conf", "listen ${PORT};", Language::Placeholders { bare: false }),
            ("nginx/a.conf.template", "listen $PORT;", Language::Placeholders { bare: true }),
            ("nginx/a.conf", "listen @PORT@;", Language::Placeholders { bare: false }),
        ] {
            assert_eq!(of(path, text), Some(expected), "{path}: {text}");
        }
    }
}

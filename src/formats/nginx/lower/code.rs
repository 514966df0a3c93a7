//! Directives that can decide and are not read: Lua, njs, authentication modules. Each is said once; where it stands it is a free boolean, the same one
//! on both sides of a change as long as its text is the same.

use super::super::Directive;
use super::super::directives::{self, State};
use super::Lowering;
use super::scope::Scope;
use crate::model::{Condition, Label, Opaque, Outcome, Step, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

/// Beginnings of the names of directives that only tell another one how to do its work, or that decide in another place (`balancer_by_lua`).
const SETTINGS: &[&str] = &[
    "auth_jwt_",
    "auth_ldap_",
    "auth_oidc_",
    "auth_pam_",
    "balancer_by_lua",
    "content_by_lua",
    "drizzle_",
    "dyups_",
    "echo",
    "fair",
    "js_",
    "least_time",
    "modsecurity_",
    "nchan_",
    "passenger_",
    "perl",
    "postgres_",
    "push_stream",
    "redis",
    "session_sticky",
    "set_",
    "upload_",
];

/// Directives that begin like a setting and yet decide.
const DECIDING: &[&str] = &["js_access"];

/// When a directive that is not read is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Before the search for a location: `server_rewrite_by_lua_block`.
    BeforeSearch,
    /// Behind the instructions of the location, before its content.
    BeforeContent,
}

impl Lowering<'_> {
    /// Returns `step` behind what the directives of `scope` that are not read may do instead.
    ///
    /// All of them together are one boolean: which of two authentication modules refuses makes no difference to what can be told. They are taken over from outer
    /// levels as settings are (lua-nginx-module: `ngx_http_lua_merge_loc_conf`).
    pub(super) fn behind_code(&mut self, scope: &Scope<'_>, when: When, step: Step) -> Step {
        if !self.code {
            return step;
        }
        let code = effective(scope, when);
        let Some(first) = code.first() else { return step };
        let names: BTreeSet<&str> = code.iter().map(|directive| directive.name()).collect();
        for directive in &code {
            let message = format!("`{}` is not read: it may send a request elsewhere or refuse it", directive.name());
            self.unknown_once(directive, message);
        }
        let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        let text = format!("{names} (text {}) answers or redirects the request", digest(code.iter().copied().chain(told_by(scope, &code))));
        let label = first.label();
        let reason = format!("{names} decides, which is not read");
        let taken = Step::end(Outcome::Opaque { reason: Arc::from(reason), label: label.clone() });
        let guard = Condition::Opaque(Opaque { text: Arc::from(text), input: Value::default() });
        self.guarded(&label, guard, taken, step)
    }

    /// Notes a directive that is not read, the first time it is met.
    pub(super) fn unknown_once(&mut self, directive: &Directive, message: String) {
        if self.reported.insert(format!("code:{}:{}", directive.head.path, directive.head.start)) {
            self.unknown(&directive.head, message);
        }
    }

    /// What `directive` answers, as its text has it: another text is another answer.
    pub(super) fn answer_of(&mut self, directive: &Directive, label: Label) -> Step {
        let name = directive.name();
        self.unknown_once(directive, format!("`{name}` makes the answer"));
        let reason = format!("`{name}` makes the answer (text {})", digest([directive]));
        Step::end(Outcome::Opaque { reason: Arc::from(reason), label })
    }
}

/// The directives that decide at `scope`: of each name those of the nearest level that has it, outer levels last. `… off` is none.
fn effective<'a>(scope: &Scope<'a>, when: When) -> Vec<&'a Directive> {
    let mut found: Vec<&Directive> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut level = Some(scope);
    while let Some(here) = level {
        let own: Vec<&Directive> = match here.settings {
            Some(settings) => settings.iter().copied().filter(|directive| decides(directive.name(), when)).collect(),
            None => here.own.iter().filter(|directive| decides(directive.name(), when)).collect(),
        };
        let names: BTreeSet<&str> = own.iter().map(|directive| family(directive.name())).collect();
        found.extend(own.into_iter().filter(|directive| !seen.contains(family(directive.name())) && directive.arg(0) != Some("off")));
        seen.extend(names);
        level = here.parent;
    }
    found
}

/// The settings around `scope` that belong to one of `code`: `auth_jwt_key_file` to `auth_jwt`.
fn told_by<'a>(scope: &Scope<'a>, code: &[&'a Directive]) -> Vec<&'a Directive> {
    let mut found = Vec::new();
    let mut level = Some(scope);
    while let Some(here) = level {
        let belongs =
            |directive: &&'a Directive| code.iter().any(|one| directive.name().strip_prefix(one.name()).is_some_and(|rest| rest.starts_with('_')));
        match here.settings {
            Some(settings) => found.extend(settings.iter().copied().filter(belongs)),
            None => found.extend(here.own.iter().filter(belongs)),
        }
        level = here.parent;
    }
    found
}

/// `access_by_lua`, `access_by_lua_block` and `access_by_lua_file` are three ways to write one setting.
fn family(name: &str) -> &str {
    name.strip_suffix("_block").or_else(|| name.strip_suffix("_file")).unwrap_or(name)
}

/// Returns whether a directive called `name` is not read and may decide, wherever it stands.
pub(super) fn may_decide(name: &str) -> bool {
    !directives::known(name) && directives::find(name) == Some(State::Opaque)
}

fn decides(name: &str, when: When) -> bool {
    let early = name.starts_with("server_rewrite_by_lua");
    if early != (when == When::BeforeSearch) || !may_decide(name) {
        return false;
    }
    DECIDING.contains(&name) || !SETTINGS.iter().any(|start| name.starts_with(start))
}

/// Returns a short name of the text of `directives`: equal for equal texts. Where code is only indented otherwise it is the same text.
pub(super) fn digest<'a>(directives: impl IntoIterator<Item = &'a Directive>) -> String {
    let mut hash = Sha256::new();
    directives.into_iter().for_each(|directive| feed(&mut hash, directive));
    let mut text = String::new();
    for byte in hash.finalize().iter().take(6) {
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}

fn feed(hash: &mut Sha256, directive: &Directive) {
    let mut word = |text: &str| {
        hash.update(text.as_bytes());
        hash.update([0]);
    };
    word(directive.name());
    directive.args.iter().for_each(|arg| word(&arg.text));
    match directive.raw.as_deref() {
        // Inside a long string indentation is part of the value.
        Some(code) if code.contains("[[") || code.contains("[=") => word(code),
        Some(code) => code.lines().map(str::trim).filter(|line| !line.is_empty()).for_each(word),
        None => {}
    }
    hash.update([1]);
    directive.inside().iter().for_each(|inner| feed(hash, inner));
    hash.update([2]);
}

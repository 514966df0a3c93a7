//! What a setting is at a place: its own level, else the nearest level around it that has it.

use super::super::Directive;

/// The statements of one block and the blocks around it.
///
/// nginx merges most settings from the outside in: a level that has the setting uses its own, wholly; one that has none takes the outer one's
/// (`ngx_conf_merge_*` of each module). Lists (`error_page`, `allow`) are replaced as a whole, never joined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// The statements of this level.
    pub(super) own: &'a [Directive],
    /// Those of `own` that are settings, where there are so many others that it matters; else `None`.
    pub(super) settings: Option<&'a [&'a Directive]>,
    /// The level around it.
    pub(super) parent: Option<&'a Scope<'a>>,
    /// What kind of block this is.
    pub(super) level: Level<'a>,
}

/// What kind of block a [`Scope`] is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level<'a> {
    /// `http`.
    Http,
    /// `server`.
    Server(&'a Directive),
    /// `location`, its kind and its path, pattern or name.
    Location(LocationKind, &'a str),
    /// `if` inside a location.
    If,
    /// `limit_except`.
    LimitExcept,
}

/// The kinds of `location`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LocationKind {
    /// `= /path`.
    Exact,
    /// `/path`.
    Prefix,
    /// `^~ /path`: regexes of the same level are not tried.
    PrefixOnly,
    /// `~ pattern`.
    Regex,
    /// `~* pattern`.
    RegexCaseless,
    /// `@name`.
    Named,
}

impl<'a> Scope<'a> {
    /// Returns the statements called `name` of the nearest level that has any, in order.
    pub(super) fn all(&self, name: &str) -> Vec<&'a Directive> {
        self.nearest(&[name])
    }

    /// Returns the statements called one of `names` of the nearest level that has any of them, in order.
    pub(super) fn nearest(&self, names: &[&str]) -> Vec<&'a Directive> {
        let mut level = Some(self);
        while let Some(scope) = level {
            let wanted = |directive: &&'a Directive| names.contains(&directive.name());
            let found: Vec<&Directive> = match scope.settings {
                Some(settings) => settings.iter().copied().filter(wanted).collect(),
                None => scope.own.iter().filter(wanted).collect(),
            };
            if !found.is_empty() {
                return found;
            }
            level = scope.parent;
        }
        Vec::new()
    }

    /// Returns the setting `name` of the nearest level that has it.
    pub(super) fn get(&self, name: &str) -> Option<&'a Directive> {
        self.find(|have| have == name)
    }

    /// Returns the settings `names` of a family (`proxy`, `fastcgi`), each as [`Self::get`] finds it: `read_timeout` is `proxy_read_timeout`.
    pub(super) fn of_family<const N: usize>(&self, family: &str, names: [&str; N]) -> [Option<&'a Directive>; N] {
        let mut found = [None; N];
        let mut level = Some(self);
        while let Some(scope) = level {
            let mut here = [None; N];
            let mut note = |directive: &'a Directive| {
                let rest = directive.name().strip_prefix(family).and_then(|rest| rest.strip_prefix('_'));
                if let Some(at) = rest.and_then(|rest| names.iter().position(|name| *name == rest))
                    && let Some(place) = here.get_mut(at)
                {
                    *place = Some(directive);
                }
            };
            match scope.settings {
                Some(settings) => settings.iter().copied().for_each(&mut note),
                None => scope.own.iter().for_each(&mut note),
            }
            for (known, own) in found.iter_mut().zip(here) {
                *known = known.or(own);
            }
            level = scope.parent;
        }
        found
    }

    /// Returns the last setting of the nearest level that has one with such a name.
    fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<&'a Directive> {
        let mut level = Some(self);
        while let Some(scope) = level {
            let found = match scope.settings {
                Some(settings) => settings.iter().copied().rfind(|directive| wanted(directive.name())),
                None => scope.own.iter().rfind(|directive| wanted(directive.name())),
            };
            if found.is_some() {
                return found;
            }
            level = scope.parent;
        }
        None
    }

    /// Returns the first argument of the setting `name`.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(|directive| directive.arg(0))
    }

    /// Returns whether the setting `name` is `on`.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value.eq_ignore_ascii_case("on"))
    }

    /// Returns the `server` block this is in.
    pub(super) fn server(&self) -> Option<&'a Directive> {
        match self.level {
            Level::Server(directive) => Some(directive),
            Level::Http => None,
            Level::Location(..) | Level::If | Level::LimitExcept => self.parent.and_then(Scope::server),
        }
    }

    /// Returns the location this is in, seen through `if` and `limit_except`.
    pub(super) fn location(&self) -> Option<(LocationKind, &'a str)> {
        match self.level {
            Level::Location(kind, text) => Some((kind, text)),
            Level::Http | Level::Server(_) => None,
            Level::If | Level::LimitExcept => self.parent.and_then(Scope::location),
        }
    }
}

/// Returns the statements that can be settings: everything but blocks that are looked through on their own, and instructions.
pub(super) fn settings(directives: &[Directive]) -> Vec<&Directive> {
    let other = ["location", "server", "upstream", "map", "geo", "set", "if", "rewrite", "return", "types", "log_format"];
    directives.iter().filter(|directive| !other.contains(&directive.name())).collect()
}

/// Returns the kind of a `location` statement and its path, pattern or name; `None` when it has no arguments.
///
/// The modifier may stick to the path (`=/x`, `~\.php$`, `^~/x`). nginx: `ngx_http_core_location`.
pub(super) fn location_kind(directive: &Directive) -> Option<(LocationKind, &str)> {
    let first = directive.arg(0)?;
    if let Some(second) = directive.arg(1) {
        return Some(match first {
            "=" => (LocationKind::Exact, second),
            "^~" => (LocationKind::PrefixOnly, second),
            "~" => (LocationKind::Regex, second),
            "~*" => (LocationKind::RegexCaseless, second),
            _ => return None,
        });
    }
    if let Some(rest) = first.strip_prefix('=') {
        return Some((LocationKind::Exact, rest));
    }
    if let Some(rest) = first.strip_prefix("^~") {
        return Some((LocationKind::PrefixOnly, rest));
    }
    if let Some(rest) = first.strip_prefix("~*") {
        return Some((LocationKind::RegexCaseless, rest));
    }
    if let Some(rest) = first.strip_prefix('~') {
        return Some((LocationKind::Regex, rest));
    }
    Some((if first.starts_with('@') { LocationKind::Named } else { LocationKind::Prefix }, first))
}

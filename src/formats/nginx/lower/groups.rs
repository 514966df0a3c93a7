//! `$1` and its kin where no group gives them a value: nginx puts nothing there and says nothing.
//!
//! nginx: `ngx_http_regex_exec`: the numbered groups are those of the regular expression that matched last, whichever it was.

use super::super::Directive;
use super::Lowering;
use super::scope::{LocationKind, location_kind};
use crate::formats::pattern::groups;
use crate::formats::source::has_hole;

impl Lowering<'_> {
    /// Looks at the instructions of a `server` and of its locations.
    pub(super) fn check_groups(&mut self, server: &[Directive]) {
        for line in server {
            match line.name() {
                "rewrite" => self.check_rewrite(line),
                "location" => self.check_location_groups(line),
                "if" => line.inside().iter().filter(|inner| inner.name() == "rewrite").for_each(|inner| self.check_rewrite(inner)),
                _ => {}
            }
        }
    }

    /// The pattern of a `rewrite` is the last one when its replacement is put together.
    fn check_rewrite(&mut self, line: &Directive) {
        if let (Some(pattern), Some(replacement)) = (line.arg(0), line.args.get(1)) {
            self.missing_group(line, pattern, &replacement.text, "the pattern");
        }
    }

    fn check_location_groups(&mut self, line: &Directive) {
        let inside = line.inside();
        self.check_groups(inside);
        let Some((LocationKind::Regex | LocationKind::RegexCaseless, pattern)) = location_kind(line) else { return };
        // Any other pattern that is tried in between has groups of its own.
        let other =
            |inner: &Directive| matches!(inner.name(), "rewrite") || inner.name() == "if" && inner.args.iter().any(|word| word.text.contains('~'));
        if inside.iter().any(other) || self.has_map_patterns {
            return;
        }
        for inner in inside.iter().filter(|inner| matches!(inner.name(), "return" | "proxy_pass" | "alias" | "set" | "try_files")) {
            for word in &inner.args {
                self.missing_group(inner, pattern, &word.text, "the location's pattern");
            }
        }
    }

    /// Reports the first group that `text` asks for and `pattern` does not have.
    fn missing_group(&mut self, line: &Directive, pattern: &str, text: &str, whose: &str) {
        if has_hole(pattern) || has_hole(text) {
            return;
        }
        let Some(have) = groups(pattern) else { return };
        let wanted = text.split('$').skip(1).filter_map(|after| after.strip_prefix('{').unwrap_or(after).chars().next()?.to_digit(10));
        if let Some(wanted) = wanted.filter(|wanted| *wanted > have).max() {
            let count = if have == 0 { "no group".to_owned() } else { format!("only {have} of them") };
            let message = format!("`${wanted}` is always empty here: {whose} has {count}");
            self.trap(&line.head, message, "put `(` and `)` around the part that is meant, or correct the number".to_owned());
        }
    }
}

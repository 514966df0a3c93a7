//! What a section says, and what it takes from its `defaults`.
//!
//! HAProxy: `configuration.txt` 4, "Proxies". A section starts as a copy of its `defaults`, so a setting of its own replaces the one of the defaults;
//! `http-request` and `tcp-request` rules of the defaults are run before its own; `acl`, `use_backend`, `bind` and `server` are its own.

use super::super::syntax::{Config, Line, Section, SectionKind};
use crate::model::Label;

/// A section that proxies: `frontend`, `backend` or `listen`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proxy<'a> {
    config: &'a Config,
    /// Its index in [`Config::sections`].
    pub(super) index: usize,
    pub(super) section: &'a Section,
}

/// Returns the proxies of `config`, in order.
pub(super) fn proxies(config: &Config) -> Vec<Proxy<'_>> {
    let proxies = config.sections.iter().enumerate().map(|(index, section)| Proxy { config, index, section });
    proxies.filter(|proxy| proxy.is_frontend() || proxy.is_backend()).collect()
}

impl<'a> Proxy<'a> {
    pub(super) fn name(&self) -> &'a str {
        &self.section.name.text
    }

    /// Whether clients come in here.
    pub(super) fn is_frontend(&self) -> bool {
        matches!(self.section.kind, SectionKind::Frontend | SectionKind::Listen)
    }

    /// Whether it has servers.
    pub(super) fn is_backend(&self) -> bool {
        matches!(self.section.kind, SectionKind::Backend | SectionKind::Listen)
    }

    /// Returns its own section, then its `defaults`, then theirs.
    fn levels(&self) -> impl Iterator<Item = &'a Section> + use<'a> {
        let config = self.config;
        // A chain longer than there are sections is a circle.
        std::iter::successors(Some(self.section), move |section| config.sections.get(section.defaults?)).take(config.sections.len())
    }

    /// Returns its own lines, in order.
    pub(super) fn own(&self) -> impl Iterator<Item = &'a Line> + use<'a> {
        self.section.lines.iter()
    }

    /// Returns its own lines that begin with `keyword`, in order.
    pub(super) fn lines(&self, keyword: &'static str) -> impl Iterator<Item = &'a Line> + use<'a> {
        self.own().filter(move |line| line.keyword() == keyword)
    }

    /// Returns the lines that `wanted` picks, those of its `defaults` first, in the order in which they are run.
    pub(super) fn run(&self, wanted: impl Fn(&Line) -> bool) -> Vec<&'a Line> {
        let mut levels: Vec<&Section> = self.levels().collect();
        levels.reverse();
        levels.into_iter().flat_map(|section| &section.lines).filter(|line| wanted(line)).collect()
    }

    /// Returns the last line that `wanted` picks, of the nearest level that has one.
    pub(super) fn setting(&self, wanted: impl Fn(&Line) -> bool) -> Option<&'a Line> {
        self.levels().find_map(|section| section.lines.iter().rev().find(|line| wanted(line)))
    }

    /// Returns the line that `words` begin, with its level's own order: `timeout connect`, `balance`.
    pub(super) fn get(&self, words: &[&str]) -> Option<&'a Line> {
        self.setting(|line| starts(line, words))
    }

    /// Returns the lines that `words` begin, of the nearest level that has any.
    pub(super) fn all(&self, words: &[&str]) -> Vec<&'a Line> {
        let of = |section: &'a Section| section.lines.iter().filter(|line| starts(line, words)).collect::<Vec<_>>();
        self.levels().map(of).find(|lines| !lines.is_empty()).unwrap_or_default()
    }

    /// Returns the lines that begin with `keyword` of its `defaults`, the outermost first.
    pub(super) fn inherited(&self, keyword: &str) -> Vec<&'a Line> {
        let mut levels: Vec<&Section> = self.levels().skip(1).collect();
        levels.reverse();
        levels.into_iter().flat_map(|section| &section.lines).filter(|line| line.keyword() == keyword).collect()
    }

    /// Returns the line that switches `option NAME` on; `no option NAME` switches it off, of the nearest level that has either.
    pub(super) fn option(&self, name: &str) -> Option<&'a Line> {
        let line = self.setting(|line| starts(line, &["option", name]) || starts(line, &["no", "option", name]))?;
        (line.keyword() == "option").then_some(line)
    }

    /// Returns whether it works on bytes and not on requests; the default is `mode tcp`, which `haproxy` also takes where nothing is said.
    pub(super) fn is_tcp(&self) -> bool {
        self.get(&["mode"]).and_then(|line| line.arg(0)).is_none_or(|word| &*word.text != "http")
    }

    /// Returns a time in milliseconds, and the line that says it.
    pub(super) fn timeout(&self, name: &str) -> (Option<u64>, Option<Label>) {
        let line = self.get(&["timeout", name]);
        let time = line.and_then(|line| time_ms(&line.arg(1)?.text));
        (time, time.and(line).map(Line::label))
    }
}

fn starts(line: &Line, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(at, word)| line.words.get(at).is_some_and(|have| *have.text == **word))
}

/// Reads a time; without a unit it is milliseconds (`parse_time_err`).
pub(super) fn time_ms(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    // What follows a unit is left out (seen on 2.6.12). `ms` comes before `m`.
    let unit = if unit.is_empty() { "ms" } else { ["us", "ms", "s", "m", "h", "d"].into_iter().find(|known| unit.starts_with(known))? };
    Some(match unit {
        "us" => number.div_ceil(1000),
        "s" => number.checked_mul(1000)?,
        "m" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        "d" => number.checked_mul(86_400_000)?,
        _ => number,
    })
}

#[cfg(test)]
mod tests {
    use super::time_ms;

    #[test]
    fn a_time_has_a_unit_or_is_in_milliseconds() {
        let read: Vec<Option<u64>> =
            ["5", "5ms", "5s", "2m", "1h", "1d", "1500us", "5secs", "5msec", "x", "5x", ""].into_iter().map(time_ms).collect();
        assert_eq!(
            read,
            [Some(5), Some(5), Some(5000), Some(120_000), Some(3_600_000), Some(86_400_000), Some(2), Some(5000), Some(5), None, None, None]
        );
    }
}

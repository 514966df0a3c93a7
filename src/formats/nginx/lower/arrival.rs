//! What happens to a request before a virtual host's own instructions: whose address is believed, and which way chance sends it.
//!
//! nginx runs this once a request, however often it is redirected inside (`NGX_HTTP_POST_READ_PHASE`), so a server is entered by a door of its own, and
//! internal redirects go past it.

use super::super::Directive;
use super::route::block;
use super::scope::{Level, Scope};
use super::{Lowering, variable};
use crate::model::{Action, Cidr, Field, Label, Name, Next, Part, ProblemKind, Step, Table, TableId, TableKind, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a `split_clients` block makes of chance.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    /// The variable, in lower case.
    pub(super) variable: Name,
    /// The hundredths of a percent of each value.
    ways: Vec<(u32, Value)>,
    label: Label,
}

/// The whole, in hundredths of a percent.
const WHOLE: u32 = 10_000;

impl Lowering<'_> {
    /// Returns the table where requests enter a server whose instructions begin at `entry`; `entry` itself where nothing comes before them.
    pub(super) fn lower_door(&mut self, scope: &Scope<'_>, label: &Label, entry: TableId) -> TableId {
        let mut step = Step::table(entry);
        for chance in self.chances_of(scope) {
            let way = |(weight, value): &(u32, Value)| {
                let set = Action::Set { variable: Name::clone(&chance.variable), value: value.clone(), label: Some(chance.label.clone()) };
                (*weight, Step { actions: vec![set], next: step.next.clone() })
            };
            step = Step { actions: Vec::new(), next: Next::Split(chance.ways.iter().map(way).collect()) };
            let table =
                Table { kind: TableKind::Instruction, label: chance.label.clone(), routes: Vec::new(), otherwise: step, otherwise_label: None };
            step = Step::table(self.add(table));
        }
        if let Some(action) = self.source(scope) {
            step.actions.insert(0, action);
        }
        if step == Step::table(entry) {
            return entry;
        }
        self.add(Table { kind: TableKind::Instruction, label: label.clone(), routes: Vec::new(), otherwise: step, otherwise_label: None })
    }

    /// `set_real_ip_from`, `real_ip_header`, `real_ip_recursive`: whose word on the client's address is taken.
    ///
    /// nginx: `ngx_http_realip_handler`. Without `set_real_ip_from` nothing is believed.
    pub(super) fn source(&mut self, scope: &Scope<'_>) -> Option<Action> {
        let lines = scope.all("set_real_ip_from");
        let first = lines.first()?;
        let mut trusted = Vec::new();
        for line in &lines {
            match line.arg(0).unwrap_or_default() {
                "unix:" => {}
                text => match Cidr::parse(text) {
                    Some(network) => trusted.push(network),
                    None if line.has_hole() => {}
                    None => self.unknown_once(line, format!("`{}`: the address cannot be read", line.label().text)),
                },
            }
        }
        // An empty list would be everyone.
        if trusted.is_empty() {
            return None;
        }
        let value = match scope.text("real_ip_header") {
            Some("proxy_protocol") => Value { parts: vec![Part::Hole(Arc::from("$proxy_protocol_addr"))] },
            name => Value::field(Field::Header(Name::from(name.unwrap_or("X-Real-IP").to_ascii_lowercase()))),
        };
        let label = scope.get("real_ip_header").unwrap_or(first).label();
        Some(Action::SetSource { value, trusted, recursive: scope.is_on("real_ip_recursive"), label: Some(label) })
    }

    /// Returns `step` with what the location itself says of the client's address: it is asked again before the limits
    /// (`NGX_HTTP_PREACCESS_PHASE`), unless the server's word was taken already.
    pub(super) fn own_source(&mut self, scope: &Scope<'_>, mut step: Step) -> Step {
        let own = |scope: &Scope<'_>| scope.own.iter().any(|line| line.name() == "set_real_ip_from" || line.name().starts_with("real_ip_"));
        let mut level = Some(scope);
        while let Some(here) = level.filter(|here| !matches!(here.level, Level::Server(_) | Level::Http)) {
            if own(here) {
                step.actions.splice(0..0, self.source(scope));
                break;
            }
            level = here.parent;
        }
        step
    }

    /// Lowers a `split_clients` block: which value a client gets is decided by a hash of its key, which is chance to whoever reads the configuration.
    ///
    /// nginx: `ngx_http_split_clients_variable`. What is left over by the percentages is the empty text.
    pub(super) fn lower_split_clients(&mut self, directive: &Directive) {
        let Some(variable) = directive.arg(1).and_then(|word| word.strip_prefix('$')) else { return };
        let mut ways: Vec<(u32, Value)> = Vec::new();
        let mut left = WHOLE;
        let mut rest = None;
        for line in block(directive) {
            let value = Value::literal(line.arg(0).unwrap_or_default());
            if line.name() == "*" {
                rest = Some(value);
                continue;
            }
            if line.has_hole() {
                continue;
            }
            let Some(percent) = line.name().strip_suffix('%').and_then(hundredths).filter(|percent| *percent > 0) else {
                let message = format!("`{}` is no percentage", line.name());
                self.refused(ProblemKind::Syntax, message, None, &line.head);
                continue;
            };
            match left.checked_sub(percent) {
                Some(less) => left = less,
                None => self.refused(ProblemKind::Syntax, "the percentages are more than 100 % together".to_owned(), None, &line.head),
            }
            ways.push((percent, value));
        }
        ways.push((left, rest.unwrap_or_default()));
        ways.retain(|(weight, _)| *weight > 0);
        self.chances.push(Chance { variable: Name::from(variable.to_ascii_lowercase()), ways, label: directive.label() });
    }

    /// The choices by chance that a server asks for, itself or through a `map`.
    fn chances_of(&self, scope: &Scope<'_>) -> Vec<Chance> {
        if self.chances.is_empty() {
            return Vec::new();
        }
        let used = used_in(scope.own, scope);
        self.chances.iter().filter(|chance| used.contains(&*chance.variable)).cloned().collect()
    }
}

/// The variables that `lines` of a server ask for, with the settings around the server, and through each `map`.
pub(super) fn used_in(lines: &[Directive], server: &Scope<'_>) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    variable::used(lines, &mut used);
    let around: &[Directive] = server.parent.map_or(&[], |http| http.own);
    around.iter().filter(|directive| directive.block.is_none()).for_each(|directive| variable::used(std::slice::from_ref(directive), &mut used));
    let maps: Vec<(String, &Directive)> = around
        .iter()
        .filter(|directive| directive.name() == "map")
        .filter_map(|map| Some((map.arg(1)?.strip_prefix('$')?.to_ascii_lowercase(), map)))
        .collect();
    let mut before = 0;
    while before < used.len() {
        before = used.len();
        for (_, map) in maps.iter().filter(|(name, _)| used.contains(name)).collect::<Vec<_>>() {
            variable::used(std::slice::from_ref(*map), &mut used);
        }
    }
    used
}

/// Reads `33.33` as hundredths. nginx: `ngx_atofp(…, 2)`.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: u32 = format!("{part:0<2}").parse().ok()?;
    whole.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::hundredths;

    #[test]
    fn a_percentage_has_two_decimals_at_most() {
        assert_eq!(["0.5", "33.33", "50", ".01", "100"].map(hundredths), [Some(50), Some(3333), Some(5000), Some(1), Some(10_000)]);
        assert_eq!(["", "x", "1.234", "-1", "1.x"].map(hundredths), [None; 5]);
    }
}

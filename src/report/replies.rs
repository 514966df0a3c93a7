//! What Waypost says on GitHub besides the review: answers to commands, and the check while and where there is no review.

use super::CheckOutput;
use super::budget::Budget;
use super::clip::clipped;
use super::comment::MAX_BYTES;
use super::markdown::{self, Place, prose};
use super::words::count;
use std::fmt::Write;

/// A row of the help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHelp {
    /// `/waypost trace URL`.
    pub usage: String,
    /// What it does.
    pub summary: &'static str,
    /// One use of it.
    pub example: &'static str,
    /// Who may use it.
    pub who: String,
}

/// Why a command is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such command.
    Unknown {
        /// What was typed.
        word: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// Something is not there.
    Missing {
        /// What.
        what: String,
        /// How the command is used.
        usage: String,
    },
    /// Something is there that does not belong there.
    TooMuch {
        /// What.
        word: String,
        /// How the command is used.
        usage: String,
    },
    /// A value is none.
    BadValue {
        /// Why.
        why: String,
        /// How the command is used.
        usage: String,
    },
    /// A key that nobody knows, and one that looks like it.
    NearKey {
        /// What was typed.
        word: String,
        /// What may have been meant.
        near: String,
    },
    /// There is no such rule.
    NoRule {
        /// What was typed.
        word: String,
        /// What may have been meant.
        near: Option<&'static str>,
    },
    /// The person may not.
    NotAllowed {
        /// The command.
        command: &'static str,
        /// The least role; `None` where no role is enough.
        needs: Option<&'static str>,
        /// Teams whose members may.
        teams: Vec<String>,
        /// The role the person has.
        has: &'static str,
    },
    /// It cannot be asked who is in a team.
    TeamsUnknown {
        /// The team.
        team: String,
    },
    /// An author decides about findings of their own.
    OwnFinding {
        /// The command.
        command: &'static str,
    },
    /// The settings of the base are not understood.
    Settings {
        /// The line.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The head has not been reviewed yet.
    NotReviewed {
        /// The head.
        head: String,
    },
    /// There is no such finding.
    NoFinding {
        /// What was typed.
        word: String,
        /// What may have been meant.
        near: Option<String>,
        /// Fingerprints and rules of those there are.
        all: Vec<(String, String)>,
    },
    /// More than one finding begins like this.
    SeveralFindings {
        /// What was typed.
        word: String,
    },
    /// There is nothing to take back.
    NotWaived {
        /// The finding.
        word: String,
    },
    /// No pool has such a server.
    NoServer {
        /// What was typed.
        word: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// There are more commands in one comment than are done.
    TooMany {
        /// So many are.
        most: usize,
    },
    /// A quotation mark without its partner.
    OpenQuote {
        /// The mark.
        quote: char,
    },
}

/// Returns the answer to `/waypost help`.
pub fn help(commands: &[CommandHelp]) -> String {
    let mut text = "A command stands on a line of its own in a comment on a pull request.\n\n| command | does |\n| --- | --- |\n".to_owned();
    for command in commands {
        row(&mut text, command);
    }
    text.push_str("\nAn edited comment does nothing; write a new one. `.waypost.yaml` on the base branch can ask for other roles.\n");
    text
}

fn row(text: &mut String, command: &CommandHelp) {
    // Writing to a string does not fail.
    if writeln!(text, "| {} | {} |", markdown::code(&command.usage, Place::Cell), command.summary).is_err() {
        text.clear();
    }
}

/// Returns why a command was not done, and what to type instead.
pub fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unknown { word, nearest: Some(nearest) } => {
            format!("There is no command {}. Did you mean `/waypost {nearest}`?", code(word))
        }
        Refusal::Unknown { word, nearest: None } => format!("There is no command {}. `/waypost help` lists those there are.", code(word)),
        Refusal::Missing { what, usage } => format!("The command lacks {what}. It is used like this: {}", code(usage)),
        Refusal::TooMuch { word, usage } => format!("{} does not belong there. The command is used like this: {}", code(word), code(usage)),
        Refusal::BadValue { why, usage } => format!("{}. The command is used like this: {}", one_line(why), code(usage)),
        Refusal::NearKey { word, near } => format!("There is no {}. Did you mean `{near}=`?", code(word.split('=').next().unwrap_or(word))),
        Refusal::NoRule { word, near: Some(near) } => format!("There is no rule {}. Did you mean `/waypost explain {near}`?", code(word)),
        Refusal::NoRule { word, near: None } => format!("There is no rule {}. A finding names its rule, as in `traffic/missing-server`.", code(word)),
        Refusal::NotAllowed { command, needs, teams, has } => not_allowed(command, *needs, teams, has),
        Refusal::TeamsUnknown { team } => format!(
            "It cannot be asked who is in the team {}: the App lacks the permission Organization members: read. An owner of the organisation can grant it.",
            code(team)
        ),
        Refusal::OwnFinding { command } => format!(
            "`/waypost {command}` is for somebody else than the author of the pull request. `own: true` under `commands: {command}:` in `.waypost.yaml` on the base branch would allow it."
        ),
        Refusal::Settings { line, message } => format!(
            "Nobody may decide anything until `.waypost.yaml` is mended on the base branch. Its line {line} is not understood: {}",
            one_line(message)
        ),
        Refusal::NotReviewed { head } => format!("There is no review of {} yet. Give the command again when the check is concluded.", code(head)),
        Refusal::NoFinding { word, near, all } => no_finding(word, near.as_deref(), all),
        Refusal::SeveralFindings { word } => format!("More than one finding begins with {}; give more of it.", code(word)),
        Refusal::NotWaived { word } => format!("The finding {} is not waived.", code(word)),
        Refusal::NoServer { word, near: Some(near) } => format!("No pool has the server {}. Did you mean {}?", code(word), code(near)),
        Refusal::NoServer { word, near: None } => format!("No pool has the server {}, after this change.", code(word)),
        Refusal::TooMany { most } => format!("Only the first {most} commands of a comment are done; write another comment for the others."),
        Refusal::OpenQuote { quote } => format!("The quotation mark {} has no partner.", code(&quote.to_string())),
    }
}

fn not_allowed(command: &str, needs: Option<&str>, teams: &[String], has: &str) -> String {
    let teams: Vec<String> = teams.iter().map(|team| format!("the team {}", code(team))).collect();
    let who = match (needs, teams.is_empty()) {
        (Some(role), true) => format!("needs the role `{role}` or a higher one here"),
        (Some(role), false) => format!("needs the role `{role}` or a higher one here, or {}", teams.join(" or ")),
        (None, true) => "is not allowed to anybody here".to_owned(),
        (None, false) => format!("is for {}", teams.join(" and ")),
    };
    format!("`/waypost {command}` {who}; your role is `{has}`.")
}

fn no_finding(word: &str, near: Option<&str>, all: &[(String, String)]) -> String {
    let said = format!("No finding has the fingerprint {}", code(word));
    match (near, all) {
        (Some(near), _) => format!("{said}. Did you mean {}?", code(near)),
        (None, []) => format!("{said}; there is none above info."),
        (None, all) => {
            let rows = all.iter().take(10).map(|(fingerprint, rule)| format!("\n- {} {}", code(fingerprint), code(rule)));
            format!("{said}. There are:\n{}", rows.collect::<String>())
        }
    }
}

/// Returns the answer to a command that could not be carried out for a reason that is not the asker's.
pub fn command_failed(reason: &str) -> String {
    format!("This could not be answered: {}. Nothing was changed; the same command may be given again.", one_line(reason))
}

/// Returns the one answer to all commands of a comment: as many as fit whole, and how many do not.
pub fn together(answers: &[String]) -> String {
    const BETWEEN: &str = "\n\n---\n\n";
    let mut budget = Budget::new(MAX_BYTES);
    let pieces: Vec<String> =
        answers.iter().enumerate().map(|(at, answer)| format!("{}{}", if at > 0 { BETWEEN } else { "" }, clipped(answer, MAX_BYTES / 2))).collect();
    budget.add_list("", &pieces, "", |omitted| format!("{BETWEEN}There is no room for {}.\n", count(omitted, "more answer")));
    budget.finish()
}

/// Returns the hint to who put a command into a comment that was there before.
pub fn edited() -> String {
    "An edited comment does nothing. Write a new one with the command.".to_owned()
}

/// Returns what the check shows while the review is made.
pub fn in_progress(head: &str) -> CheckOutput {
    output("Reading the configuration", format!("Waypost compares where requests go before and after {}.", code(head)))
}

/// Returns what the check shows on a commit that is no longer the head.
pub fn superseded(newer: &str) -> CheckOutput {
    output(&format!("Superseded by {newer}"), format!("A newer commit, {}, is reviewed instead.", code(newer)))
}

/// Returns what the check shows on a commit that nobody wants to merge.
pub fn no_head() -> CheckOutput {
    output(
        "Not reviewed: not the head of an open pull request",
        "No open pull request has this commit as its head, so there is nothing to compare it with.".to_owned(),
    )
}

/// Returns what the check shows when no review could be made. It blocks: "cannot tell" is not "safe".
pub fn no_review(reason: &str) -> CheckOutput {
    output(
        "Cannot tell: the change was not reviewed",
        format!(
            "Waypost could not review this change, so it does not say that it is safe.\n\n> {}\n\nThe \"Re-run\" button or a comment `/waypost review` tries again.",
            one_line(reason)
        ),
    )
}

fn output(title: &str, summary: String) -> CheckOutput {
    CheckOutput { title: title.to_owned(), summary, text: None, annotations: Vec::new(), buttons: Vec::new() }
}

/// Returns foreign text as code.
fn code(text: &str) -> String {
    markdown::code(text, Place::Text)
}

/// Returns a sentence that has foreign text in it.
fn one_line(text: &str) -> String {
    prose(text, Place::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_to_type() {
        let usage = || "/waypost trace URL".to_owned();
        let said: Vec<String> = [
            Refusal::Unknown { word: "reveiw".to_owned(), nearest: Some("review") },
            Refusal::Unknown { word: "`@everyone`".to_owned(), nearest: None },
            Refusal::Missing { what: "the URL".to_owned(), usage: usage() },
            Refusal::TooMuch { word: "now".to_owned(), usage: usage() },
            Refusal::BadValue { why: "`x` is not a URL: it begins with neither `http://` nor `https://`".to_owned(), usage: usage() },
            Refusal::TooMany { most: 10 },
            Refusal::OpenQuote { quote: '"' },
            Refusal::NearKey { word: "untill=2030-01-01".to_owned(), near: "until".to_owned() },
            Refusal::NoRule { word: "traffic/mising-server".to_owned(), near: Some("traffic/missing-server") },
            Refusal::NoRule { word: "x".to_owned(), near: None },
            Refusal::NotAllowed { command: "waive", needs: Some("maintain"), teams: Vec::new(), has: "write" },
            Refusal::NotAllowed { command: "waive", needs: Some("admin"), teams: vec!["oncall".to_owned()], has: "none" },
            Refusal::NotAllowed { command: "waive", needs: None, teams: vec!["a".to_owned(), "b".to_owned()], has: "admin" },
            Refusal::TeamsUnknown { team: "oncall".to_owned() },
            Refusal::OwnFinding { command: "waive" },
            Refusal::Settings { line: 3, message: "there is no setting `wave`; did you mean `waive`?".to_owned() },
            Refusal::NotReviewed { head: "4f2c1e9".to_owned() },
            Refusal::NoFinding { word: "0123456789abcdee".to_owned(), near: Some("0123456789abcdef".to_owned()), all: Vec::new() },
            Refusal::NoFinding { word: "x".to_owned(), near: None, all: Vec::new() },
            Refusal::NoFinding { word: "x".to_owned(), near: None, all: vec![("0123456789abcdef".to_owned(), "traffic/missing-server".to_owned())] },
            Refusal::SeveralFindings { word: "012345".to_owned() },
            Refusal::NotWaived { word: "0123456789abcdef".to_owned() },
            Refusal::NoServer { word: "10.0.0.9".to_owned(), near: Some("10.0.0.1".to_owned()) },
            Refusal::NoServer { word: "@all".to_owned(), near: None },
        ]
        .iter()
        .map(refusal)
        .collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        There is no command `reveiw`. Did you mean `/waypost review`?
        There is no command `` `@everyone` ``. `/waypost help` lists those there are.
        The command lacks the URL. It is used like this: `/waypost trace URL`
        `now` does not belong there. The command is used like this: `/waypost trace URL`
        `x` is not a URL: it begins with neither `http://` nor `https://`. The command is used like this: `/waypost trace URL`
        Only the first 10 commands of a comment are done; write another comment for the others.
        The quotation mark `"` has no partner.
        There is no `untill`. Did you mean `until=`?
        There is no rule `traffic/mising-server`. Did you mean `/waypost explain traffic/missing-server`?
        There is no rule `x`. A finding names its rule, as in `traffic/missing-server`.
        `/waypost waive` needs the role `maintain` or a higher one here; your role is `write`.
        `/waypost waive` needs the role `admin` or a higher one here, or the team `oncall`; your role is `none`.
        `/waypost waive` is for the team `a` and the team `b`; your role is `admin`.
        It cannot be asked who is in the team `oncall`: the App lacks the permission Organization members: read. An owner of the organisation can grant it.
        `/waypost waive` is for somebody else than the author of the pull request. `own: true` under `commands: waive:` in `.waypost.yaml` on the base branch would allow it.
        Nobody may decide anything until `.waypost.yaml` is mended on the base branch. Its line 3 is not understood: there is no setting `wave`; did you mean `waive`?
        There is no review of `4f2c1e9` yet. Give the command again when the check is concluded.
        No finding has the fingerprint `0123456789abcdee`. Did you mean `0123456789abcdef`?
        No finding has the fingerprint `x`; there is none above info.
        No finding has the fingerprint `x`. There are:

        - `0123456789abcdef` `traffic/missing-server`
        More than one finding begins with `012345`; give more of it.
        The finding `0123456789abcdef` is not waived.
        No pool has the server `10.0.0.9`. Did you mean `10.0.0.1`?
        No pool has the server `@all`, after this change.
        "#);
    }

    #[test]
    fn answers_that_do_not_fit_are_counted_and_none_is_cut_in_the_middle() {
        assert_eq!(together(&["one".to_owned(), "two".to_owned()]), "one\n\n---\n\ntwo");
        let long = format!("```text\n{}```\n", "line\n".repeat(20_000));
        let text = together(&vec![long; 4]);
        assert!(text.len() <= MAX_BYTES && text.matches("```").count() == 2, "{}", text.len());
        assert!(text.ends_with("There is no room for 3 more answers.\n"), "{}", text.len());
    }

    #[test]
    fn what_a_file_says_is_shown_and_does_nothing() {
        let why = "there is no setting `x`; <img src=x> [a](https://evil.example) #1 @all";
        let shown = refusal(&Refusal::Settings { line: 3, message: why.to_owned() });
        assert!(!shown.contains(" <img") && !shown.contains(" #1") && !shown.contains(" @all") && !shown.contains(" [a]"), "{shown}");
        let shown = no_review(why).summary;
        assert!(!shown.contains(" <img") && !shown.contains(" #1") && !shown.contains(" @all") && !shown.contains(" [a]"), "{shown}");
    }

    #[test]
    fn the_check_never_says_that_what_was_not_reviewed_is_safe() {
        let shown = no_review("GitHub answered GET /repos/acme/edge/git/trees/x with 404: Not Found");
        insta::assert_snapshot!(format!("{}\n\n{}", shown.title, shown.summary), @r#"
        Cannot tell: the change was not reviewed

        Waypost could not review this change, so it does not say that it is safe.

        > GitHub answered GET `/repos/acme/edge/git/trees/x` with 404: Not Found

        The "Re-run" button or a comment `/waypost review` tries again.
        "#);
    }
}

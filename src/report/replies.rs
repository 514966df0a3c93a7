//! What Waypost says on GitHub besides the review: answers to commands, and the check while and where there is no review.

use super::CheckOutput;
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
    pub who: &'static str,
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
    text.push_str("\nAn edited comment does nothing; write a new one.\n");
    text
}

fn row(text: &mut String, command: &CommandHelp) {
    // Writing to a string does not fail.
    if writeln!(text, "| {} | {} |", code(&command.usage.replace('|', "\\|")), command.summary).is_err() {
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
        Refusal::OpenQuote { quote } => format!("The quotation mark {} has no partner.", code(&quote.to_string())),
    }
}

/// Returns the answer to a command that could not be carried out for a reason that is not the asker's.
pub fn command_failed(reason: &str) -> String {
    format!("This could not be answered: {}. Nothing was changed; the same command may be given again.", one_line(reason))
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
    CheckOutput { title: title.to_owned(), summary, text: None, annotations: Vec::new() }
}

/// Returns foreign text as inline code that it cannot break out of.
fn code(text: &str) -> String {
    let text: String = text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("`{text}`") } else { format!("{fence} {text} {fence}") }
}

/// Returns foreign text on one line of bounded length. Its `@` calls nobody: a blank of no width follows it.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.replace('@', "@\u{200b}")
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
            Refusal::OpenQuote { quote: '"' },
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
        The quotation mark `"` has no partner.
        "#);
    }

    #[test]
    fn the_check_never_says_that_what_was_not_reviewed_is_safe() {
        let shown = no_review("GitHub answered GET /repos/acme/edge/git/trees/x with 404: Not Found");
        insta::assert_snapshot!(format!("{}\n\n{}", shown.title, shown.summary), @r#"
        Cannot tell: the change was not reviewed

        Waypost could not review this change, so it does not say that it is safe.

        > GitHub answered GET /repos/acme/edge/git/trees/x with 404: Not Found

        The "Re-run" button or a comment `/waypost review` tries again.
        "#);
    }
}

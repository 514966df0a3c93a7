//! What is said of changes that do harm together and not alone.

use super::CheckOutput;
use super::escape::plain;
use super::markdown::{Place, code, prose};

/// Two pull requests that cause an error together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The one that stands first in the queue.
    pub first: u64,
    /// The other.
    pub second: u64,
    /// What they cause.
    pub message: String,
}

/// Returns the headline and the first paragraph of a merge group in which two pull requests do harm together.
pub fn pair(pair: &Pair) -> CheckOutput {
    let Pair { first, second, message } = pair;
    output(
        format!("#{first} and #{second} do harm together"),
        format!(
            "**Each of #{first} and #{second} is harmless alone; together they are not:** {}.\n\nTake one of them out of the queue, and look at it again once the other is merged.",
            prose(message, Place::Text)
        ),
    )
}

/// Returns the headline and the first paragraph for a pull request that does harm together with what `branch` has got since it was begun.
/// `None` where it does not.
pub fn with_base(branch: &str, messages: &[String]) -> Option<CheckOutput> {
    let (first, more) = messages.split_first()?;
    let more = match more.len() {
        0 => String::new(),
        1 => " There is one more error like this.".to_owned(),
        count => format!(" There are {count} more errors like this."),
    };
    Some(output(
        format!("Does harm together with what {} has got since", plain(branch)),
        format!(
            "**Harmless on its own; merged into {} as it is now, it is not:** {}.{more}\n\nBring the branch up to date, and the lines that decide are shown.",
            code(branch, Place::Text),
            prose(first, Place::Text)
        ),
    ))
}

/// Returns what the check shows on a merge group that the queue has dropped.
pub fn group_gone() -> CheckOutput {
    output(
        "Not reviewed: the queue has dropped this group".to_owned(),
        "The merge queue has put the pull requests together anew, or merged them.".to_owned(),
    )
}

fn output(title: String, summary: String) -> CheckOutput {
    CheckOutput { title, summary, text: None, annotations: Vec::new(), buttons: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_harmful_together_is_said_first() {
        let said = [
            Some(pair(&Pair { first: 12, second: 15, message: "no request is answered".to_owned() })),
            with_base("main", &["no request is answered".to_owned()]),
            with_base("release/1", &["one thing".to_owned(), "another".to_owned(), "a third".to_owned()]),
            with_base("main", &[]),
            Some(group_gone()),
        ];
        insta::assert_debug_snapshot!(said.map(|said| said.map(|output| (output.title, output.summary))));
    }
}

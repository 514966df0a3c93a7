//! What a pull request that is a revert says it undoes: the one place that reads it, for git and for GitHub.

/// What a title or body says is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undoes {
    /// These commits, by full or abbreviated id in small letters.
    Commits(Vec<String>),
    /// A merged pull request.
    Pull {
        /// `owner/name` where the repository is named; else it is the pull request's own.
        repository: Option<String>,
        /// Its number.
        number: u64,
    },
    /// The commit with this subject.
    Subject(String),
}

/// Returns what a pull request with this title and body undoes, if it says so.
///
/// `git revert` writes `This reverts commit <id>` into the message, which becomes the body; GitHub's button writes the body
/// `Reverts owner/name#12`; both write the title `Revert "<subject>"`. The most exact one counts: ids, then the number, then the subject.
/// A number alone is believed only under a title that speaks of taking back, and neither counts where the line is a quotation.
pub fn undoes(title: &str, body: &str) -> Option<Undoes> {
    let lines = || body.lines().map(str::trim).filter(|line| !line.starts_with('>'));
    let commits: Vec<String> = lines().flat_map(reverted_ids).collect();
    if !commits.is_empty() {
        return Some(Undoes::Commits(commits));
    }
    let title = title.trim();
    let lower = title.to_ascii_lowercase();
    if ["revert", "roll back", "rollback", "back out"].iter().any(|word| lower.starts_with(word))
        && let Some(pull) = lines().find_map(reverted_pull)
    {
        return Some(pull);
    }
    let subject = title.strip_prefix("Revert ")?.trim().strip_prefix('"')?;
    let (subject, _) = subject.rsplit_once('"')?;
    (!subject.is_empty()).then(|| Undoes::Subject(subject.to_owned()))
}

/// Returns the ids after `This reverts commit` on this line.
fn reverted_ids(line: &str) -> Vec<String> {
    let lower = line.to_ascii_lowercase();
    let Some((_, rest)) = lower.split_once("this reverts commit") else { return Vec::new() };
    rest.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| (7..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit()))
        .map(str::to_owned)
        .collect()
}

/// Returns the pull request of a line `Reverts owner/name#12`, `Reverts #12`.
fn reverted_pull(line: &str) -> Option<Undoes> {
    let (repository, number) = line.strip_prefix("Reverts ")?.trim_start().split_once('#')?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    let named = repository.is_empty() || (repository.split('/').count() == 2 && !repository.contains(char::is_whitespace));
    let repository = (!repository.is_empty()).then(|| repository.to_owned());
    Some(Undoes::Pull { repository, number: digits.parse().ok()? }).filter(|_| named)
}

/// Returns whether the commit subject `have` is `wanted`, also with the number GitHub appends to a squashed pull request.
pub(super) fn same_subject(have: &str, wanted: &str) -> bool {
    let number = |rest: &str| suffix_number(rest).is_some();
    have.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || number(rest))
        || wanted.strip_prefix(have).is_some_and(|rest| !have.is_empty() && number(rest))
}

/// Returns whether the commit subject `have` ends in the number of this pull request, as GitHub writes it when it squashes, or is that of
/// its merge commit.
pub(super) fn is_of_pull(have: &str, number: u64) -> bool {
    let squashed = have.rsplit_once(" (#").and_then(|(_, rest)| suffix_number(&format!("(#{rest}")));
    let merged = have.strip_prefix("Merge pull request #").and_then(|rest| rest.split(' ').next()?.parse().ok());
    squashed.or(merged) == Some(number)
}

fn suffix_number(rest: &str) -> Option<u64> {
    let digits = rest.trim_start().strip_prefix("(#")?.strip_suffix(')')?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn pull(repository: Option<&str>, number: u64) -> Undoes {
        Undoes::Pull { repository: repository.map(str::to_owned), number }
    }

    #[test]
    fn what_git_and_github_write_is_understood() {
        let body = format!("This reverts commit {ID}.\n\nIt broke.");
        assert_eq!(undoes("Revert \"x\"", &body), Some(Undoes::Commits(vec![ID.to_owned()])));
        assert_eq!(undoes("Undo the move", &body.to_uppercase().replace("THIS REVERTS", "This reverts")), Some(Undoes::Commits(vec![ID.to_owned()])));
        assert_eq!(undoes("Revert \"Say \"hello\"\"", ""), Some(Undoes::Subject("Say \"hello\"".to_owned())));
        assert_eq!(undoes("Revert \"Move load\"", "Reverts acme/edge#12"), Some(pull(Some("acme/edge"), 12)));
        assert_eq!(undoes("Roll back the load", "It broke.\r\n\r\nReverts #12.\r\n"), Some(pull(None, 12)));
    }

    #[test]
    fn the_most_exact_word_counts() {
        let body = format!("Reverts acme/edge#12\n\nThis reverts commit {ID}.");
        assert_eq!(undoes("Revert \"x\"", &body), Some(Undoes::Commits(vec![ID.to_owned()])));
        assert_eq!(undoes("Revert \"x\"", "Reverts acme/edge#12"), Some(pull(Some("acme/edge"), 12)));
    }

    #[test]
    fn other_words_undo_nothing() {
        for (title, body) in [
            ("Revert the cable", "We revert commit habits."),
            ("Add x", "this does not revert anything"),
            ("Explain reverts", "Reverts acme/edge#12"),
            ("Revert", "This reverts commit abc."),
            ("Answer", "> This reverts commit 0123456789abcdef.\nNo, it does not."),
            ("Revert the cable", "Reverts what is said in issue #12"),
            ("Revert", "Reverts acme/edge#"),
        ] {
            assert_eq!(undoes(title, body), None, "{title}: {body}");
        }
    }

    #[test]
    fn the_number_of_a_squashed_pull_request_does_not_matter() {
        assert!(same_subject("Add spare (#12)", "Add spare"));
        assert!(same_subject("Add spare", "Add spare (#12)"));
        assert!(!same_subject("Add spare parts", "Add spare"));
        assert!(!same_subject("", " (#12)"));
    }

    #[test]
    fn the_commit_of_a_pull_request_has_its_number() {
        assert!(is_of_pull("Add spare (#12)", 12) && is_of_pull("Merge pull request #12 from acme/spare", 12));
        assert!(!is_of_pull("Add spare (#12)", 1) && !is_of_pull("Add 12", 12) && !is_of_pull("Merge pull request #120 from a/b", 12));
    }
}

//! What a pull request that is a revert says it undoes.

/// What a title or body says is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Undoes {
    /// These commits, by full or abbreviated id.
    Commits(Vec<String>),
    /// The commit with this subject.
    Subject(String),
}

/// Returns what a pull request with this title and body undoes, if it says so: `This reverts commit <id>` as `git revert` writes it, else
/// the title `Revert "<subject>"` as `git revert` and GitHub write it.
pub(super) fn undoes(title: &str, body: &str) -> Option<Undoes> {
    let commits: Vec<String> = body.lines().flat_map(reverted_ids).collect();
    if !commits.is_empty() {
        return Some(Undoes::Commits(commits));
    }
    let subject = title.trim().strip_prefix("Revert ")?.trim().strip_prefix('"')?;
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

/// Returns whether the commit subject `have` is `wanted`, also with the number GitHub appends to a squashed pull request.
pub(super) fn same_subject(have: &str, wanted: &str) -> bool {
    let number = |rest: &str| {
        rest.trim_start()
            .strip_prefix("(#")
            .and_then(|rest| rest.strip_suffix(')'))
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    have.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || number(rest))
        || wanted.strip_prefix(have).is_some_and(|rest| !have.is_empty() && number(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_and_github_write_is_understood() {
        let body = "This reverts commit 0123456789abcdef0123456789abcdef01234567.\n\nIt broke.";
        assert_eq!(undoes("Revert \"x\"", body), Some(Undoes::Commits(vec!["0123456789abcdef0123456789abcdef01234567".to_owned()])));
        assert_eq!(undoes("Revert \"Say \"hello\"\"", ""), Some(Undoes::Subject("Say \"hello\"".to_owned())));
        assert_eq!(undoes("Revert the cable", "We revert commit habits."), None);
        assert_eq!(undoes("Add x", "this does not revert anything"), None);
    }

    #[test]
    fn the_number_of_a_squashed_pull_request_does_not_matter() {
        assert!(same_subject("Add spare (#12)", "Add spare"));
        assert!(same_subject("Add spare", "Add spare (#12)"));
        assert!(!same_subject("Add spare parts", "Add spare"));
        assert!(!same_subject("", " (#12)"));
    }
}

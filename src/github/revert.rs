//! Whether a pull request says that it takes something back, and what.

use super::types::{PrNumber, Repo, Sha};

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reverts {
    /// A pull request of the same repository: known good is the tree it was merged into.
    Pull(PrNumber),
    /// A commit: known good is its first parent's tree.
    Commit(Sha),
}

/// Returns what a pull request with this title and body reverts.
///
/// GitHub's revert button writes the title `Revert "…"` and the body `Reverts owner/name#12`; `git revert` writes
/// `This reverts commit <id>.` Both are believed only under a title that says so: a body may quote them.
pub fn reverts(repo: &Repo, title: &str, body: &str) -> Option<Reverts> {
    let title = title.trim_start().to_ascii_lowercase();
    if !["revert", "roll back", "rollback"].iter().any(|word| title.starts_with(word)) {
        return None;
    }
    body.lines().map(str::trim).find_map(|line| {
        if let Some(what) = line.strip_prefix("Reverts ") {
            let (name, number) = what.split_once('#')?;
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            let here = name.is_empty() || name.eq_ignore_ascii_case(&repo.to_string());
            return here.then(|| digits.parse().ok().map(PrNumber).map(Reverts::Pull)).flatten();
        }
        let id: String = line.strip_prefix("This reverts commit ")?.chars().take_while(char::is_ascii_hexdigit).collect();
        Sha::new(&id).map(Reverts::Commit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_reverting_are_recognised() {
        let repo = Repo::new("acme/edge").unwrap();
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let says = |title: &str, body: &str| reverts(&repo, title, body);
        assert_eq!(says("Revert \"Move load\"", "Reverts acme/edge#12"), Some(Reverts::Pull(PrNumber(12))));
        assert_eq!(says("Revert \"Move load\"", "Reverts #12."), Some(Reverts::Pull(PrNumber(12))));
        assert_eq!(says("Revert \"Move load\"", &format!("\nThis reverts commit {sha}.")), Some(Reverts::Commit(Sha::new(sha).unwrap())));
        assert_eq!(says("Revert \"Move load\"", "Reverts other/repo#12"), None);
        assert_eq!(says("Explain reverts", "Reverts acme/edge#12"), None);
        assert_eq!(says("Revert", "This reverts commit abc."), None);
    }
}

//! What a test sees of the comments on lines.

use super::handle::Standin;

/// A comment on a line as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineSeen {
    /// The id.
    pub id: u64,
    /// The login.
    pub author: String,
    /// The text, in Markdown.
    pub body: String,
    /// Whether its thread is resolved.
    pub resolved: bool,
}

impl Standin {
    /// All comments on lines of a pull request, the oldest first, answers among them.
    pub fn lines(&self, repository: &str, number: u64) -> Vec<LineSeen> {
        let found = self.change(repository, |_, state, at| {
            let reviews = state.repositories.get(at).map(|repository| repository.reviews.as_slice()).unwrap_or_default();
            let of_pull = reviews.iter().filter(|review| review.number == number);
            let lines = of_pull.flat_map(|review| {
                review.comments.iter().map(|comment| LineSeen {
                    id: comment.id,
                    author: review.author.login.clone(),
                    body: comment.body.clone(),
                    resolved: state.resolved.contains_key(&comment.reply_to.unwrap_or(comment.id)),
                })
            });
            lines.collect()
        });
        found.unwrap_or_default()
    }
}

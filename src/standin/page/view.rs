//! What the page of a pull request says.

use super::super::clock::rfc3339;
use super::super::state::{Account, Comment, Offer, Pull, Repository, Run, State};
use super::{files, markdown};
use gix::hash::ObjectId;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What a page is about.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) state: &'a State,
    pub(super) repository: &'a Repository,
    pub(super) pull: &'a Pull,
}

impl Page<'_> {
    fn url(&self) -> String {
        format!("/{}/pull/{}", self.repository.full_name(), self.pull.number)
    }

    /// The newest runs on the head.
    pub(super) fn runs(&self) -> Vec<&Run> {
        self.repository.latest_runs(self.pull.head)
    }
}

/// The whole page.
pub(super) fn page(page: &Page<'_>) -> Markup {
    let pull = page.pull;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (pull.title) " #" (pull.number) " · " (page.repository.full_name()) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/-/style.css";
                script src="/-/script.js" defer {}
            }
            body data-live-url={ (page.url()) "/live" } {
                header.bar {
                    span.repo { span.owner { (page.repository.owner.login) } " / " strong { (page.repository.name) } }
                    span.where { "A stand-in for GitHub, on this machine only" }
                }
                main {
                    div data-live="head" { (head(page)) }
                    div.columns {
                        div.talk {
                            div data-live="talk" { (talk(page)) }
                            (comment_box(page))
                        }
                        div.changes {
                            div data-live="checks" { (checks(page)) }
                            div data-live="files" { (files::changes(page)) }
                        }
                    }
                }
                div #version hidden data-version=(page.state.version) {}
            }
        }
    }
}

/// A file at a commit, with its line numbers.
pub(super) fn file(full_name: &str, path: &str, commit: &str, text: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="color-scheme" content="light dark";
                title { (path) " · " (full_name) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/-/style.css";
            }
            body {
                header.bar { span.repo { strong { (full_name) } } span.where { "A stand-in for GitHub, on this machine only" } }
                main {
                    section.file {
                        div.name { code { (path) } span.sum { "at " code { (commit.get(..7).unwrap_or(commit)) } } }
                        table.diff {
                            @for (number, line) in (1_usize..).zip(text.lines()) {
                                tr #{ "L" (number) } { td.line { (number) } td.code { (line) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The parts that change by themselves.
pub(super) fn live(page: &Page<'_>) -> Markup {
    html! {
        div #version data-version=(page.state.version) {}
        div data-live="head" { (head(page)) }
        div data-live="talk" { (talk(page)) }
        div data-live="checks" { (checks(page)) }
        div data-live="files" { (files::changes(page)) }
    }
}

fn short(id: ObjectId) -> String {
    id.to_hex_with_len(7).to_string()
}

fn moment(seconds: i64) -> Markup {
    html! { time datetime=(rfc3339(seconds)) { (rfc3339(seconds)) } }
}

fn head(page: &Page<'_>) -> Markup {
    let pull = page.pull;
    let count = commits(page).len();
    html! {
        h1 { (pull.title) " " span.number { "#" (pull.number) } }
        p.meta {
            span.state { "Open" }
            " " strong { (pull.author.login) } " wants to merge " (count) @if count == 1 { " commit" } @else { " commits" } " into "
            code.branch { (pull.base_branch) } " from " code.branch { (pull.head_branch) }
        }
    }
}

/// The commits of the pull request, the oldest first.
fn commits(page: &Page<'_>) -> Vec<ObjectId> {
    let before = page.state.objects.ancestors(page.pull.base);
    let mut own: Vec<ObjectId> = page.state.objects.ancestors(page.pull.head).into_iter().filter(|id| !before.contains(id)).collect();
    own.reverse();
    own
}

fn face(account: &Account) -> Markup {
    let bot = account.kind == "Bot";
    let letter = account.login.chars().next().unwrap_or('?').to_uppercase().to_string();
    html! { span.face.bot[bot] aria-hidden="true" { (letter) } }
}

fn name(account: &Account) -> Markup {
    html! {
        strong { (account.login.strip_suffix("[bot]").unwrap_or(&account.login)) }
        @if account.kind == "Bot" { " " span.tag { "bot" } }
    }
}

/// The description, then commits and comments as they came.
fn talk(page: &Page<'_>) -> Markup {
    let pull = page.pull;
    let mut entries: Vec<(i64, u8, Markup)> = Vec::new();
    for id in commits(page) {
        if let Some(commit) = page.state.objects.commit(id) {
            entries.push((commit.stamp.seconds, 0, pushed(id, &commit.stamp.name, &commit.message)));
        }
    }
    for comment in page.repository.comments.iter().filter(|comment| comment.number == pull.number) {
        entries.push((comment.created, 1, said(comment)));
    }
    entries.sort_by_key(|(time, order, _)| (*time, *order));
    html! {
        article.comment {
            (face(&pull.author))
            div.bubble {
                div.by { (name(&pull.author)) " opened this " (moment(pull.created)) }
                div.markdown {
                    @match &pull.body {
                        Some(body) => (PreEscaped(markdown::to_html(body))),
                        None => p.quiet { "No description." },
                    }
                }
            }
        }
        @for (_, _, entry) in &entries { (entry) }
    }
}

fn pushed(id: ObjectId, by: &str, message: &str) -> Markup {
    html! {
        div.event {
            span.dot aria-hidden="true" {}
            span { strong { (by) } " pushed " span.message { (message) } " " code { (short(id)) } }
        }
    }
}

fn said(comment: &Comment) -> Markup {
    html! {
        article.comment #{ "issuecomment-" (comment.id) } data-author=(comment.author.login) {
            (face(&comment.author))
            div.bubble {
                div.by {
                    (name(&comment.author)) " commented " (moment(comment.created))
                    @if comment.updated > comment.created { " · updated " (moment(comment.updated)) }
                }
                div.markdown { (PreEscaped(markdown::to_html(&comment.body))) }
                (reactions(comment))
            }
        }
    }
}

fn reactions(comment: &Comment) -> Markup {
    let known =
        [("+1", "👍"), ("-1", "👎"), ("laugh", "😄"), ("hooray", "🎉"), ("confused", "😕"), ("heart", "❤️"), ("rocket", "🚀"), ("eyes", "👀")];
    let given: Vec<(&str, usize)> = known
        .into_iter()
        .map(|(content, sign)| (sign, comment.reactions.iter().filter(|(_, given, _)| given == content).count()))
        .filter(|(_, count)| *count > 0)
        .collect();
    html! {
        @if !given.is_empty() {
            div.reactions { @for (sign, count) in given { span.reaction { (sign) " " (count) } } }
        }
    }
}

/// How a run stands, in one word for the style sheet.
fn standing(run: &Run) -> &'static str {
    match (run.status.as_str(), run.conclusion.as_deref()) {
        ("completed", Some("success")) => "good",
        ("completed", Some("neutral" | "skipped")) => "neutral",
        ("completed", _) => "bad",
        _ => "busy",
    }
}

fn checks(page: &Page<'_>) -> Markup {
    let runs = page.runs();
    let waits = page.repository.suites.iter().any(|suite| suite.sha == page.pull.head && suite.rerequested);
    let all = if runs.is_empty() || waits || runs.iter().any(|run| standing(run) == "busy") {
        "busy"
    } else if runs.iter().any(|run| standing(run) == "bad") {
        "bad"
    } else {
        "good"
    };
    let (title, line) = match all {
        "bad" => ("Merging is blocked", "A required check has failed."),
        "good" => ("Ready to merge", "All required checks have passed."),
        _ => ("Merging is blocked for now", "Waiting for a required check."),
    };
    html! {
        section.checks.(all) data-state=(all) {
            div.verdict {
                span.sign.(all) aria-hidden="true" {}
                div { strong { (title) } div.quiet { (line) " Head is " code { (short(page.pull.head)) } "." } }
            }
            @if runs.is_empty() {
                div.run { span.sign.busy aria-hidden="true" {} div { strong { "waypost" } div.quiet { "Expected. Waiting for it to be reported." } } }
            }
            @for run in runs { (one_check(page, run)) }
            (offers(page))
        }
    }
}

fn one_check(page: &Page<'_>, run: &Run) -> Markup {
    let standing = standing(run);
    let word = run.conclusion.as_deref().unwrap_or(&run.status).replace('_', " ");
    html! {
        div.run data-check=(run.name) data-conclusion=[run.conclusion.as_deref()] {
            span.sign.(standing) aria-hidden="true" {}
            div.about {
                div { strong { (run.name) } " " span.word.(standing) { (word) } @if let Some(title) = &run.title { " " span.title { (title) } } }
                @if let Some(url) = run.details_url.as_deref().filter(|url| markdown::is_safe(url)) { a.more href=(url) { "The review's own page" } }
            }
            @if run.status == "completed" {
                form method="post" action={ (page.url()) "/rerun/" (run.id) } { button.small type="submit" { "Re-run" } }
            }
        }
        @if run.summary.is_some() || run.text.is_some() {
            details.output data-key={ "output-" (run.name) } {
                summary { "Details of the check" }
                @if let Some(summary) = &run.summary { div.markdown { (PreEscaped(markdown::to_html(summary))) } }
                @if let Some(text) = &run.text { div.markdown { (PreEscaped(markdown::to_html(text))) } }
            }
        }
    }
}

/// The pushes that are prepared as buttons, but for the one that is there already.
fn offers(page: &Page<'_>) -> Markup {
    let tree = page.state.objects.commit(page.pull.head).map(|commit| commit.tree);
    let open: Vec<(usize, &Offer)> = page.pull.offers.iter().enumerate().filter(|(_, offer)| Some(offer.tree) != tree).collect();
    html! {
        @if !open.is_empty() {
            div.offers {
                @for (at, offer) in open {
                    form method="post" action={ (page.url()) "/push/" (at) } {
                        button.primary type="submit" data-offer=(at) { (offer.label) }
                    }
                }
            }
        }
    }
}

fn comment_box(page: &Page<'_>) -> Markup {
    html! {
        form.write method="post" action={ (page.url()) "/comment" } {
            label for="body" { "Add a comment" }
            textarea #body name="body" rows="3" placeholder="Write a comment, or a command on a line of its own" {}
            div.below {
                span.try {
                    @if !page.pull.suggestions.is_empty() { "Try " }
                    @for words in &page.pull.suggestions { button.chip type="button" data-insert=(words) { (words) } }
                }
                button.primary #send type="submit" { "Comment" }
            }
        }
    }
}

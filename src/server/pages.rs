//! The pages people read: the reviews and the help. Everything that is not ours is escaped by maud, and no script may run.

use super::App;
use crate::github::commands::command_help;
use crate::policy::rules;
use crate::store::{AuditRecord, ReviewKey, StoredReview};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use maud::{DOCTYPE, Markup, html};
use std::sync::Arc;

/// Reviews on the first page.
const SHOWN: u32 = 50;
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("pages.css");

/// `/`
pub(super) async fn index(State(app): State<Arc<App>>) -> Response {
    let reviews = match app.store.reviews(SHOWN).await {
        Ok(reviews) => reviews,
        Err(error) => return unavailable(&error),
    };
    let body = html! {
        h1 { "Reviews" }
        @if reviews.is_empty() {
            p { "No pull request has been reviewed yet. " a href="/help" { "What Waypost does" } }
        } @else {
            table {
                thead { tr { th { "pull request" } th { "verdict" } th { "summary" } } }
                tbody {
                    @for review in &reviews {
                        tr {
                            td { a href=(link(review)) { (review.owner) "/" (review.name) "#" (review.number) } " " (review.title) }
                            td { (verdict(&review.verdict)) }
                            td { (review.summary) }
                        }
                    }
                }
            }
        }
    };
    page(StatusCode::OK, "Reviews", &body)
}

/// `/reviews/{owner}/{repo}/{number}`
pub(super) async fn review(State(app): State<Arc<App>>, Path((owner, name, number)): Path<(String, String, u64)>) -> Response {
    match app.store.review(ReviewKey::Name { owner, name, number }).await {
        Ok(Some(review)) => {
            let record = match app.store.audit(review.repository_id, review.number).await {
                Ok(record) => record,
                Err(error) => return unavailable(&error),
            };
            let title = format!("{}/{}#{}", review.owner, review.name, review.number);
            let body = html! {
                h1 { (title) " " (review.title) }
                p { (verdict(&review.verdict)) " " strong { (review.summary) } }
                p.quiet { "commit " code { (review.head_sha) } ", compared with " code { (review.base_sha) } ", reviewed " (time(review.reviewed_at_ms)) }
                pre { (review.report) }
                (decisions(&record))
                details { summary { "The review as JSON" } pre { (pretty(&review.review)) } }
            };
            page(StatusCode::OK, &title, &body)
        }
        Ok(None) => not_found().await,
        Err(error) => unavailable(&error),
    }
}

/// Returns the record of what people have decided; nothing where there is none.
fn decisions(record: &[AuditRecord]) -> Markup {
    html! {
        @if !record.is_empty() {
            h2 { "Decisions" }
            table {
                thead { tr { th { "when" } th { "who" } th { "what" } th { "finding" } th { "commit" } th { "why" } } }
                tbody {
                    @for line in record {
                        tr {
                            td { (time(line.at_ms)) }
                            td { (line.actor) @if !line.role.is_empty() { " (" (line.role) ")" } }
                            td { (line.command) ", " (line.outcome) }
                            td { code { (line.fingerprint) } " " (line.rule) }
                            td { code { (line.head_sha.get(..7).unwrap_or_default()) } }
                            td { (line.detail) }
                        }
                    }
                }
            }
        }
    }
}

/// `/help`
pub(super) async fn help() -> Response {
    let body = html! {
        h1 { "Help" }
        p { "Waypost reviews changes to load balancers and routing: which requests would go somewhere else, and does everything they reach exist? "
            "Its check is called " code { "waypost" } ". It fails where a change would break traffic, and also where Waypost cannot tell; warnings let a change through and are named in the check's title." }
        h2 { "Commands" }
        p { "On a line of its own in a comment on a pull request. An edited comment does nothing." }
        table {
            thead { tr { th { "command" } th { "does" } th { "example" } th { "who" } } }
            tbody {
                @for command in command_help() {
                    tr { td { code { (command.usage) } } td { (command.summary) } td { code { (command.example) } } td { (command.who) } }
                }
            }
        }
        h2 { "Rules" }
        @for rule in rules() {
            section id=(rule.id) { h3 { (rule.id) } pre.text { (rule.documentation.trim()) } }
        }
    };
    page(StatusCode::OK, "Help", &body)
}

/// `/style.css`
pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")], STYLE).into_response()
}

/// Everything else.
pub(super) async fn not_found() -> Response {
    let body = html! { h1 { "Not here" } p { "There is no such page, or this pull request has not been reviewed. " a href="/" { "All reviews" } } };
    page(StatusCode::NOT_FOUND, "Not here", &body)
}

fn unavailable(error: &crate::store::StoreError) -> Response {
    tracing::error!(%error, "a page could not be made");
    page(StatusCode::SERVICE_UNAVAILABLE, "Not now", &html! { h1 { "Not now" } p { "The database does not answer." } })
}

fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - Waypost" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                nav { a href="/" { "Waypost" } a href="/help" { "Help" } }
                main { (body) }
            }
        }
    };
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, page.into_string()).into_response()
}

fn link(review: &StoredReview) -> String {
    format!("/reviews/{}/{}/{}", review.owner, review.name, review.number)
}

fn verdict(verdict: &str) -> Markup {
    html! { span class={ "verdict " (verdict) } { (verdict) } }
}

fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
}

fn pretty(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json).and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_default()
}

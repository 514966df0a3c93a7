//! Answers to slash commands that found something out. What comes from a pull request goes through `markdown` first.

use super::comment::change_rows;
use super::markdown::{Place, code, fence, prose};
use super::put::put;
use super::words::count;
use crate::policy::{Rule, explanation};
use crate::review::{ChangeReport, Leftovers, Simulation};

/// Rows of an answer's table.
const MOST_ROWS: usize = 12;
/// Names in an answer's list.
const MOST_NAMES: usize = 20;

/// Returns a rule's documentation.
pub fn explained(rule: &Rule) -> String {
    // A comment's headings are smaller than a page's.
    explanation(rule).lines().map(|line| if line.starts_with('#') { format!("##{line}\n") } else { format!("{line}\n") }).collect()
}

/// Returns the answer to an acknowledgement.
pub fn acknowledged(message: &str) -> String {
    format!("Noted that this has been seen: {}. The verdict stays as it is.", prose(message, Place::Text))
}

/// Returns the answer to a waiver.
pub fn waived(message: &str, until: &str) -> String {
    format!(
        "Let through until the end of {until} (UTC), on this pull request and as long as it says the same: {}. `/waypost unwaive` takes it back.",
        prose(message, Place::Text)
    )
}

/// Returns the answer to a waiver that was taken back.
pub fn unwaived(message: &str) -> String {
    format!("Counts again: {}.", prose(message, Place::Text))
}

/// Returns what somebody has to do who wishes for a waiver, and who can give it. `blocking` are fingerprints and sentences.
pub fn waiver_wanted(login: &str, blocking: &[(&str, &str)]) -> String {
    let who = code(login, Place::Text);
    if blocking.is_empty() {
        return format!("{who} asks for a waiver, and nothing blocks this pull request.");
    }
    let mut text = format!("{who} asks for a waiver. Somebody who may give it comments, with a day and a reason:\n");
    for (fingerprint, message) in blocking.iter().take(MOST_ROWS) {
        let command = format!("/waypost waive {fingerprint} until=YYYY-MM-DD reason=\"…\"");
        put!(text, "\n{}\n\n{}", prose(message, Place::Text), fence("text", &command));
    }
    text
}

/// Returns what happens when a host dies.
pub fn simulated(found: &Simulation) -> String {
    let pools: Vec<String> = found.pools.iter().map(|(pool, _)| code(pool, Place::Text)).collect();
    let mut text = format!("If {} dies after this change, which is in {}: ", code(&found.host, Place::Text), listed(&pools));
    let broken = found.changes.iter().filter(|change| change.broken_share > change.broken_share_was).count();
    match (found.changes.as_slice(), broken) {
        ([], _) if found.exact => text.push_str("no request gets an error or another server that it did not have."),
        ([], _) => text.push_str("no request was found that gets an error or another server. Not every possible request was tried."),
        (_, 0) => text.push_str("the others take over; no request was found that gets an error.\n"),
        (changes, broken) => put!(text, "requests of {broken} of {} would get errors.\n", count(changes.len(), "group")),
    }
    text += &table(&found.changes, "With it", "Without it");
    text.push_str(
        "\n<sub>By the model: retries, probes and limits as they are configured, nothing rehearsed. The whole host is taken to be down.</sub>\n",
    );
    text
}

/// Returns what a rollback leaves behind.
pub fn rolled_back(left: &Leftovers, base: &str) -> String {
    let mut text = format!("A revert brings back the files of {} and with them every route.", code(base, Place::Text));
    let files: Vec<String> = left.files.iter().take(MOST_NAMES).map(|file| code(file, Place::Text)).collect();
    match (left.files.len(), left.changes.is_empty()) {
        (0, _) => {
            text.push_str(
                " This change adds no file that is read beside the old ones, so a rollback that only copies the old files does the same.\n",
            );
        }
        (files_left, true) => {
            put!(
                text,
                " A rollback that only copies the old files leaves {} behind that would still be read: {}.{}\n",
                count(files_left, "file"),
                listed(&files),
                if left.exact { " No request would notice." } else { " No request was found that would notice." }
            );
        }
        (files_left, false) => {
            put!(
                text,
                "\n\n**A rollback that only copies the old files does not go back**: {} would still be read: {}. Delete what this change adds.\n",
                count(files_left, "file"),
                listed(&files)
            );
            text += &table(&left.changes, "Before this change", "After such a rollback");
        }
    }
    text.push_str("\n<sub>By the model of both trees. Nothing was rehearsed on a proxy, and what is deployed besides this repository is not known here.</sub>\n");
    text
}

/// Returns the table of an answer; nothing where there are no rows.
fn table(changes: &[ChangeReport], was: &str, now: &str) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut text = format!("\n| Request | {was} | {now} | Broken |\n| --- | --- | --- | --- |\n{}", change_rows(changes, MOST_ROWS));
    if changes.len() > MOST_ROWS {
        put!(text, "\nand {} more\n", changes.len() - MOST_ROWS);
    }
    text
}

fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// How things stand on a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The head, short.
    pub head: String,
    /// The last review: its commit (short), verdict and sentence.
    pub reviewed: Option<(String, String, String)>,
    /// It is of the head.
    pub is_current: bool,
    /// Its findings above info.
    pub findings: Vec<StandingFinding>,
    /// What has been decided.
    pub decisions: Vec<StandingDecision>,
}

/// A finding, where things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingFinding {
    /// What a decision names it by.
    pub fingerprint: String,
    /// `error` or `warning`.
    pub severity: String,
    /// The rule.
    pub rule: String,
    /// The sentence.
    pub message: String,
    /// It is let through.
    pub waived: bool,
}

/// A decision, where things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingDecision {
    /// A waiver, not an acknowledgement.
    pub is_waiver: bool,
    /// About which finding.
    pub fingerprint: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The last day.
    pub until: Option<String>,
}

/// Returns how things stand.
pub fn status(status: &Status) -> String {
    let head = code(&status.head, Place::Text);
    let mut text = match &status.reviewed {
        None => format!("Nothing has been reviewed here yet; the head is {head}.\n"),
        Some((_, verdict, summary)) if status.is_current => format!("{head} is reviewed: **{verdict}**. {}.\n", prose(summary, Place::Text)),
        Some((sha, verdict, _)) => {
            format!("The head {head} is not reviewed yet. The last review, of {}, said **{verdict}**.\n", code(sha, Place::Text))
        }
    };
    if !status.findings.is_empty() {
        text.push_str("\n| Fingerprint | Finding | |\n| --- | --- | --- |\n");
        for finding in status.findings.iter().take(MOST_NAMES) {
            let waived = if finding.waived { "waived" } else { "" };
            let said = prose(&finding.message, Place::Cell);
            put!(text, "| {} | {}: {said}<br>`{}` | {waived} |\n", code(&finding.fingerprint, Place::Cell), finding.severity, finding.rule);
        }
        if status.findings.len() > MOST_NAMES {
            put!(text, "\nand {} more\n", status.findings.len() - MOST_NAMES);
        }
    }
    if !status.decisions.is_empty() {
        text.push('\n');
    }
    for decision in &status.decisions {
        let what = if decision.is_waiver { "waived" } else { "seen" };
        let until = decision.until.as_ref().map_or(String::new(), |day| format!(" until {day}"));
        let gone = if !status.is_current || status.findings.iter().any(|finding| finding.fingerprint == decision.fingerprint) {
            ""
        } else {
            " (no such finding now)"
        };
        let (fingerprint, by) = (code(&decision.fingerprint, Place::Text), code(&decision.by, Place::Text));
        put!(text, "- {fingerprint} {what}{until} by {by}: {}{gone}\n", prose(&decision.reason, Place::Text));
    }
    text
}

/// Something wrong with the set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// The installation does not allow what is needed.
    Permission {
        /// What.
        permission: &'static str,
        /// `read` or `write`.
        level: &'static str,
        /// The App asks for it, and an owner has not accepted yet.
        asked: bool,
    },
    /// The installation does not allow what only some need.
    MorePermission {
        /// What.
        permission: &'static str,
        /// `read` or `write`.
        level: &'static str,
        /// The event that comes with it.
        event: &'static str,
    },
    /// An event does not arrive.
    Event {
        /// Which.
        event: &'static str,
        /// Nothing works without it.
        needed: bool,
    },
    /// Webhooks could not be delivered lately.
    Deliveries {
        /// How many, at most 100.
        failed: usize,
        /// What the newest was answered with; 0 for nothing.
        last_status: i64,
    },
    /// The branch does not require the check.
    NotRequired {
        /// The branch.
        branch: String,
    },
    /// The branch requires a check of that name from another App.
    OtherApp {
        /// The branch.
        branch: String,
    },
    /// The branch takes the check from anybody.
    AnyApp {
        /// The branch.
        branch: String,
    },
    /// It cannot be told.
    Unknown {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// Returns what is wrong with the set-up and how to mend it.
pub fn examined(found: &[Ailment], branch: &str) -> String {
    let branch = code(branch, Place::Text);
    if found.is_empty() {
        return format!(
            "All is well: permissions and events are granted, no delivery has failed lately, and {branch} requires the check `waypost` of this App.\n"
        );
    }
    let mut text = String::new();
    for ailment in found {
        put!(text, "- {}\n", ailment_words(ailment));
    }
    put!(text, "\nLooked at: the App's permissions and events, its failed deliveries, and the rules of {branch}.\n");
    text
}

fn ailment_words(ailment: &Ailment) -> String {
    match ailment {
        Ailment::Permission { permission, level, asked: true } => {
            format!("❌ The permission `{permission}: {level}` is not granted yet. An owner accepts it under Settings, GitHub Apps, Waypost.")
        }
        Ailment::Permission { permission, level, asked: false } => format!(
            "❌ The App does not ask for the permission `{permission}: {level}`. Add it in the App's settings; then an owner of each installation accepts it."
        ),
        Ailment::MorePermission { permission, level, event } => format!(
            "⚠️ The permission `{permission}: {level}` is not granted. Without it GitHub sends no `{event}`, and a merge queue that requires `waypost` waits in vain."
        ),
        Ailment::Event { event, needed: true } => format!("❌ The event `{event}` does not arrive. Subscribe to it in the App's settings."),
        Ailment::Event { event, needed: false } => format!("⚠️ The event `{event}` does not arrive, so what it stands for does nothing here."),
        Ailment::Deliveries { failed, last_status } => {
            let more = if *failed >= 100 { "at least " } else { "" };
            let answer = if *last_status == 0 { "not answered".to_owned() } else { format!("answered with {last_status}") };
            format!(
                "⚠️ {more}{} could not be delivered in the last three days; the newest was {answer}. The App's settings list them under Advanced, where they can be sent again.",
                count(*failed, "webhook")
            )
        }
        Ailment::NotRequired { branch } => format!(
            "⚠️ {} does not require the check `waypost`, so a red one stops nobody. Add it in a ruleset of the branch, under Require status checks to pass. Classic branch protection is not looked at here.",
            code(branch, Place::Text)
        ),
        Ailment::OtherApp { branch } => format!(
            "❌ {} requires a check `waypost` of another App, which this one cannot give. Choose this App as its source in the ruleset.",
            code(branch, Place::Text)
        ),
        Ailment::AnyApp { branch } => format!(
            "⚠️ {} takes the check `waypost` from anybody who may push. Choose this App as its source in the ruleset.",
            code(branch, Place::Text)
        ),
        Ailment::Unknown { what, why } => format!("❔ Cannot tell: {what} ({}).", prose(why, Place::Text)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn what_a_simulation_and_a_rollback_say() {
        let simulation = Simulation {
            host: "10.20.1.12".to_owned(),
            pools: vec![("web_pool".to_owned(), "nginx/nginx.conf".to_owned()), ("api|pool".to_owned(), "nginx/nginx.conf".to_owned())],
            changes: vec![fixture::change(fixture::was(), fixture::now())],
            exact: true,
            hosts: Vec::new(),
        };
        let nobody = Simulation { changes: Vec::new(), ..simulation.clone() };
        let unsure = Simulation { exact: false, ..nobody.clone() };
        let none = Leftovers { files: Vec::new(), changes: Vec::new(), exact: true };
        let left = Leftovers { files: vec!["nginx/conf.d/50-spare.conf".to_owned()], changes: simulation.changes.clone(), exact: true };
        let harmless = Leftovers { changes: Vec::new(), ..left.clone() };
        let said = [
            simulated(&simulation),
            simulated(&nobody),
            simulated(&unsure),
            rolled_back(&none, "a1b2c3d"),
            rolled_back(&left, "a1b2c3d"),
            rolled_back(&harmless, "a1b2c3d"),
        ];
        insta::assert_snapshot!(said.join("\n---\n"));
    }

    #[test]
    fn what_is_wrong_with_a_set_up_is_said_with_what_to_do() {
        let branch = || "main".to_owned();
        let all = [
            Ailment::Permission { permission: "checks", level: "write", asked: true },
            Ailment::Permission { permission: "pull_requests", level: "write", asked: false },
            Ailment::MorePermission { permission: "merge_queues", level: "read", event: "merge_group" },
            Ailment::Event { event: "issue_comment", needed: true },
            Ailment::Event { event: "merge_group", needed: false },
            Ailment::Deliveries { failed: 3, last_status: 502 },
            Ailment::Deliveries { failed: 100, last_status: 0 },
            Ailment::NotRequired { branch: branch() },
            Ailment::OtherApp { branch: branch() },
            Ailment::AnyApp { branch: branch() },
            Ailment::Unknown { what: "the rules of the branch", why: "GitHub answered GET /repos/a/b/rules with 403: @all".to_owned() },
        ];
        insta::assert_snapshot!(format!("{}\n---\n{}", examined(&all, "main"), examined(&[], "main")));
    }

    #[test]
    fn how_things_stand_is_a_table() {
        let finding = StandingFinding {
            fingerprint: "0123456789abcdef".to_owned(),
            severity: "error".to_owned(),
            rule: "traffic/missing-server".to_owned(),
            message: "85 % of requests to `a|b` would go to @nobody".to_owned(),
            waived: true,
        };
        let decision = StandingDecision {
            is_waiver: true,
            fingerprint: "0123456789abcdef".to_owned(),
            by: "kim".to_owned(),
            reason: "see @ops <!-- --> https://evil.example".to_owned(),
            until: Some("2030-01-31".to_owned()),
        };
        let seen = StandingDecision { is_waiver: false, fingerprint: "ffff".to_owned(), until: None, ..decision.clone() };
        let reviewed = Some(("4f2c1e9".to_owned(), "fail".to_owned(), "It breaks".to_owned()));
        let now = Status { head: "4f2c1e9".to_owned(), reviewed, is_current: true, findings: vec![finding], decisions: vec![decision, seen] };
        let later = Status { head: "aaaaaaa".to_owned(), is_current: false, findings: Vec::new(), decisions: Vec::new(), ..now.clone() };
        let never = Status { head: "aaaaaaa".to_owned(), ..Status::default() };
        insta::assert_snapshot!([status(&now), status(&later), status(&never)].join("\n---\n"));
    }

    #[test]
    fn what_was_decided_is_said_back() {
        let message = "85 % of requests to shop.example.com would go to `10.20.1.15:8080`";
        let wanted = [waiver_wanted("kim", &[("0123456789abcdef", message)]), waiver_wanted("kim", &[])];
        insta::assert_snapshot!(
            [&[acknowledged(message), waived(message, "2030-01-31"), unwaived(message)], wanted.as_slice()].concat().join("\n---\n")
        );
    }

    #[test]
    fn the_documentation_of_a_rule_has_smaller_headings() {
        let rule = crate::policy::by_name("missing-server").unwrap();
        let text = explained(rule);
        assert!(text.starts_with("### traffic/missing-server\n\n#### What it checks\n"), "{text}");
    }
}

//! `waypost demo`: the founding outage as a pull request, reviewed end to end on this machine.

#![expect(clippy::disallowed_methods, reason = "it says when each thing happened")]

use super::serve::stop_wished;
use super::{CliError, Exit, Output, output};
use crate::github::{ApiSettings, Issuer};
use crate::report::put::put;
use crate::server::{self, Running, Settings};
use crate::standin::{self, Activity, CheckSeen, NewPull, Standin, founding};
use secrecy::SecretString;
use serde_json::Value;
use similar::TextDiff;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

const REPOSITORY: &str = "acme/edge";
const BRANCH: &str = "rack-b-back";
const FIRST_NUMBER: u64 = 812;
const TRACE: &str = "/waypost trace http://shop.example.com/cart";
/// With `--once`, how long the first review may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two writes; the stand-in has no rate limit that would be worth GitHub's one second.
const PACE: Duration = Duration::from_millis(200);

/// Watch the founding outage being caught, as a pull request, end to end on this machine
///
/// A stand-in for GitHub and the real server start on loopback, the pull request is opened, and what happens is told as it happens. Then the
/// page stays open to play with. Nothing leaves this machine and nothing is left on it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  waypost demo
      then open the page it names, comment, and push the fix
  waypost demo --once
      end after the first review; exits 0 when the outage was stopped")]
pub(super) struct Args {
    /// Show the page on this port [default: any that is free]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// End after the first review
    #[arg(long)]
    once: bool,
}

/// Runs the demo until Ctrl-C, or with `--once` until the first review is there.
pub(super) fn run(args: &Args, out: &mut Output) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::new(format!("cannot start threads: {error}")))?;
    let place = Place::new()?;
    let teller = Teller { out, paint: Paint::new(out.colored(None)), started: Instant::now() };
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = play(args, &place.0, &teller) => ended,
            () = stop_wished() => {
                teller.line("\nStopped. Nothing stays behind.\n")?;
                // Whoever waits for the first review has not got it.
                Ok(if args.once { Exit::Internal } else { Exit::Success })
            }
        }
    });
    // First everything that writes there ends, then the folder goes.
    runtime.shutdown_timeout(Duration::from_secs(2));
    drop(place);
    ended
}

/// A folder for the database that is gone when the demo ends.
struct Place(PathBuf);

impl Place {
    fn new() -> Result<Self, CliError> {
        let path = std::env::temp_dir().join(format!("waypost-demo-{}", std::process::id()));
        // One that is there already is somebody else's. Nobody else may look in.
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            CliError::new(format!("cannot create `{}`: {}", path.display(), output::reason(&error)))
                .help("set TMPDIR to a folder that can be written to")
        })?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which clears this folder.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

async fn play(args: &Args, place: &Path, teller: &Teller<'_>) -> Result<Exit, CliError> {
    let options = standin::Options { web_port: args.port, ..standin::Options::default() };
    let github = standin::start(options)
        .await
        .map_err(|error| CliError::new(start_words(&error)).help("choose another port with --port, or leave it out for any that is free"))?;
    let server = serve(&github, place).await?;
    github.set_webhook_url(&format!("http://{}/webhook", server.address));
    let mut activity = github.subscribe();
    github.create_repository("acme", "edge", &founding::base());
    github.number_from(REPOSITORY, FIRST_NUMBER);
    github.push(REPOSITORY, BRANCH, &founding::head(), "Return rack B to service");
    teller.opening(&github, &server)?;
    let pull = NewPull { head: BRANCH, base: "main", title: founding::TITLE, body: founding::BODY };
    let number = github.open_pull_request(REPOSITORY, &pull);
    github.offer_push(REPOSITORY, number, &founding::fix(), ("Push the fix", "Take web05 out until the inventory knows it"));
    github.offer_push(REPOSITORY, number, &founding::head(), ("Push the mistake again", "Move the bulk of the load to web05"));
    github.suggest(REPOSITORY, number, TRACE);
    github.suggest(REPOSITORY, number, "/waypost help");

    let first = tokio::time::timeout(PATIENCE, first_review(&mut activity, &github, number, teller)).await;
    let stopped = match first {
        Ok(told) => told?,
        Err(_elapsed) => {
            return Err(
                CliError::new(format!("no review came within {} seconds", PATIENCE.as_secs())).help("run it again when the machine has less to do")
            );
        }
    };
    if !args.once {
        teller.invitation(&github, number, stopped)?;
        watch(&mut activity, &github, number, teller).await?;
    }
    server.shutdown().await;
    Ok(if stopped || !args.once { Exit::Success } else { Exit::Internal })
}

fn start_words(error: &standin::StartError) -> String {
    match error {
        standin::StartError::Listen { port, cause } => {
            format!("cannot listen on 127.0.0.1:{port}: {}", output::reason(cause))
        }
        standin::StartError::Keys => error.to_string(),
    }
}

async fn serve(github: &Standin, place: &Path) -> Result<Running, CliError> {
    let key = SecretString::from(github.private_key_pem.clone());
    let secret = SecretString::from(github.webhook_secret.clone());
    let mut settings = Settings::new(Issuer::ClientId(github.client_id.clone()), key, Some(secret));
    settings.listen.set_port(0);
    settings.database_url = format!("sqlite://{}", place.join("waypost.db").display());
    settings.github = ApiSettings { pace: PACE, ..ApiSettings::new(&github.api_url) };
    settings.grace = Duration::from_secs(1);
    server::start(settings).await.map_err(|error| CliError::new(error.to_string()).help(error.help()))
}

/// Tells of the first review. Returns whether it stopped the change.
async fn first_review(activity: &mut broadcast::Receiver<Activity>, github: &Standin, number: u64, teller: &Teller<'_>) -> Result<bool, CliError> {
    let (mut concluded, mut commented, mut stopped) = (false, false, false);
    while !(concluded && commented) {
        let Some(event) = next(activity).await else { break };
        teller.tell(&event, github, number)?;
        match event {
            Activity::Check { conclusion: Some(conclusion), .. } => {
                concluded = true;
                stopped = conclusion == "failure";
            }
            Activity::CommentCreated { .. } => commented = true,
            _ => {}
        }
    }
    Ok(stopped)
}

async fn watch(activity: &mut broadcast::Receiver<Activity>, github: &Standin, number: u64, teller: &Teller<'_>) -> Result<(), CliError> {
    while let Some(event) = next(activity).await {
        teller.tell(&event, github, number)?;
    }
    Ok(())
}

/// The next event; what was missed because telling was slow is skipped.
async fn next(activity: &mut broadcast::Receiver<Activity>) -> Option<Activity> {
    loop {
        match activity.recv().await {
            Ok(event) => return Some(event),
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return None,
        }
    }
}

/// The colours of the terminal, or none.
struct Paint {
    bold: &'static str,
    dim: &'static str,
    red: &'static str,
    green: &'static str,
    yellow: &'static str,
    blue: &'static str,
    off: &'static str,
}

impl Paint {
    fn new(colored: bool) -> Self {
        if colored {
            Self { bold: "\x1b[1m", dim: "\x1b[2m", red: "\x1b[1;31m", green: "\x1b[1;32m", yellow: "\x1b[33m", blue: "\x1b[1;34m", off: "\x1b[0m" }
        } else {
            Self { bold: "", dim: "", red: "", green: "", yellow: "", blue: "", off: "" }
        }
    }
}

/// Tells what happens.
struct Teller<'a> {
    out: &'a Output,
    paint: Paint,
    started: Instant,
}

impl Teller<'_> {
    fn line(&self, text: &str) -> Result<(), CliError> {
        self.out.print(text)
    }

    /// A line with the time since the start.
    fn step(&self, text: &str) -> Result<(), CliError> {
        let seconds = self.started.elapsed().as_secs_f64();
        self.line(&format!("{}{seconds:7.2} s{}  {text}\n", self.paint.dim, self.paint.off))
    }

    fn opening(&self, github: &Standin, server: &Running) -> Result<(), CliError> {
        let Paint { bold, dim, red, green, off, .. } = self.paint;
        let mut text = format!("\n{bold}The founding outage, as a pull request{off}\n\n");
        put!(
            text,
            "  GitHub    {}   {dim}a stand-in in this process: it demands App tokens, signs its webhooks, keeps GitHub's limits{off}\n",
            github.web_url
        );
        put!(text, "  Waypost   http://{}   {dim}the real server{off}\n\n", server.address);
        put!(text, "{REPOSITORY} configures an nginx. Its pull request #{FIRST_NUMBER} says \"{}\":\n\n", founding::TITLE);
        let (base, head) = (text_of(&founding::base()), text_of(&founding::head()));
        for change in TextDiff::from_lines(base.as_str(), head.as_str()).iter_all_changes() {
            let (color, sign) = match change.tag() {
                similar::ChangeTag::Equal => continue,
                similar::ChangeTag::Delete => (red, '-'),
                similar::ChangeTag::Insert => (green, '+'),
            };
            put!(text, "  {color}{sign}{}{off}\n", change.value().trim_end());
        }
        put!(text, "\n`nginx -t` accepts this. A change like it kept a shop down for two and a half hours. Here:\n\n");
        self.line(&text)
    }

    fn tell(&self, event: &Activity, github: &Standin, number: u64) -> Result<(), CliError> {
        let Paint { bold, red, green, yellow, dim, off, .. } = self.paint;
        match event {
            Activity::Delivered { event, action, sender, status, duration_ms, .. } => {
                let action = action.as_deref().unwrap_or_default();
                if !told_of(event, action, sender) {
                    return Ok(());
                }
                match status {
                    202 => {
                        self.step(&format!("{bold}{event}{off} {action} delivered, signature checked, stored {dim}(202 in {duration_ms} ms){off}"))
                    }
                    0 => self.step(&format!("{red}{event} {action} was not answered{off}")),
                    other => self.step(&format!("{red}{event} {action} was answered with {other}{off}")),
                }
            }
            Activity::Check { id, name, sha, status, conclusion, title } => {
                let commit = sha.get(..7).unwrap_or(sha);
                let Some(conclusion) = conclusion else {
                    return self.step(&format!("check {bold}{name}{off} on {commit}: {yellow}{}{off}", status.replace('_', " ")));
                };
                let color = if conclusion == "success" { green } else { red };
                let title = title.as_deref().unwrap_or_default();
                self.step(&format!("check {bold}{name}{off} on {commit}: {color}{conclusion}{off}  {title}"))?;
                match github.checks(REPOSITORY, sha).iter().find(|check| check.id == *id) {
                    Some(check) => self.annotations(github, check),
                    None => Ok(()),
                }
            }
            Activity::CommentCreated { id, by } | Activity::CommentUpdated { id, by } => {
                let comments = github.comments(REPOSITORY, number);
                let body = comments.iter().find(|comment| comment.id == *id).map(|comment| comment.body.as_str()).unwrap_or_default();
                let verb = if matches!(event, Activity::CommentCreated { .. }) { "commented" } else { "updated the comment" };
                self.step(&format!("{bold}{by}{off} {verb}: {}", first_words(body)))
            }
            Activity::Reaction { content, .. } => {
                let sign = match content.as_str() {
                    "eyes" => "👀",
                    "rocket" => "🚀",
                    "confused" => "😕",
                    other => other,
                };
                self.step(&format!("{bold}waypost{off} reacted with {sign}"))
            }
            Activity::Pushed { branch, sha } => {
                if branch != BRANCH || number == 0 {
                    return Ok(());
                }
                self.step(&format!("{bold}{}{off} pushed to {branch}", sha.get(..7).unwrap_or(sha)))
            }
        }
    }

    /// The annotated lines, as the check shows them.
    fn annotations(&self, github: &Standin, check: &CheckSeen) -> Result<(), CliError> {
        let Paint { bold, red, blue, yellow, off, .. } = self.paint;
        let files = github.files(REPOSITORY, BRANCH);
        let mut text = String::new();
        for annotation in &check.annotations {
            let words = |key: &str| annotation.get(key).and_then(Value::as_str).unwrap_or_default();
            let line = annotation.get("start_line").and_then(Value::as_u64).unwrap_or_default();
            let color = if words("annotation_level") == "failure" { red } else { yellow };
            let source = line_of(&files, words("path"), line);
            put!(text, "\n             {blue}-->{off} {bold}{}:{line}{off}\n", words("path"));
            put!(text, "             {blue}{line:>4} |{off} {source}\n");
            for (at, words) in words("message").lines().filter(|line| !line.trim().is_empty()).enumerate() {
                put!(text, "                  {}{words}{off}\n", if at == 0 { color } else { "" });
            }
        }
        if !text.is_empty() {
            text.push('\n');
        }
        self.line(&text)
    }

    fn invitation(&self, github: &Standin, number: u64, stopped: bool) -> Result<(), CliError> {
        let Paint { bold, dim, blue, off, .. } = self.paint;
        let verdict = if stopped { "The change is blocked." } else { "The change was not blocked, which it should have been." };
        let mut text = format!("\n{bold}{verdict} Open the pull request and play:{off}\n\n");
        put!(text, "  {blue}{}{off}\n\n", github.page_url(REPOSITORY, number));
        put!(text, "  comment   {bold}{TRACE}{off}   {dim}where that request would go, and why{off}\n");
        put!(text, "  press     {bold}Push the fix{off}   {dim}and watch the check turn green{off}\n");
        put!(text, "  comment   {bold}/waypost help{off}   {dim}everything it understands{off}\n\n");
        put!(text, "Ctrl-C ends it. What happens meanwhile:\n\n");
        self.line(&text)
    }
}

/// Events that a person caused; the App also hears of pushes, suites and its own writes.
fn told_of(event: &str, action: &str, sender: &str) -> bool {
    !sender.ends_with("[bot]") && (event == "pull_request" || event == "issue_comment" || action == "rerequested")
}

/// The first line that is prose, without Markdown's signs.
fn first_words(body: &str) -> String {
    let prose =
        body.lines().map(|line| line.trim_matches(|sign: char| "#*_> ".contains(sign))).find(|line| !line.is_empty() && !line.starts_with('<'));
    let prose = prose.unwrap_or_default().replace("**", "").replace('`', "");
    let cut: String = prose.chars().take(160).collect();
    if cut.len() < prose.len() { format!("{cut}…") } else { cut }
}

fn text_of(files: &standin::Files) -> String {
    match files.get(founding::CHANGED) {
        Some(standin::File::Text(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

fn line_of(files: &standin::Files, path: &str, line: u64) -> String {
    let Some(standin::File::Text(bytes)) = files.get(path) else { return String::new() };
    let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    String::from_utf8_lossy(bytes).lines().nth(index).unwrap_or_default().trim().to_owned()
}

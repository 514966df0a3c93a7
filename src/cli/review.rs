//! `waypost review`: a change on this machine, reviewed by the engine the server uses.

#![expect(clippy::disallowed_methods, reason = "the command line has the clock that says how long a review took")]

use super::source::{at, directory_or_revision};
use super::{CliError, Exit, Output, Verbosity};
use crate::policy::Severity;
use crate::report::{self, CommentContext};
use crate::review::{Change, Kept, Review, review_and_keep};
use crate::snapshot::{CommitId, Repository, Snapshot, folder};
use clap::ValueEnum;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

/// Review a change: which requests would go elsewhere, and does everything they reach exist
///
/// Compares two revisions of a git repository, or two plain directories.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  waypost review
      what is in the work tree, against where it left the default branch
  waypost review --base main --head my-branch --format markdown
      two revisions; the comment the server would write
  waypost review --base-dir before --head-dir after --format json --output review.json
      two directories, for a program
  waypost review --title 'Revert \"Add a spare server\"'
      a rollback: is everything really back to what it was?

Exit codes: 0 nothing at or above --fail-on, 1 findings at or above it, 2 wrong usage or unreadable
input, 3 internal error")]
pub(super) struct Args {
    /// Review revisions of the git repository that DIR is in [default: the current directory]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["base_dir", "head_dir"])]
    repo: Option<PathBuf>,
    /// Compare with this revision [default: where the head left the default branch]
    #[arg(long, value_name = "REV", conflicts_with_all = ["base_dir", "head_dir"])]
    base: Option<String>,
    /// Review this revision [default: the work tree]
    #[arg(long, value_name = "REV", conflicts_with_all = ["base_dir", "head_dir"])]
    head: Option<String>,
    /// Compare with this directory; no git
    #[arg(long, value_name = "DIR", requires = "head_dir")]
    base_dir: Option<PathBuf>,
    /// Review this directory; no git
    #[arg(long, value_name = "DIR", requires = "base_dir")]
    head_dir: Option<PathBuf>,
    /// Name the state a rollback should restore: a revision or a directory [default: from the title or body of a revert]
    #[arg(long, value_name = "DIR|REV")]
    known_good: Option<String>,
    /// Give the pull request's title
    #[arg(long, default_value = "", hide_default_value = true)]
    title: String,
    /// Give the pull request's body
    #[arg(long, default_value = "", hide_default_value = true)]
    body: String,
    /// Choose the form of the review: text, markdown or json
    #[arg(long, default_value = "text", value_parser = format_named)]
    format: Format,
    /// Write the review to FILE; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Exit with 1 from this severity on
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Error)]
    fail_on: FailOn,
    /// Rehearse the change on the real proxy; this version has no rehearsal, so `required` is an error
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = DryRun::Auto)]
    dry_run: DryRun,
}

/// The form of the review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Markdown,
    Json,
}

fn format_named(name: &str) -> Result<Format, String> {
    match name {
        "text" => Ok(Format::Text),
        "markdown" => Ok(Format::Markdown),
        "json" => Ok(Format::Json),
        "sarif" | "junit" | "github" | "html" => Err("it is not in this version; text, markdown and json are".to_owned()),
        _ => Err("it can be text, markdown or json".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DryRun {
    Auto,
    Off,
    Required,
}

/// What the review was made of, until the process ends: the system takes it back at once.
static KEPT: OnceLock<Kept> = OnceLock::new();

/// What the arguments stand for.
struct Sides {
    base: Snapshot,
    head: Snapshot,
    known_good: Option<Snapshot>,
    context: CommentContext,
}

pub(super) fn run(args: &Args, out: &Output) -> Result<Exit, CliError> {
    let started = Instant::now();
    if args.dry_run == DryRun::Required {
        return Err(CliError::new("there is no rehearsal in this version, and `--dry-run required` asks for one")
            .help("leave it out, or say `--dry-run auto`"));
    }
    let sides = resolve(args, out)?;
    let change = Change { base: &sides.base, head: &sides.head, known_good: sides.known_good.as_ref(), title: &args.title, body: &args.body };
    let (mut review, kept) = review_and_keep(&change, &[]);
    KEPT.get_or_init(|| kept);
    review.timings_ms.total = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    out.write(&render(args, &review, &sides, out), args.output.as_deref())?;
    Ok(exit(args.fail_on, &review))
}

fn resolve(args: &Args, out: &Output) -> Result<Sides, CliError> {
    if let (Some(base), Some(head)) = (&args.base_dir, &args.head_dir) {
        let known_good = args.known_good.as_deref().map(|name| directory_or_revision(name, None)).transpose()?;
        return Ok(Sides { base: folder(base)?, head: folder(head)?, known_good, context: CommentContext::default() });
    }
    let repository = Repository::discover(args.repo.as_deref().unwrap_or(std::path::Path::new(".")))?;
    let tip = repository.commit(args.head.as_deref().unwrap_or("HEAD"))?;
    let base = match &args.base {
        Some(revision) => repository.commit(revision)?,
        None => repository.merge_base_of(tip)?,
    };
    let known_good = match &args.known_good {
        Some(name) => Some(directory_or_revision(name, Some(&repository))?),
        None => before_what_is_reverted(&repository, tip, args, out),
    };
    let head = at(&repository, args.head.as_deref())?;
    Ok(Sides { base: repository.tree_of(base)?, head, known_good, context: CommentContext::default() })
}

/// Returns the state before the commit that the title or body says is reverted.
fn before_what_is_reverted(repository: &Repository, tip: CommitId, args: &Args, out: &Output) -> Option<Snapshot> {
    let reverted = repository.reverted(tip, &args.title, &args.body)?;
    match repository.before(reverted) {
        Ok(tree) => {
            if out.verbosity() == Verbosity::Verbose {
                out.note(&format!("note: this reverts commit {reverted}; the head is compared with the state before it"));
            }
            Some(tree)
        }
        Err(error) => {
            out.note(&format!("note: this reverts commit {reverted}, but {error}; name the state to restore with --known-good"));
            None
        }
    }
}

fn render(args: &Args, review: &Review, sides: &Sides, out: &Output) -> String {
    match args.format {
        Format::Text => report::text(review, &sides.base, &sides.head, out.colored(args.output.as_deref())),
        Format::Markdown => report::comment(review, &sides.base, &sides.head, &sides.context),
        Format::Json => report::json(review),
    }
}

fn exit(fail_on: FailOn, review: &Review) -> Exit {
    let threshold = match fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Never => return Exit::Success,
    };
    let reached = review.findings.iter().any(|finding| finding.waived.is_none() && finding.severity >= threshold);
    if reached { Exit::Findings } else { Exit::Success }
}

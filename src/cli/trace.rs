//! `waypost trace`: how one request is routed, or a batch of them.

use super::source::at;
use super::{CliError, Exit, Output, output};
use crate::analysis;
use crate::formats;
use crate::model::{Model, Name, Request};
use crate::report::{self, BatchError};
use crate::review::trace_report;
use crate::snapshot::{Repository, Snapshot, folder};
use clap::ValueEnum;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Show how a request is routed, with the file and line of each decision
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  waypost trace http://shop.example.com/cart
      through the configuration in the current directory
  waypost trace -X POST -H 'X-Canary: 1' https://shop.example.com/checkout --dir deploy/nginx
  waypost trace http://shop.example.com/cart --rev main~3
      as it was three commits ago
  waypost trace --requests requests.jsonl > answers.jsonl
      one JSON answer a line for one JSON request a line, such as
      {\"url\": \"http://shop.example.com/cart\", \"method\": \"POST\", \"headers\": {\"X-Canary\": \"1\"}}")]
pub(super) struct Args {
    /// The URL a client would ask for
    #[arg(required_unless_present = "requests")]
    url: Option<String>,
    /// Read the configuration below DIR [default: the current directory]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["repo", "rev"])]
    dir: Option<PathBuf>,
    /// Read the configuration from the git repository that DIR is in
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Read it at this revision [default: the work tree]
    #[arg(long, value_name = "REV")]
    rev: Option<String>,
    /// Ask with this method
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET", value_parser = method_named)]
    method: String,
    /// Send this header; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header_written)]
    headers: Vec<(String, String)>,
    /// Come from this client address
    #[arg(long, value_name = "IP")]
    from: Option<IpAddr>,
    /// Enter at this listener, when the URL does not say enough
    #[arg(long, value_name = "ADDR:PORT")]
    listener: Option<String>,
    /// Choose the form of the answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Answer the requests in FILE, one JSON object a line; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "method", "headers", "from", "listener", "format"])]
    requests: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn method_named(text: &str) -> Result<String, String> {
    let token = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    if token { Ok(text.to_owned()) } else { Err("a method is a word such as GET".to_owned()) }
}

fn header_written(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written `Name: value`")?;
    Ok((method_named(name.trim()).map_err(|_same_rule| "a header is written `Name: value`")?, value.trim().to_owned()))
}

pub(super) fn run(args: &Args, out: &Output) -> Result<Exit, CliError> {
    let request = args.url.as_ref().map(|url| request(args, url)).transpose()?;
    let snapshot = snapshot(args)?;
    let model = formats::read(&snapshot);
    if model.gateways.is_empty() {
        return Err(CliError::new("no load balancer configuration was found").help("name the directory that holds it with --dir"));
    }
    warn_of_problems(&model, out);
    let Some(request) = request else {
        return batch(args.requests.as_deref().unwrap_or(Path::new("-")), &snapshot, &model, out);
    };
    let trace = trace_report(&snapshot, &analysis::trace(&model, &request));
    out.print(&match args.format {
        Format::Text => report::trace_text(&trace, out.colored(None)),
        Format::Json => report::trace_json(&trace),
    })?;
    Ok(Exit::Success)
}

fn request(args: &Args, url: &str) -> Result<Request, CliError> {
    let mut request =
        Request::get(url).map_err(|error| CliError::new(error.to_string()).help("write it as a browser would: `http://shop.example.com/cart`"))?;
    request.method.clone_from(&args.method);
    request.headers = args.headers.iter().map(|(name, value)| (Name::from(name.as_str()), value.clone())).collect();
    request.from = args.from;
    request.listener.clone_from(&args.listener);
    Ok(request)
}

fn snapshot(args: &Args) -> Result<Snapshot, CliError> {
    if args.repo.is_none() && args.rev.is_none() {
        return Ok(folder(args.dir.as_deref().unwrap_or(Path::new(".")))?);
    }
    let repository = Repository::discover(args.repo.as_deref().unwrap_or(Path::new(".")))?;
    at(&repository, args.rev.as_deref())
}

/// Says that what follows is of a configuration the proxy would refuse.
fn warn_of_problems(model: &Model, out: &Output) {
    let fatal = model.problems.iter().filter(|problem| problem.fatal).count();
    if let Some(first) = model.problems.iter().find(|problem| problem.fatal) {
        let more = if fatal > 1 { format!(" (and {} more)", fatal - 1) } else { String::new() };
        out.note(&format!("note: the proxy would refuse this configuration: {}, in {}{more}", first.message, first.span.path));
    }
}

/// One line of a batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    url: String,
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    from: Option<IpAddr>,
    listener: Option<String>,
}

impl Line {
    fn parse(line: &[u8]) -> Result<Request, String> {
        let line: Self = serde_json::from_slice(line).map_err(|error| {
            // Every line is a text of its own, so its "line 1" would only mislead.
            format!("this is no request: {}", error.to_string().replace(" at line 1 column ", " at column "))
        })?;
        let mut request = Request::get(&line.url).map_err(|error| error.to_string())?;
        request.method = method_named(line.method.as_deref().unwrap_or("GET"))?;
        request.headers = line.headers.into_iter().map(|(name, value)| (Name::from(name), value)).collect();
        request.from = line.from;
        request.listener = line.listener;
        Ok(request)
    }
}

/// Answers the requests in `file`, in order, each as soon as it is read. A line that is no request is answered with what is wrong with it.
fn batch(file: &Path, snapshot: &Snapshot, model: &Model, out: &Output) -> Result<Exit, CliError> {
    let unreadable = |error: std::io::Error| CliError::new(format!("cannot read `{}`: {}", file.display(), output::reason(&error)));
    let lines: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::io::BufReader::new(std::fs::File::open(file).map_err(unreadable)?))
    };
    let mut wrong = 0_usize;
    for (at, line) in lines.split(b'\n').enumerate() {
        let line = line.map_err(unreadable)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = match Line::parse(&line) {
            Ok(request) => report::trace_json(&trace_report(snapshot, &analysis::trace(model, &request))),
            Err(error) => {
                wrong += 1;
                report::batch_error_json(&BatchError { error: &error, line: at + 1 })
            }
        };
        out.print(&answer)?;
    }
    match wrong {
        0 => Ok(Exit::Success),
        1 => Err(CliError::new("one line is no request; its answer says why")),
        _ => Err(CliError::new(format!("{wrong} lines are no requests; their answers say why"))),
    }
}

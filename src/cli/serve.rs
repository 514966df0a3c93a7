//! `waypost serve`: the GitHub App webhook server.

#![expect(clippy::disallowed_methods, reason = "settings are resolved in `cli`: the settings file and the key file are read here")]

use super::{CliError, Exit, Output, output};
use crate::github::{ApiSettings, Issuer};
use crate::server::{self, Settings, StartError};
use secrecy::SecretString;
use serde::Deserialize;
use std::net::{AddrParseError, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// What is logged when nothing is said; octocrab logs each failure that we handle.
const DEFAULT_LOG: &str = "info,octocrab=off,sqlx=warn";

/// Run the GitHub App: take webhooks, review pull requests, publish checks and comments
///
/// Each setting is a flag, an environment variable, or a line in the file given with --config, in this order. The variable is the flag's
/// name in capitals after WAYPOST_; the line in the file is the flag's name with `_` for `-`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  WAYPOST_GITHUB_WEBHOOK_SECRET=... waypost serve --github-client-id Iv23li... --github-private-key-path waypost.pem
  waypost serve --config waypost.toml --listen 0.0.0.0:8080

The App needs these permissions: Checks write, Pull requests write, Contents read, Merge queues
read, Metadata read (Organization members read too where teams may waive); and these events: Pull
request, Issue comment, Pull request review, Pull request review comment, Merge group, Push,
Repository, Check run, Check suite. The pages at / and /reviews/ show reviewed configuration to
whoever reaches them: let only /webhook be reached from outside.")]
pub(super) struct Args {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen here [default: 127.0.0.1:8080]
    #[arg(long, env = "WAYPOST_LISTEN", value_name = "ADDR:PORT", hide_env_values = true)]
    listen: Option<String>,
    /// Keep deliveries, jobs and reviews here; several servers may share `postgres://...` [default: `sqlite://waypost.db`]
    #[arg(long, env = "WAYPOST_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Use the GitHub with this API; on GitHub Enterprise Server `https://HOST/api/v3` [default: GitHub itself]
    #[arg(long, env = "WAYPOST_GITHUB_API_URL", value_name = "URL", hide_env_values = true)]
    github_api_url: Option<String>,
    /// Name the App by its id
    #[arg(long, env = "WAYPOST_GITHUB_APP_ID", value_name = "ID", hide_env_values = true)]
    github_app_id: Option<String>,
    /// Name the App by its client id, as GitHub recommends; wins over the id
    #[arg(long, env = "WAYPOST_GITHUB_CLIENT_ID", value_name = "ID", hide_env_values = true)]
    github_client_id: Option<String>,
    /// Read the App's private key from this file
    #[arg(long, env = "WAYPOST_GITHUB_PRIVATE_KEY_PATH", value_name = "FILE", hide_env_values = true)]
    github_private_key_path: Option<String>,
    /// Give the App's private key itself, in PEM; better as variable than as flag, which others on the machine can see
    #[arg(long, env = "WAYPOST_GITHUB_PRIVATE_KEY", value_name = "PEM", hide_env_values = true)]
    github_private_key: Option<SecretString>,
    /// Give the webhook's secret, or several with commas between while it is being changed; better as variable than as flag
    #[arg(long, env = "WAYPOST_GITHUB_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true)]
    github_webhook_secret: Option<SecretString>,
    /// Say where people reach this server, for the links in checks
    #[arg(long, env = "WAYPOST_PUBLIC_URL", value_name = "URL", hide_env_values = true)]
    public_url: Option<String>,
    /// Log from this level on, or by part, such as `info,waypost=debug` [default: info]
    #[arg(long, env = "WAYPOST_LOG", value_name = "FILTER", hide_env_values = true)]
    log: Option<String>,
}

/// The settings file: the same names.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    listen: Option<String>,
    database_url: Option<String>,
    github_api_url: Option<String>,
    github_app_id: Option<Number>,
    github_client_id: Option<String>,
    github_private_key_path: Option<String>,
    github_private_key: Option<String>,
    github_webhook_secret: Option<String>,
    public_url: Option<String>,
    log: Option<String>,
}

/// An App id, with or without quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

pub(super) fn run(args: &Args, out: &Output) -> Result<Exit, CliError> {
    let (settings, log) = resolve(args)?;
    let filter = EnvFilter::try_new(&log).map_err(|error| {
        CliError::new(format!("`{log}` is not a log filter: {error}")).help("WAYPOST_LOG is a level such as `info`, or `info,waypost=debug`")
    })?;
    let color = out.colored(None);
    if let Err(error) = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(color).try_init() {
        return Err(CliError::new(format!("the log cannot be started: {error}")));
    }
    // Two threads: the work is waiting for GitHub, and what computes runs beside them.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .thread_keep_alive(Duration::from_secs(5))
        .enable_all()
        .build()
        .map_err(|error| CliError::new(format!("the server cannot be started: {}", output::reason(&error))))?;
    runtime.block_on(async {
        let running = server::start(settings).await.map_err(|error| start_error(&error))?;
        out.note(&format!("waypost listens on http://{}; webhooks go to /webhook", running.address));
        stop_wished().await;
        tracing::info!("stopping: no new work is begun, running reviews may end");
        running.shutdown().await;
        Ok(Exit::Success)
    })
}

fn start_error(error: &StartError) -> CliError {
    CliError::new(error.to_string()).help(error.help())
}

/// Waits for SIGTERM or Ctrl-C.
pub(super) async fn stop_wished() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Returns the settings and the log filter.
fn resolve(args: &Args) -> Result<(Settings, String), CliError> {
    let file = args.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
    // A variable that is set to nothing is not set.
    let pick =
        |flag: &Option<String>, file: Option<String>| flag.clone().filter(|value| !value.is_empty()).or(file.filter(|value| !value.is_empty()));
    let secret = |flag: &Option<SecretString>, file: Option<String>| {
        let given = flag.clone().filter(|value| !secrecy::ExposeSecret::expose_secret(value).is_empty());
        given.or(file.filter(|value| !value.is_empty()).map(SecretString::from))
    };
    let file_app_id = file.github_app_id.map(|id| match id {
        Number::Number(id) => id.to_string(),
        Number::Text(id) => id,
    });

    let webhook_secret = secret(&args.github_webhook_secret, file.github_webhook_secret);
    if webhook_secret.is_none() {
        return Err(start_error(&StartError::NoWebhookSecret));
    }
    let issuer = issuer(pick(&args.github_client_id, file.github_client_id), pick(&args.github_app_id, file_app_id))?;
    let (private_key, origin) =
        private_key(pick(&args.github_private_key_path, file.github_private_key_path), secret(&args.github_private_key, file.github_private_key))?;

    let mut settings = Settings::new(issuer, private_key, webhook_secret);
    settings.private_key_origin = origin;
    if let Some(listen) = pick(&args.listen, file.listen) {
        settings.listen = address(&listen)?;
    }
    if let Some(url) = pick(&args.database_url, file.database_url) {
        settings.database_url = database_url(url)?;
    }
    if let Some(url) = pick(&args.github_api_url, file.github_api_url) {
        settings.github = ApiSettings::new(&web_url("WAYPOST_GITHUB_API_URL", url)?);
    }
    settings.public_url = pick(&args.public_url, file.public_url).map(|url| web_url("WAYPOST_PUBLIC_URL", url)).transpose()?;
    Ok((settings, pick(&args.log, file.log).unwrap_or_else(|| DEFAULT_LOG.to_owned())))
}

fn read_file(path: &Path) -> Result<File, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        CliError::new(format!("the settings file `{}` cannot be read: {}", path.display(), output::reason(&error))).help("name another with --config")
    })?;
    toml_edit::de::from_str(&text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.matches('\n').count() + 1);
        CliError::new(error.message().to_owned())
            .place(format!("{}:{line}", path.display()))
            .help("`waypost serve --help` lists the settings; in the file, `_` stands for `-`")
    })
}

fn issuer(client_id: Option<String>, app_id: Option<String>) -> Result<Issuer, CliError> {
    match (client_id, app_id) {
        (Some(client_id), _) => Ok(Issuer::ClientId(client_id)),
        (None, Some(app_id)) => match app_id.parse() {
            Ok(number) => Ok(Issuer::AppId(number)),
            Err(_) => Err(CliError::new(format!("`{app_id}` is not an App id: it is not a number"))
                .help("a client id, which begins with `Iv`, goes into WAYPOST_GITHUB_CLIENT_ID")),
        },
        (None, None) => Err(CliError::new("it is not said which GitHub App this is")
            .help("set WAYPOST_GITHUB_CLIENT_ID to the client id in the App's settings on GitHub")),
    }
}

/// Returns the key and where it was found.
fn private_key(path: Option<String>, pem: Option<SecretString>) -> Result<(SecretString, String), CliError> {
    match (path, pem) {
        (Some(_), Some(_)) => Err(CliError::new("the private key is given twice, as a file and as text")
            .help("leave WAYPOST_GITHUB_PRIVATE_KEY_PATH or WAYPOST_GITHUB_PRIVATE_KEY out")),
        (Some(path), None) => match std::fs::read_to_string(&path) {
            Ok(pem) => Ok((pem.into(), format!("the file `{path}`"))),
            Err(error) => Err(CliError::new(format!("the private key in the file `{path}` cannot be read: {}", output::reason(&error)))
                .help("WAYPOST_GITHUB_PRIVATE_KEY_PATH names the .pem file that GitHub gives under \"Private keys\" in the App's settings")),
        },
        // A variable on one line has `\n` for line ends.
        (None, Some(pem)) => {
            let pem = secrecy::ExposeSecret::expose_secret(&pem).replace("\\n", "\n");
            Ok((pem.into(), "the setting WAYPOST_GITHUB_PRIVATE_KEY".to_owned()))
        }
        (None, None) => Err(CliError::new("the App's private key is not given")
            .help("set WAYPOST_GITHUB_PRIVATE_KEY_PATH to the .pem file that GitHub gives under \"Private keys\" in the App's settings")),
    }
}

fn address(text: &str) -> Result<SocketAddr, CliError> {
    text.parse().map_err(|error: AddrParseError| {
        CliError::new(format!("`{text}` is not an address to listen on: {error}"))
            .help("WAYPOST_LISTEN is an IP address and a port, such as `0.0.0.0:8080`")
    })
}

fn database_url(url: String) -> Result<String, CliError> {
    if ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(url);
    }
    Err(CliError::new(format!("`{}` is not a database this version can use", url.split(':').next().unwrap_or_default()))
        .help("WAYPOST_DATABASE_URL is `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`"))
}

fn web_url(setting: &str, url: String) -> Result<String, CliError> {
    match url.parse::<http::Uri>() {
        Ok(parsed) if parsed.host().is_some() && matches!(parsed.scheme_str(), Some("http" | "https")) => Ok(url),
        _ => Err(CliError::new(format!("`{url}` is not a URL")).help(format!("{setting} begins with `https://`"))),
    }
}

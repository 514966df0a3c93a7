//! `waypost serve` as a process: what it says when it cannot start, what it leaves in the log, and what a kill costs.

use crate::support::Scratch;
use crate::support::rig::{REPOSITORY, Rig, shop};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use waypost::standin::{Fault, NewPull};
use waypost::store::{Database, End, Store, now_ms};

/// What is wrong, and the variables and flags that are.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

/// Returns what `waypost serve` says with these variables and flags, when it does not start.
fn refusal(scratch: &Scratch, variables: &[(&str, &str)], flags: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.current_dir(&scratch.0).arg("serve").args(flags).env_clear().envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert_eq!(output.stdout, b"", "nothing but messages");
    let text = String::from_utf8(output.stderr).unwrap();
    format!("{text}--- exit {}\n", output.status.code().unwrap()).replace(scratch.0.to_str().unwrap(), "DIR")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_settings_is_said_at_the_start() {
    let rig = Rig::new().await;
    let scratch = Scratch::new();
    scratch.write("key.pem", &rig.standin.private_key_pem);
    scratch.write("not.pem", "hello\n");
    scratch.write("unknown.toml", "listen = \"127.0.0.1:0\"\n\ngithub_webhook_secrets = \"hush\"\n");
    scratch.write("broken.toml", "listen = \n");
    scratch.write("file", "");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let secret = ("WAYPOST_GITHUB_WEBHOOK_SECRET", "hush");
    let app = ("WAYPOST_GITHUB_APP_ID", "1");
    let key = ("WAYPOST_GITHUB_PRIVATE_KEY_PATH", "key.pem");
    let listen = ("WAYPOST_LISTEN", "127.0.0.1:0");
    let cases: &[Case<'_>] = &[
        ("no secret", &[app, key, listen], &[]),
        ("an empty secret", &[app, key, listen, ("WAYPOST_GITHUB_WEBHOOK_SECRET", "")], &[]),
        ("neither App id nor client id", &[secret, key, listen], &[]),
        ("a client id for an App id", &[secret, key, listen, ("WAYPOST_GITHUB_APP_ID", "Iv23li")], &[]),
        ("no key", &[secret, app, listen], &[]),
        ("a key file that is not there", &[secret, app, listen], &["--github-private-key-path", "nowhere.pem"]),
        ("a key file that is no PEM", &[secret, app, listen], &["--github-private-key-path", "not.pem"]),
        ("a settings file that is not there", &[secret, app, key], &["--config", "nowhere.toml"]),
        ("an unknown setting", &[secret, app, key], &["--config", "unknown.toml"]),
        ("a settings file that is no TOML", &[secret, app, key], &["--config", "broken.toml"]),
        ("a port in use", &[secret, app, key, ("WAYPOST_LISTEN", &address)], &[]),
        ("no address", &[secret, app, key, ("WAYPOST_LISTEN", "everywhere")], &[]),
        ("a database in no folder", &[secret, app, key, listen], &["--database-url", "sqlite://file/waypost.db"]),
        ("another database", &[secret, app, key, listen], &["--database-url", "mysql://kim:hush@db/waypost"]),
        ("no URL", &[secret, app, key, listen], &["--github-api-url", "api.github.com"]),
        ("no log filter", &[secret, app, key, listen], &["--log", "waypost=loud"]),
    ];
    let one = |(what, variables, flags): &Case<'_>| format!("## {what}\n{}\n", refusal(&scratch, variables, flags).replace(&address, "ADDRESS"));
    let said = cases.iter().map(one).collect::<Vec<_>>().concat();
    assert!(!said.contains("hush"), "{said}");
    insta::assert_snapshot!(said);
}

/// A `waypost serve` for the App of a rig; killed when dropped.
struct Served {
    child: Child,
    log: Arc<Mutex<String>>,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Served {
    /// Starts it and waits until it listens.
    fn start(rig: &Rig, scratch: &Scratch, log: &str) -> Self {
        Self::start_on(rig, scratch, &database(scratch), log)
    }

    /// The same on a database of one's choice.
    fn start_on(rig: &Rig, scratch: &Scratch, database: &str, log: &str) -> Self {
        scratch.write("key.pem", &rig.standin.private_key_pem);
        let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
        command.current_dir(&scratch.0).arg("serve").env_clear().stderr(Stdio::piped());
        command.env("WAYPOST_LISTEN", "127.0.0.1:0").env("WAYPOST_DATABASE_URL", database);
        command.env("WAYPOST_GITHUB_API_URL", &rig.standin.api_url).env("WAYPOST_GITHUB_CLIENT_ID", &rig.standin.client_id);
        command.env("WAYPOST_GITHUB_PRIVATE_KEY_PATH", "key.pem").env("WAYPOST_GITHUB_WEBHOOK_SECRET", &rig.standin.webhook_secret);
        // A machine without CA certificates can talk to a GitHub without TLS.
        command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
        let mut child = command.env("WAYPOST_LOG", log).stdin(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended: {}", log.lock().unwrap());
            log.lock().unwrap().push_str(&line);
            if let Some((_, rest)) = line.split_once("waypost listens on ") {
                break rest.split(';').next().unwrap().to_owned();
            }
        };
        let rest = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                rest.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        rig.standin.set_webhook_url(&format!("{address}/webhook"));
        Self { child, log, address }
    }

    fn said(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Asks it to stop, as systemd and Kubernetes do, and waits until it has. Returns how it ended.
    async fn stopped(&mut self, rig: &Rig) -> Option<i32> {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        rig.until("the end of the process", || self.child.try_wait().unwrap()).await.code()
    }
}

fn database(scratch: &Scratch) -> String {
    format!("sqlite://{}/waypost.db", scratch.0.display())
}

/// Lets the leases of a killed server run out at once, as they do after half a minute.
async fn forget_leases(database: &str) {
    let store = Database::open(database, |_, new| new.to_owned()).await.unwrap();
    let lost = store.claim(now_ms() + 3_600_000, 1).await.unwrap().expect("a job that was begun");
    assert!(store.finish(lost.fence, End::HandOver).await.unwrap());
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_webhook_secret_is_in_the_log_and_does_not_fill_it() {
    let rig = Rig::new().await;
    let scratch = Scratch::new();
    let served = Served::start(&rig, &scratch, "info");
    let signature = waypost::github::webhook::sign(&"another secret".into(), b"{}");
    let headers = [("x-github-event", "ping"), ("x-github-delivery", "a-guid"), ("x-hub-signature-256", signature.as_str())];
    for _ in 0..5 {
        let answer = crate::standin::client::send("POST", &format!("{}/webhook", served.address), &headers, "{}".to_owned()).await.unwrap();
        assert_eq!(answer.status, 401);
    }
    let told = || served.log.lock().unwrap().matches("WAYPOST_GITHUB_WEBHOOK_SECRET").count();
    for _ in 0..100 {
        if told() >= 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(told(), 3, "{}", served.log.lock().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_and_says_nothing_twice() {
    // Killed while it reads, while it writes the check, and while it writes the comment.
    for (method, part) in [("GET", "/compare/"), ("PATCH", "/check-runs/"), ("POST", "/comments")] {
        let rig = Rig::new().await;
        let scratch = Scratch::new();
        rig.standin.fail(method, part, 1, Fault::Slow(60_000));
        let first = Served::start(&rig, &scratch, "info");
        let number = rig.open(&shop("10.20.1.15"));
        rig.until("the check to be in progress", || rig.checks(number).pop()).await;
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        assert!(rig.ours(number).is_empty(), "{method} {part}: killed too late");
        drop(first);
        forget_leases(&database(&scratch)).await;
        let second = Served::start(&rig, &scratch, "info");
        rig.until("the check and the comment", || (rig.checks(number).last()?.conclusion.is_some() && !rig.ours(number).is_empty()).then_some(()))
            .await;
        rig.quiet().await;
        let seen: Vec<_> = rig.checks(number).into_iter().map(|check| check.conclusion).collect();
        assert_eq!(seen, [Some("failure".to_owned())], "{method} {part}");
        assert_eq!(rig.ours(number).len(), 1, "{method} {part}");
        assert!(!second.log.lock().unwrap().contains(" ERROR "));
    }
}

/// Opens a pull request on a branch of its own.
fn open_on(rig: &Rig, branch: &str) -> u64 {
    rig.standin.push(REPOSITORY, branch, &shop("10.20.1.15"), branch);
    rig.standin.open_pull_request(REPOSITORY, &NewPull { head: branch, base: "main", title: branch, body: "" })
}

/// Waits until a pull request has its check and its comment, and holds that it has one of each.
async fn reviewed_once(rig: &Rig, number: u64) {
    let is_said = || !rig.ours(number).is_empty() && !rig.standin.lines(REPOSITORY, number).is_empty();
    // Writes are a second apart.
    rig.until("the check and the comments", || (rig.checks(number).last()?.conclusion.is_some() && is_said()).then_some(())).await;
    rig.quiet().await;
    assert_eq!((rig.checks(number).len(), rig.ours(number).len(), rig.standin.lines(REPOSITORY, number).len()), (1, 1, 1), "#{number}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_on_postgresql_either_may_die_and_either_may_be_stopped() {
    let Some(url) = crate::support::postgres::database() else { return };
    let rig = Rig::new().await;
    let scratch = Scratch::new();
    let first = Served::start_on(&rig, &scratch, &url, "info");
    rig.standin.fail("GET", "/compare/", 1, Fault::Slow(60_000));
    let taken_over = open_on(&rig, "taken-over");
    rig.until("the check to be in progress", || rig.checks(taken_over).pop()).await;
    // The other one comes when the work is the first one's, and does not touch it while that lives.
    let mut second = Served::start_on(&rig, &scratch, &url, "info");
    let meanwhile = open_on(&rig, "meanwhile");
    reviewed_once(&rig, meanwhile).await;
    assert_eq!(rig.checks(taken_over)[0].status, "in_progress");
    drop(first);
    forget_leases(&url).await;
    reviewed_once(&rig, taken_over).await;

    // Asked to stop it ends what it has begun, and leaves the rest to who comes next.
    rig.standin.fail("GET", "/compare/", 1, Fault::Slow(1_500));
    let begun = open_on(&rig, "begun");
    rig.until("the check to be in progress", || rig.checks(begun).pop()).await;
    assert_eq!(second.stopped(&rig).await, Some(0), "{}", second.said());
    assert!(rig.checks(begun)[0].conclusion.is_some() && second.said().contains("nothing that was accepted is lost"), "{}", second.said());
    let after = open_on(&rig, "after");
    let third = Served::start_on(&rig, &scratch, &url, "info");
    reviewed_once(&rig, begun).await;
    reviewed_once(&rig, after).await;
    for served in [&second, &third] {
        assert!(!served.said().contains(" ERROR "), "{}", served.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_however_much_is_logged() {
    for long in [false, true] {
        no_secret_is_in_the_log(long).await;
    }
}

/// Logs all there is of a whole run, with tokens of either shape, and looks for what must not be there.
async fn no_secret_is_in_the_log(long: bool) {
    let rig = Rig::new().await;
    if long {
        rig.standin.use_long_tokens();
    }
    let scratch = Scratch::new();
    let served = Served::start(&rig, &scratch, "trace");
    let number = rig.open(&shop("10.20.1.15"));
    rig.concluded(number).await;
    rig.standin.comment_as_user(REPOSITORY, number, "kim", "/waypost trace http://shop.example.com/");
    rig.until("an answer", || (rig.ours(number).len() == 2).then_some(())).await;
    let url = format!("{}/webhook", served.address);
    let forged = crate::standin::client::send("POST", &url, &[("x-hub-signature-256", "sha256=00")], String::new());
    assert_eq!(forged.await.unwrap().status, 401);
    rig.quiet().await;
    let log = served.log.lock().unwrap().clone();
    assert!(log.contains("TRACE") && log.contains("pull request reviewed"), "{log}");
    let key_line = rig.standin.private_key_pem.lines().nth(1).unwrap().to_owned();
    let tokens = rig.standin.tokens();
    assert!(!tokens.is_empty() && tokens.iter().all(|token| (token.len() > 500) == long && (token.matches('.').count() == 2) == long), "{tokens:?}");
    for token in &tokens {
        assert!(!log.contains(token.as_str()), "a token is in the log");
    }
    // A token of an installation, and the beginning that every JWT has.
    for secret in [rig.standin.webhook_secret.as_str(), &key_line, "BEGIN RSA", "BEGIN PRIVATE", "ghs_", "Bearer ", "eyJ"] {
        let found = log.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "`{secret}` is in the log");
    }
}

//! A private PostgreSQL for the tests of one process: in a temporary folder, on a socket there, gone when the process is.

#![expect(clippy::disallowed_methods, reason = "starts the database the store is tested on, in a temporary folder")]

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Starts the server `$1` on the folder `$2`, and stops it when standard input closes, which it does when the tests end, however they do.
const WATCHED: &str = r#""$1" -D "$2/data" -k "$2" -h '' -F -c max_connections=200 >"$2/log" 2>&1 & server=$!; read -r _; kill -INT $server; wait $server; rm -rf "$2""#;

struct Server {
    folder: PathBuf,
    programs: PathBuf,
    account: Option<(u32, u32)>,
    /// Holds the standard input open.
    _watched: Mutex<Child>,
}

/// Returns the URL of a new, empty database. Where PostgreSQL is not installed, says so, and fails in continuous integration.
pub(crate) fn database() -> Option<String> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    // Two at a time would wait for each other's copy of the template.
    static ONE: Mutex<()> = Mutex::new(());
    let Some(server) = SERVER.get_or_init(|| Some(Server::start(&programs()?))) else {
        assert!(std::env::var("CI").is_err(), "PostgreSQL is not installed");
        println!("skipped: no postgresql");
        return None;
    };
    let name = format!("waypost{}", COUNTER.fetch_add(1, Ordering::Relaxed));
    let turn = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    server.run("createdb", &["-h", &server.folder.display().to_string(), "-U", "waypost", &name]);
    drop(turn);
    Some(format!("postgres://waypost@localhost/{name}?host={}", server.folder.display()))
}

/// Returns the folder of the newest PostgreSQL's programs: Debian puts them outside of the PATH.
fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .chain(std::env::split_paths(&path))
        .filter(|folder| ["initdb", "postgres", "createdb", "pg_isready"].iter().all(|program| folder.join(program).exists()))
        .max()
}

/// Returns whom to run it as: PostgreSQL refuses root.
fn account() -> Option<(u32, u32)> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let number = |name: &str| {
        let mut parts = accounts.lines().find(|line| line.starts_with(name))?.split(':').skip(2);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    is_root.then(|| number("postgres:").or_else(|| number("nobody:")).unwrap())
}

impl Server {
    fn start(programs: &Path) -> Self {
        let folder = std::env::temp_dir().join(format!("waypost-pg-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let account = account();
        if let Some((user, group)) = account {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        let mut server = Command::new("sh");
        server.args(["-c", WATCHED, "sh"]).arg(programs.join("postgres")).arg(&folder).stdin(Stdio::piped()).current_dir(&folder).process_group(0);
        let made = Self { folder, programs: programs.to_owned(), account, _watched: Mutex::new(Command::new("true").spawn().unwrap()) };
        let data = made.folder.join("data").display().to_string();
        made.run("initdb", &["-D", &data, "-U", "waypost", "-A", "trust", "-N", "-E", "UTF8"]);
        let watched = made.as_account(&mut server).spawn().unwrap();
        let made = Self { _watched: Mutex::new(watched), ..made };
        let folder = made.folder.display().to_string();
        let mut said = String::new();
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(50));
            let tried = made.command("pg_isready").args(["-h", &folder, "-U", "waypost"]).output();
            if tried.as_ref().is_ok_and(|tried| tried.status.success()) {
                return made;
            }
            said = format!("{tried:?}");
        }
        panic!("PostgreSQL does not start: {said} {}", fs::read_to_string(made.folder.join("log")).unwrap_or_default());
    }

    fn as_account<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self.account {
            Some((user, group)) => command.uid(user).gid(group),
            None => command,
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.folder);
        self.as_account(&mut command);
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Makes a test of each of these functions of a database's URL, on an SQLite file and on a PostgreSQL database of its own.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let scratch = crate::support::Scratch::new();
                super::$name(format!("sqlite://{}/waypost.db", scratch.0.display())).await;
            })*
        }

        mod postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(url) = crate::support::postgres::database() {
                    super::$name(url).await;
                }
            })*
        }
    };
}

pub(crate) use on_both;

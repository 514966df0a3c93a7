//! `waypost demo` as a process.

use crate::support::Scratch;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

fn demo(temporary: &Scratch, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.arg("demo").args(flags).env_clear().env("TMPDIR", &temporary.0).env("NO_COLOR", "1");
    // It needs no network, so no certificates either.
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The answer to a delivery and what the delivery sets going are told as they come: on a busy machine the one or the other first.
fn in_one_order(told: &str) -> String {
    let mut lines: Vec<&str> = told.lines().collect();
    let begun = lines.iter().position(|line| line.ends_with(": in progress"));
    let delivered = lines.iter().position(|line| line.contains(" opened delivered, "));
    if let (Some(begun), Some(delivered)) = (begun, delivered)
        && begun + 1 == delivered
    {
        lines.swap(begun, delivered);
    }
    lines.join("\n")
}

fn left_in(temporary: &Scratch) -> usize {
    temporary.0.read_dir().unwrap().count()
}

#[test]
fn it_tells_how_the_outage_is_stopped_and_leaves_nothing_behind() {
    let temporary = Scratch::new();
    let output = demo(&temporary, &["--once"]).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
    insta::with_settings!({filters => vec![
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r" +\d+\.\d\d s  ", "  TIME  "),
        (r"in \d+ ms", "in N ms"),
        (r"on [0-9a-f]{7}", "on COMMIT"),
        (r"[0-9a-f]{7} pushed", "COMMIT pushed"),
    ]}, {
        insta::assert_snapshot!(in_one_order(&String::from_utf8(output.stdout).unwrap()));
    });
    assert_eq!(left_in(&temporary), 0);
}

#[test]
fn a_port_that_is_taken_is_said() {
    let temporary = Scratch::new();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = demo(&temporary, &["--once", "--port", &port]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap().replace(&port, "PORT");
    insta::assert_snapshot!(said, @r"
    error: cannot listen on 127.0.0.1:PORT: address already in use
    help: choose another port with --port, or leave it out for any that is free
    ");
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(left_in(&temporary), 0);
}

/// Waits for a line with `words` in it.
fn wait_for(child: &mut Child, words: &str) -> BufReader<std::process::ChildStdout> {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "`{words}` was not said");
    }
    lines
}

#[test]
fn ctrl_c_leaves_nothing_behind_whenever_it_comes() {
    for (words, signal) in [("The founding outage", "-INT"), ("Ctrl-C ends it", "-INT"), ("Ctrl-C ends it", "-TERM")] {
        let temporary = Scratch::new();
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port().to_string();
        let mut child = demo(&temporary, &["--port", &free]).spawn().unwrap();
        let mut lines = wait_for(&mut child, words);
        assert_eq!(left_in(&temporary), 1);
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut lines, &mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{words} {signal}");
        assert!(rest.ends_with("Stopped. Nothing stays behind.\n"), "{rest}");
        assert_eq!(left_in(&temporary), 0, "{words} {signal}");
    }
}

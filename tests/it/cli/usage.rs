//! Help, wrong usage, and input that cannot be had.

use super::{outage, waypost, write_configuration};
use crate::support::Scratch;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_help_of_every_command() {
    let scratch = Scratch::new();
    let top = waypost(&scratch, &["--help"]);
    let commands = top.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<String> = commands.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    let mut all = top;
    for command in &commands {
        all += &format!("\n=== waypost {command} --help\n{}", waypost(&scratch, &[command, "--help"]));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn wrong_usage_is_said_in_one_line_with_a_way_out() {
    let scratch = outage();
    let attempts: &[&[&str]] = &[
        &[],
        &["reviev"],
        &["review", "--bas", "main"],
        &["review", "--format", "sarif"],
        &["review", "--format", "yaml"],
        &["review", "--fail-on", "info"],
        &["review", "--base-dir", "base"],
        &["review", "--repo", ".", "--base-dir", "base", "--head-dir", "head"],
        &["review", "--base-dir", "base", "--head-dir", "nowhere"],
        &["review", "--base-dir", "base", "--head-dir", "head/nginx.conf"],
        &["review", "--base-dir", "base", "--head-dir", "head", "--known-good", "nowhere"],
        &["review", "--base-dir", "base", "--head-dir", "head", "--dry-run", "required"],
        &["review", "--base-dir", "base", "--head-dir", "head", "--output", "no/such/folder/review.txt"],
        &["review"],
        &["review", "--repo", "nowhere"],
        &["review", "-q", "-v"],
        &["trace"],
        &["trace", "shop.example.com/cart"],
        &["trace", "http://shop.example.com:99999/"],
        &["trace", "http://shop.example.com/", "--dir", "nowhere"],
        &["trace", "http://shop.example.com/", "--from", "10.0.0"],
        &["trace", "http://shop.example.com/", "-H", "no colon"],
        &["trace", "http://shop.example.com/", "-X", "GET POST"],
        &["trace", "http://shop.example.com/", "--requests", "-"],
        &["trace", "--requests", "nowhere.jsonl", "--dir", "head"],
        &["--color", "sometimes", "explain"],
    ];
    let told: Vec<String> = attempts.iter().map(|arguments| format!("$ waypost {}\n{}", arguments.join(" "), waypost(&scratch, arguments))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_server_without_what_it_needs_says_what_that_is_and_does_not_start() {
    let scratch = Scratch::new();
    scratch.write("key.pem", "no key");
    let app = ["serve", "--listen", "127.0.0.1:0", "--github-app-id", "1"];
    let secret = ["--github-webhook-secret", "s"];
    let told = [
        waypost(&scratch, &app),
        waypost(&scratch, &[app.as_slice(), &secret].concat()),
        waypost(&scratch, &[app.as_slice(), &secret, &["--github-private-key-path", "nowhere.pem"]].concat()),
        waypost(&scratch, &[app.as_slice(), &secret, &["--github-private-key-path", "key.pem"]].concat()),
        waypost(&scratch, &[app.as_slice(), &secret, &["--github-private-key-path", "key.pem", "--database-url", "mysql://x"]].concat()),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_git_does_not_have_is_named() {
    let scratch = Scratch::repository();
    let told = [
        waypost(&scratch, &["review", "--base", "mian"]),
        waypost(&scratch, &["review", "--head", "v9"]),
        waypost(&scratch, &["trace", "http://a.example/", "--rev", "nope"]),
        waypost(&scratch, &["review", "--known-good", "nope"]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_folder_that_may_not_be_read_is_named() {
    let scratch = outage();
    let head = scratch.0.join("head");
    std::fs::set_permissions(&head, std::fs::Permissions::from_mode(0o000)).unwrap();
    let told = waypost(&scratch, &["review", "--base-dir", "base", "--head-dir", "head"]);
    let root = std::fs::read_dir(&head).is_ok();
    std::fs::set_permissions(&head, std::fs::Permissions::from_mode(0o755)).unwrap();
    if root {
        // The superuser may read everything, so there is nothing to see.
        return;
    }
    assert!(told.contains("error: the directory `head` cannot be read: permission denied") && told.ends_with("--- exit 2\n"), "{told}");
}

#[test]
fn nothing_to_review_is_said() {
    let scratch = Scratch::new();
    scratch.write("a/README.md", "hello");
    scratch.write("b/README.md", "hello there");
    let told = waypost(&scratch, &["review", "--base-dir", "a", "--head-dir", "b"]);
    insta::assert_snapshot!(told, @"
    PASS  No load balancer configuration was found

    nothing found; no file read
    --- exit 0
    ");
    let told = waypost(&scratch, &["trace", "http://a.example/", "--dir", "a"]);
    insta::assert_snapshot!(told, @"
    --- standard error
    error: no load balancer configuration was found
    help: name the directory that holds it with --dir
    --- exit 2
    ");
}

#[test]
fn colour_is_a_choice() {
    let scratch = Scratch::new();
    write_configuration(&scratch, "", "10.20.1.12");
    assert!(!waypost(&scratch, &["trace", "http://shop.example.com/"]).contains('\x1b'));
    assert!(waypost(&scratch, &["trace", "http://shop.example.com/", "--color", "always"]).contains("\x1b["));
    assert!(waypost(&scratch, &["trace", "nonsense", "--color", "always"]).contains("\x1b[1;31merror"));
}

/// A reader that goes away (`| head -1`) is no error and no panic.
#[test]
#[expect(clippy::disallowed_methods, reason = "needs a pipe that is closed early")]
fn a_closed_pipe_is_quiet() {
    use std::process::{Command, Stdio};
    let scratch = outage();
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.current_dir(&scratch.0).args(["review", "--base-dir", "base", "--head-dir", "head"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(1));
}

/// Each of these is told with its place, and the rest is still reviewed.
#[test]
fn bad_files_are_told_and_the_rest_is_reviewed() {
    let scratch = outage();
    let nginx = String::from_utf8(std::fs::read(scratch.0.join("head/nginx.conf")).unwrap()).unwrap();
    let with_includes = nginx.replace(
        "http {\n",
        "http {\n  include binary.conf;\n  include large.conf;\n  include loop.conf;\n  include gone.conf;\n  include out.conf;\n",
    );
    scratch.write("head/nginx.conf", &with_includes);
    scratch.write("head/binary.conf", "\0\x01\x02");
    scratch.write("head/large.conf", &"# filler\n".repeat(1_200_000));
    scratch.write("head/loop.conf", "include loop.conf;\n");
    std::os::unix::fs::symlink("/etc/passwd", scratch.0.join("head/out.conf")).unwrap();
    insta::assert_snapshot!(waypost(&scratch, &["review", "--base-dir", "base", "--head-dir", "head"]));
}

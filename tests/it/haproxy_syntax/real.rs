//! Does the real HAProxy refuse what we refuse, on the same line?

#![expect(clippy::disallowed_methods, reason = "asks the real HAProxy about a file in a temporary folder")]

use super::{problems, slips};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Returns whether HAProxy is installed. Where it is not, says so, and fails in continuous integration, where "skipped" would go unread.
fn available() -> bool {
    let found = Command::new("haproxy").arg("-v").stderr(Stdio::null()).stdout(Stdio::null()).status().is_ok();
    if !found {
        assert!(std::env::var("CI").is_err(), "HAProxy is not installed");
        println!("skipped: no haproxy");
    }
    found
}

/// Returns what HAProxy says against the file, and the line it names first, where it names one.
fn refused(file: &Path, text: &str) -> Option<(String, Option<usize>)> {
    fs::write(file, text).unwrap();
    let out = Command::new("haproxy").args(["-c", "-f"]).arg(file).output().unwrap();
    let said = [String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)].concat();
    let alerts: Vec<&str> =
        said.lines().filter(|line| line.contains("[ALERT]") && !line.contains("(s) found") && !line.contains("Fatal errors")).collect();
    let first = alerts.first()?;
    let place = format!("{}:", file.file_name().unwrap().to_str().unwrap());
    let number = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().ok();
    let line = first.split_once(&place).and_then(|(_, rest)| number(rest));
    Some(((*first).to_owned(), line))
}

#[test]
fn haproxy_refuses_what_we_refuse_and_on_the_same_line() {
    if !available() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("waypost-haproxy-syntax-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("haproxy.cfg");
    let mut wrong = Vec::new();
    for slip in slips() {
        let theirs = refused(&file, &slip.text);
        let ours: Vec<(usize, String)> =
            problems(&slip.text).into_iter().filter(|(_, problem)| problem.fatal).map(|(line, problem)| (line, problem.message)).collect();
        let agreed = match (&theirs, ours.as_slice()) {
            (None, []) => slip.left_to_haproxy.is_none(),
            (Some(_), []) => slip.left_to_haproxy.is_some(),
            // What names another section is told without a line, or on that section's.
            (Some((said, line)), [first, ..]) => {
                let elsewhere = said.contains("unable to find") || said.contains("incompatible") || said.contains("non-terminated");
                slip.left_to_haproxy.is_none() && (elsewhere || line.is_none_or(|line| line == first.0)) && ours.len() <= 2
            }
            (None, [_, ..]) => false,
        };
        if !agreed {
            wrong.push(format!("{}:\n  HAProxy: {theirs:?}\n  ours: {ours:?}", slip.name));
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

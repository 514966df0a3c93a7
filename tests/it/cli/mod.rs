//! The binary itself, run as a person runs it: what it prints where, and how it ends.

#![expect(clippy::disallowed_methods, reason = "runs the command that is tested")]

mod demo;
mod explain;
mod review;
mod serve;
mod trace;
mod usage;

use crate::support::Scratch;
use std::io::Write;
use std::process::{Command, Stdio};

/// Returns what `waypost` prints and how it ends when it is run in `scratch` with `input` on standard input.
fn waypost_with(scratch: &Scratch, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.current_dir(&scratch.0).args(arguments).env_clear().env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CEILING_DIRECTORIES", "/");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    if !errors.is_empty() {
        text += &format!("--- standard error\n{errors}");
    }
    text += &format!("--- exit {}\n", output.status.code().unwrap());
    text.replace(scratch.0.to_str().unwrap(), "DIR")
}

fn waypost(scratch: &Scratch, arguments: &[&str]) -> String {
    waypost_with(scratch, arguments, "")
}

/// A small configuration: one virtual host, one pool, an inventory that speaks for the pool's network.
fn write_configuration(scratch: &Scratch, folder: &str, second_server: &str) {
    scratch.write(&format!("{folder}hosts.yml"), "web: { hosts: { web01: { ansible_host: 10.20.1.11 }, web02: { ansible_host: 10.20.1.12 } } }\n");
    let nginx = format!(
        "events {{}}\nhttp {{\n  upstream web_pool {{\n    server 10.20.1.11:8080 max_fails=0;\n    server {second_server}:8080 max_fails=0;\n  }}\n  server {{\n    listen 80;\n    \
         server_name shop.example.com;\n    location /static/ {{ root /srv/www; }}\n    location / {{ proxy_pass http://web_pool; proxy_next_upstream off; }}\n  }}\n}}\n"
    );
    scratch.write(&format!("{folder}nginx.conf"), &nginx);
}

/// Two folders, `base` and `head`; the head sends half of the requests to a server that no host has.
fn outage() -> Scratch {
    let scratch = Scratch::new();
    write_configuration(&scratch, "base/", "10.20.1.12");
    write_configuration(&scratch, "head/", "10.20.1.15");
    scratch
}

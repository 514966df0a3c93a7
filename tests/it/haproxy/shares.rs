//! How many requests break on the real HAProxy while servers are down, against what the model says.

use crate::support::haproxy::{Haproxy, available, compare};
use waypost::analysis::{Destination, trace};

/// How often a request is sent; a multiple of the weights below.
const TIMES: u32 = 12;

/// Sends requests to a `listen` with these lines, where `{port:dead}` is a port that nobody listens on, and returns the share that breaks: on HAProxy,
/// and in the model, for which the dead server is one that an inventory does not have.
fn broken(lines: &str, expected: f64) -> (f64, f64) {
    let config = format!(
        "defaults\n mode http\n timeout connect 50ms\n timeout client 5s\n timeout server 5s\nlisten web\n bind 127.0.0.1:{{port:front}}\n{lines}\n"
    );
    let haproxy = Haproxy::start(&config, &[]);
    let request = haproxy.request("GET h /");
    let lose = || (0..TIMES).filter(|_| haproxy.send(&request).status == 503).count();
    let mut failed = lose();
    // Probes need their time to take a server out.
    for _ in 0..20 {
        if !lines.contains(" check inter") || (share(failed) - expected).abs() < 0.01 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        failed = lose();
    }
    let inventory = "all:\n  hosts:\n    a: { ansible_host: 10.0.0.1 }\n    b: { ansible_host: 10.0.0.2 }\n    c: { ansible_host: 10.0.0.3 }\n";
    let moved = [("a", "10.0.0.1:1"), ("b", "10.0.0.2:1"), ("dead", "10.0.0.9:1")];
    let told = moved.iter().fold(haproxy.config.clone(), |text, (name, to)| text.replace(&format!("127.0.0.1:{}", haproxy.port(name)), to));
    let tree = waypost::snapshot::memory([("haproxy.cfg", told.as_str()), ("inventory/hosts.yml", inventory)]);
    let model = waypost::formats::read(&tree);
    let modelled = trace(&model, &request).destination.broken_share();
    (share(failed), modelled)
}

fn share(failed: usize) -> f64 {
    f64::from(u32::try_from(failed).unwrap()) / f64::from(TIMES)
}

#[test]
fn a_dead_server_costs_what_haproxy_loses() {
    if !available() {
        return;
    }
    let (live, other, dead) = ("127.0.0.1:{port:a}", "127.0.0.1:{port:b}", "127.0.0.1:{port:dead}");
    let cases: &[(&str, f64, String)] = &[
        ("nothing looks at it", 0.5, format!(" server a {live}\n server x {dead}")),
        ("more weight", 0.75, format!(" server a {live}\n server x {dead} weight 3")),
        ("redispatch", 0.0, format!(" option redispatch\n server a {live}\n server x {dead}")),
        ("redispatch without retries", 0.5, format!(" option redispatch\n retries 0\n server a {live}\n server x {dead}")),
        ("a check", 0.0, format!(" server a {live} check\n server x {dead} check inter 100ms fall 2")),
        ("a check from the defaults", 0.0, format!(" default-server check inter 100ms fall 2\n server a {live}\n server x {dead}")),
        ("a check taken back", 0.5, format!(" default-server check inter 100ms fall 2\n server a {live}\n server x {dead} no-check")),
        ("all dead and checked", 1.0, format!(" server x {dead} check inter 100ms fall 2")),
        ("all dead", 1.0, format!(" server x {dead}")),
        ("a backup for one that is checked", 0.0, format!(" server x {dead} check inter 100ms fall 2\n server a {live} backup")),
        ("a backup for one that is not", 1.0, format!(" server x {dead}\n server a {live} backup")),
        ("a dead first backup", 1.0, format!(" server z {dead} disabled\n server x {dead} backup\n server a {live} backup")),
        ("all backups", 0.5, format!(" option allbackups\n server z {dead} disabled\n server x {dead} backup\n server a {live} backup")),
        ("two of three", 1.0 / 3.0, format!(" server a {live}\n server b {other}\n server x {dead}")),
        ("weight 0", 0.0, format!(" server a {live}\n server x {dead} weight 0")),
        ("disabled", 0.0, format!(" server a {live}\n server x {dead} disabled")),
        ("only weight 0", 1.0, format!(" server a {live} weight 0")),
        ("only disabled", 1.0, format!(" server a {live} disabled")),
    ];
    let mut wrong = Vec::new();
    for (name, expected, lines) in cases {
        let (observed, modelled) = broken(&format!("{lines}\n # {{port:dead}}"), *expected);
        if (observed - expected).abs() > 0.05 || (modelled - expected).abs() > 0.001 {
            wrong.push(format!("{name}: expected {expected}, HAProxy loses {observed}, the model says {modelled}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_server_is_asked_for_what_the_client_asked() {
    if !available() {
        return;
    }
    let haproxy = Haproxy::start(
        "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\nlisten web\n bind 127.0.0.1:{port:front}\n server a 127.0.0.1:{port:a}\n",
        &[],
    );
    let model = waypost::formats::read(&haproxy.tree());
    let request = haproxy.request("GET h //a/../b?x=%20");
    let destination = trace(&model, &request).destination;
    assert!(matches!(&destination, Destination::Forward { upstream_uri, .. } if upstream_uri == "//a/../b?x=%20"));
    assert_eq!(compare(&destination, &haproxy.send(&request)), Ok(()));
}

//! Each request of each configuration, sent to the real nginx and traced: status, `Location`, backend and upstream path must be the same.

use super::judge::{World, compare};
use super::suites;
use crate::support::backends::Backends;
use crate::support::nginx::{Nginx, available, stream_available};
use std::net::{IpAddr, Ipv4Addr};
use waypost::analysis::trace;
use waypost::model::{Model, Name, Request, Scheme};
use waypost::snapshot::memory;

#[test]
fn the_model_agrees_with_the_real_nginx() {
    if !available() {
        return;
    }
    let (mut sent, mut open, mut wrong) = (0, 0, Vec::new());
    let backends = Backends::start();
    // `PAGE=words` sends the pages whose name has the words.
    let wanted = std::env::var("PAGE").unwrap_or_default();
    for configuration in suites::all().into_iter().filter(|page| page.name.contains(&wanted)) {
        let config = format!("events {{}}\nhttp {{\n{}\n}}\n", backends.fill(configuration.http));
        let lines = || configuration.requests.lines().map(str::trim).filter(|line| !line.is_empty());
        let over_tls = lines().filter_map(|line| line.strip_prefix("tls ")?.split(' ').nth(1));
        let names: Vec<String> = over_tls.map(|name| if name == "-" { String::new() } else { name.to_owned() }).collect();
        if !names.is_empty() && !stream_available() {
            continue;
        }
        let files: Vec<_> = configuration.files.iter().copied().chain(CERTIFICATES).collect();
        let nginx = Nginx::attempt_tls(&config, &files, &names).unwrap_or_else(|said| panic!("{}: {said}", configuration.name));
        let model = read(&nginx);
        assert_eq!(model.gateways.len(), 1, "{}: {:?}", configuration.name, model.problems);
        for line in lines() {
            let request = request(line, nginx.port("front"));
            let answer = nginx.ask(&request);
            let destination = trace(&model, &request).destination;
            sent += 1;
            let world = World { folder: nginx.folder(), known: request.header("authorization").is_some() };
            open += usize::from(world.leaves_open(&destination));
            if let Err(difference) = compare(&destination, &answer, world) {
                wrong.push(format!("{}: {line}\n    model: {destination:?}\n    nginx: {difference}", configuration.name));
            }
        }
    }
    println!("{sent} requests, {} agree, {open} of them within what the model leaves open", sent - wrong.len());
    assert!(wrong.is_empty(), "{} of {sent} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Reads a line of a page, see [`super::suites`].
fn request(line: &str, port: u16) -> Request {
    let (scheme, line) = line.strip_prefix("tls ").map_or((Scheme::Http, line), |line| (Scheme::Https, line));
    let mut words = line.splitn(4, ' ');
    let mut next = || words.next().unwrap_or_default();
    let (method, host, target) = (next(), next(), next());
    let mut request = local(method, if host == "-" { "" } else { host }, target, port);
    request.scheme = scheme;
    if let Some((name, value)) = words.next().and_then(|header| header.split_once(": ")) {
        let name = name.to_ascii_lowercase();
        request.headers.retain(|(have, _)| **have != *name);
        request.headers.push((Name::from(name), value.to_owned()));
    }
    request
}

/// Returns the request of a client on this machine.
pub(super) fn local(method: &str, host: &str, target: &str, port: u16) -> Request {
    let mut request = Request::get(&format!("http://h:{port}/")).expect("a URL");
    request.method = method.to_owned();
    request.host = host.to_owned();
    request.target = target.to_owned();
    request.listener = Some(format!("127.0.0.1:{port}"));
    request.from = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    if !host.is_empty() {
        request.headers.push((Name::from("host"), host.to_owned()));
    }
    request
}

/// The certificates of the tests, which nobody trusts: every configuration finds them beside it.
pub(super) const CERTIFICATES: [(&str, &str); 2] =
    [("one.pem", include_str!("certificates/one.pem")), ("two.pem", include_str!("certificates/two.pem"))];

/// Reads nginx's configuration as it runs.
pub(super) fn read(nginx: &Nginx) -> Model {
    let files = nginx.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    waypost::formats::read(&memory(files.chain([("nginx.conf", nginx.config.as_str())])))
}

//! Each request of each configuration, sent to the real nginx and traced: status, `Location`, backend and upstream path must be the same.

use super::configurations::Page;
use super::{configurations, corners, suites};
use crate::support::backends::{Backends, visible};
use crate::support::nginx::{Nginx, Response, available};
use std::net::{IpAddr, Ipv4Addr};
use waypost::analysis::{Destination, trace};
use waypost::model::{Name, Request};
use waypost::snapshot::memory;

#[test]
fn the_model_agrees_with_the_real_nginx() {
    if !available() {
        return;
    }
    let (mut sent, mut open, mut wrong) = (0, 0, Vec::new());
    let backends = Backends::start();
    let pages = configurations::ALL.iter().chain(corners::ALL).map(Page::from).chain(suites::all());
    for configuration in pages {
        let config = format!("events {{}}\nhttp {{\n{}\n}}\n", backends.fill(configuration.http));
        let nginx = Nginx::start(&config, &configuration.files);
        let model = waypost::formats::read(&memory([("nginx.conf", &nginx.config)]));
        assert_eq!(model.gateways.len(), 1, "{}: {:?}", configuration.name, model.problems);
        for line in configuration.requests.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let request = request(line, nginx.port("front"));
            let answer = send(&nginx, &request);
            let destination = trace(&model, &request).destination;
            sent += 1;
            open += usize::from(matches!(destination, Destination::Opaque { .. }));
            if let Err(difference) = compare(&destination, &answer) {
                wrong.push(format!("{}: {line}\n    model: {destination:?}\n    nginx: {difference}", configuration.name));
            }
        }
    }
    println!("{sent} requests, {} agree, {open} of them within what the model leaves open", sent - wrong.len());
    assert!(wrong.is_empty(), "{} of {sent} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Reads `METHOD HOST TARGET [Name: value]`.
fn request(line: &str, port: u16) -> Request {
    let mut words = line.splitn(4, ' ');
    let mut next = || words.next().unwrap_or_default();
    let (method, host, target) = (next(), next(), next());
    let mut request = Request::get(&format!("http://{host}:{port}{target}")).expect("the request can be read");
    request.method = method.to_owned();
    request.listener = Some(format!("127.0.0.1:{port}"));
    request.from = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    request.headers.push((Name::from("host"), host.to_owned()));
    if let Some((name, value)) = words.next().and_then(|header| header.split_once(": ")) {
        request.headers.push((Name::from(name.to_ascii_lowercase()), value.to_owned()));
    }
    request
}

fn send(nginx: &Nginx, request: &Request) -> Response {
    let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    Nginx::send(nginx.port("front"), &request.method, &request.host, &request.target, &headers)
}

/// Says what nginx did where it is not `destination`.
pub(super) fn compare(destination: &Destination, answer: &Response) -> Result<(), String> {
    let location = answer.header("location").unwrap_or_default();
    let agree = match destination {
        Destination::Forward { servers, upstream_uri, broken_share, .. } => {
            let ports = servers.iter().filter_map(|server| server.address.rsplit(':').next());
            ports.map(|port| format!("{port} {}.", visible(upstream_uri))).any(|expected| answer.header("x-at") == Some(&*expected))
                || answer.status == 502
                    && (*broken_share >= 1.0 || servers.iter().all(|server| server.share == 0.0 || server.address.ends_with(":1")))
        }
        Destination::Redirect { status, location: expected } => {
            answer.status == *status && (location == expected || same_location(location, expected))
        }
        Destination::Respond { status } | Destination::Reject { status } => answer.status == *status && answer.header("x-at").is_none(),
        // A folder without its slash is a redirect, one without an index is refused, and a file takes no POST.
        Destination::Files { .. } if matches!(answer.status, 301 | 403 | 404 | 405) => true,
        // A list of the files of a folder does not say which.
        Destination::Files { root } => {
            answer.status == 200 && (!answer.body.starts_with("file in ") || answer.body.starts_with(&format!("file in {root}")))
        }
        Destination::Close => answer.status == 0,
        Destination::Opaque { alternatives, .. } => alternatives.iter().any(|alternative| compare(&alternative.outcome, answer).is_ok()),
        Destination::None => false,
    };
    if agree {
        Ok(())
    } else {
        Err(format!("{} {location} {}", answer.status, answer.header("x-at").or(answer.body.lines().next()).unwrap_or_default()))
    }
}

/// Whether a location is `expected`, which the model makes absolute where nginx leaves that to the client.
fn same_location(location: &str, expected: &str) -> bool {
    match (location.split_once("://"), expected.split_once("://")) {
        (None, Some((_, rest))) => rest.find('/').is_some_and(|at| rest[at..] == *location),
        _ => location == expected,
    }
}

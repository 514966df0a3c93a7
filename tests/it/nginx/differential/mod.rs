//! Random configurations and random requests: what the model says against what the real nginx does.
//!
//! [`grammar`] writes the configurations, [`requests`] draws what is sent from their own patterns. Every difference that was found this way stands in
//! `../corners.rs`.

mod grammar;
mod pieces;
mod requests;

use super::agreement::compare;
use crate::support::backends::Backends;
use crate::support::nginx::{Nginx, available};
use crate::support::random::{Random, Run};
use std::net::{IpAddr, Ipv4Addr};
use waypost::analysis::{Destination, trace};
use waypost::model::{Model, Name, Request};
use waypost::snapshot::memory;

/// Requests to each configuration.
const EACH: usize = 60;
/// So many differences are printed; the others are counted.
const SHOWN: usize = 20;

/// What came of a run.
#[derive(Default)]
struct Tally {
    sent: usize,
    /// Requests of which the model leaves open which of several ends it is; that nginx took one of them was seen.
    open: usize,
    configurations: usize,
    /// Configurations that nginx refuses and so does the model.
    refused: usize,
    wrong: Vec<String>,
}

#[test]
fn random_configurations_do_what_the_model_says() {
    if !available() {
        return;
    }
    let run = Run::asked_for();
    let backends = Backends::start();
    let mut tally = Tally::default();
    let mut seed = run.seed;
    while tally.sent < run.requests {
        one(seed, &backends, &mut tally);
        seed += 1;
    }
    let Tally { sent, open, configurations, refused, wrong } = tally;
    println!("{sent} requests to {configurations} configurations, {refused} refused by both, {open} requests left open, {} differ", wrong.len());
    let shown: Vec<&str> = wrong.iter().map(String::as_str).filter(|text| !text.is_empty()).take(SHOWN).collect();
    assert!(wrong.is_empty(), "{} of {sent} differ:\n{}", wrong.len(), shown.join("\n"));
}

/// Returns the configuration of `seed` for what needs no real nginx: with some port wherever one stands.
pub(crate) fn written(seed: u64) -> String {
    let case = grammar::configuration(&mut Random::new(seed));
    let filled = [("{a}", "8001"), ("{b}", "8002"), ("{c}", "8003"), ("{prefix}", "/opt"), ("{port:front}", "80")];
    let http = filled.iter().fold(case.http, |text, (name, value)| text.replace(name, value));
    format!("events {{}}\nhttp {{\n{http}}}\n")
}

/// Generates the configuration of `seed`, starts it, sends its requests.
fn one(seed: u64, backends: &Backends, tally: &mut Tally) {
    let mut random = Random::new(seed);
    let case = grammar::configuration(&mut random);
    let config = format!("events {{}}\nhttp {{\n{}}}\n", backends.fill(&case.http));
    let files: Vec<(&str, &str)> = case.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    tally.configurations += 1;
    let nginx = match Nginx::attempt(&config, &files) {
        Ok(nginx) => nginx,
        Err(said) => {
            let model = waypost::formats::read(&memory([("nginx.conf", config.as_str())]));
            if model.problems.iter().any(|problem| problem.fatal) {
                tally.refused += 1;
            } else {
                tally.wrong.push(format!("seed {seed}: only nginx refuses it: {said}\n{config}"));
            }
            // A configuration that is refused counts as one request, so that a run always ends.
            tally.sent += 1;
            return;
        }
    };
    let model = waypost::formats::read(&memory([("nginx.conf", nginx.config.as_str())]));
    if let Some(problem) = model.problems.iter().find(|problem| problem.fatal) {
        tally.wrong.push(format!("seed {seed}: only the model refuses it: {}\n{config}", problem.message));
    }
    let mut first = true;
    for _ in 0..EACH {
        let request = requests::draw(&mut random, &case, nginx.port("front"));
        tally.sent += 1;
        let Some(difference) = differs(&model, &request, tally) else { continue };
        // One request of each configuration is shown; the others mostly have the same cause.
        let text = format!("seed {seed}: {} {} {} {:?}\n{difference}\n{config}", request.method, request.host, request.target, request.headers);
        tally.wrong.push(if first { text } else { String::new() });
        first = false;
    }
}

fn differs(model: &Model, request: &Request, tally: &mut Tally) -> Option<String> {
    let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let answer = Nginx::send(request.port, &request.method, &request.host, &request.target, &headers);
    let destination = trace(model, request).destination;
    if let Destination::Opaque { alternatives, .. } = &destination {
        tally.open += 1;
        if alternatives.is_empty() {
            // Nothing in the grammar is beyond reading.
            return Some(format!("    model: {destination:?}"));
        }
    }
    let difference = compare(&destination, &answer).err()?;
    Some(format!("    model: {destination:?}\n    nginx: {difference}"))
}

/// Returns the request of a client on this machine.
fn request(method: &str, host: &str, target: &str, port: u16) -> Request {
    let mut request = Request::get(&format!("http://h:{port}/")).expect("a URL");
    request.method = method.to_owned();
    request.host = host.to_owned();
    request.target = target.to_owned();
    request.listener = Some(format!("127.0.0.1:{port}"));
    request.from = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    request.headers.push((Name::from("host"), host.to_owned()));
    request
}

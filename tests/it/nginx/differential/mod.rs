//! Random configurations and random requests: what the model says against what the real nginx does.
//!
//! [`grammar`] writes the configurations, [`requests`] draws what is sent from their own patterns. Every difference that was found this way stands in
//! `../suites`.

mod grammar;
mod pieces;
mod requests;
mod spread;
mod streams;

use super::agreement::{CERTIFICATES, read};
use super::judge::{World, compare};
use crate::support::backends::Backends;
use crate::support::nginx::{Nginx, available, stream_available};
use crate::support::random::{Random, Run};
use waypost::analysis::{Destination, trace};
use waypost::model::{Model, Request};
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
    let filled = [("{a}", "8001"), ("{b}", "8002"), ("{c}", "8003"), ("{dead}", "1"), ("{prefix}", "/opt"), ("{port:front}", "80")];
    let http = filled.iter().fold(case.http, |text, (name, value)| text.replace(name, value));
    format!("events {{}}\nhttp {{\n{http}}}\n")
}

/// Generates the configuration of `seed`, starts it, sends its requests.
fn one(seed: u64, backends: &Backends, tally: &mut Tally) {
    let mut random = Random::new(seed);
    let case = grammar::configuration(&mut random);
    if case.tls && !stream_available() {
        return;
    }
    let (http, parts) = spread::spread(&mut random, &case.http);
    let config = format!("events {{}}\nhttp {{\n{}}}\n", backends.fill(&http));
    let parts: Vec<(String, String)> = parts.into_iter().map(|(path, text)| (path, backends.fill(&text))).collect();
    let files: Vec<(&str, &str)> = case.files.iter().chain(&parts).map(|(path, text)| (path.as_str(), text.as_str())).chain(CERTIFICATES).collect();
    let names = requests::names(&mut random, &case);
    tally.configurations += 1;
    let nginx = match Nginx::attempt_tls(&config, &files, &names) {
        Ok(nginx) => nginx,
        Err(said) => {
            let model = waypost::formats::read(&memory(files.iter().copied().chain([("nginx.conf", config.as_str())])));
            if model.problems.iter().any(|problem| problem.fatal) {
                tally.refused += 1;
            } else {
                tally.wrong.push(format!("seed {seed}: only nginx refuses it: {said}\n{}", whole(&config, &parts)));
            }
            // A configuration that is refused counts as one request, so that a run always ends.
            tally.sent += 1;
            return;
        }
    };
    let model = read(&nginx);
    if let Some(problem) = model.problems.iter().find(|problem| problem.fatal) {
        tally.wrong.push(format!("seed {seed}: only the model refuses it: {}\n{}", problem.message, whole(&config, &parts)));
    }
    let mut first = true;
    for _ in 0..EACH {
        let request = requests::draw(&mut random, &case, &names, nginx.port("front"));
        tally.sent += 1;
        let Some(difference) = differs(&model, &request, &nginx, tally) else { continue };
        // One request of each configuration is shown; the others mostly have the same cause.
        let text = format!(
            "seed {seed}: {} {} {} {} {:?}\n{difference}\n{}",
            request.scheme.as_str(),
            request.method,
            request.host,
            request.target,
            request.headers,
            whole(&config, &parts)
        );
        tally.wrong.push(if first { text } else { String::new() });
        first = false;
    }
}

/// Returns all texts of a configuration, for a person.
fn whole(config: &str, parts: &[(String, String)]) -> String {
    parts.iter().fold(config.to_owned(), |text, (path, part)| format!("{text}# {path}\n{part}"))
}

fn differs(model: &Model, request: &Request, nginx: &Nginx, tally: &mut Tally) -> Option<String> {
    let answer = nginx.ask(request);
    let destination = trace(model, request).destination;
    let world = World { folder: nginx.folder(), known: request.header("authorization") == Some(requests::KNOWN) };
    if let Destination::Opaque { alternatives, .. } = &destination {
        if world.leaves_open(&destination) {
            tally.open += 1;
        }
        if alternatives.is_empty() {
            // Nothing in the grammar is beyond reading.
            return Some(format!("    model: {destination:?}"));
        }
    }
    let difference = compare(&destination, &answer, world).err()?;
    Some(format!("    model: {destination:?}\n    nginx: {difference}"))
}

//! Random configurations, random requests: the model and the real HAProxy must agree on every one.
//!
//! `DIFFERENTIAL_REQUESTS` says how many are sent (2,000), `DIFFERENTIAL_SEED` where to begin (`tests/differential haproxy`). A failure prints the seed of its configuration.

use super::generator::Generator;
use crate::support::haproxy::{Haproxy, available, compare};
use waypost::analysis::{Destination, trace};

/// How many requests each configuration gets.
const EACH: usize = 60;

/// Returns the files of the configuration of `seed` for what needs no real HAProxy, the configuration itself first.
pub(crate) fn written(seed: u64) -> Vec<(String, String)> {
    let written = Generator::new(seed).configuration();
    let ports = [("front", "80"), ("a", "8001"), ("b", "8002"), ("c", "8003"), ("d", "8004")];
    let config = ports.iter().fold(written.config, |text, (name, value)| text.replace(&format!("{{port:{name}}}"), value));
    std::iter::once(("haproxy.cfg".to_owned(), config)).chain(written.files).collect()
}

#[test]
fn random_configurations_route_as_on_the_real_haproxy() {
    if !available() {
        return;
    }
    let number = |name: &str, default: usize| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (requests, seed) = (number("DIFFERENTIAL_REQUESTS", 2000), number("DIFFERENTIAL_SEED", 1));
    let (mut sent, mut open, mut wrong, mut told) = (0, 0, Vec::new(), None);
    for seed in seed..seed + requests.div_ceil(EACH) {
        let mut generator = Generator::new(seed as u64);
        let written = generator.configuration();
        let files: Vec<(&str, &str)> = written.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let haproxy = match Haproxy::attempt(&written.config, &files) {
            Ok(haproxy) => haproxy,
            Err(error) => {
                wrong.push(format!("seed {seed}: HAProxy refuses what was written: {error}"));
                continue;
            }
        };
        let model = waypost::formats::read(&haproxy.tree());
        assert_eq!(model.gateways.len(), 1, "seed {seed}: {:?}\n{}", model.problems, haproxy.config);
        // What is accepted must raise no alarm, and the generator writes only what is read.
        let unknown = model.unknown.iter().filter(|one| !one.reason.contains("environment"));
        wrong.extend(unknown.map(|one| format!("seed {seed}: unknown: {one:?}")));
        wrong.extend(model.problems.iter().filter(|one| one.fatal).map(|one| format!("seed {seed}: refused: {one:?}")));
        for _ in 0..EACH {
            let line = generator.request(written.tls);
            let request = haproxy.request(&line);
            let answer = haproxy.send(&request);
            let destination = trace(&model, &request).destination;
            sent += 1;
            open += usize::from(matches!(destination, Destination::Opaque { .. }));
            if let Err(difference) = compare(&destination, &answer) {
                wrong.push(format!("seed {seed}: {line}\n    model: {destination:?}\n    haproxy: {difference}"));
                if told != Some(seed) {
                    told = Some(seed);
                    wrong.push(format!("{}{:?}", haproxy.config, haproxy.files));
                }
            }
        }
        assert!(wrong.len() < 40, "{} of {sent} differ, and no more are tried:\n{}", wrong.len(), wrong.join("\n"));
    }
    println!("{sent} requests, {} agree, {open} of them within what the model leaves open", sent - wrong.len().saturating_sub(1));
    assert!(wrong.is_empty(), "{} of {sent} differ:\n{}", wrong.len(), wrong.join("\n"));
}

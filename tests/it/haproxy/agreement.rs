//! Each request of each configuration, sent to the real HAProxy and traced: status, `Location`, server and upstream path must be the same.

use super::{configurations, corners};
use crate::support::haproxy::{Haproxy, available, compare};
use waypost::analysis::{Destination, trace};

#[test]
fn the_model_agrees_with_the_real_haproxy() {
    if !available() {
        return;
    }
    let wanted = std::env::var("CASE").unwrap_or_default();
    let (mut sent, mut open, mut wrong) = (0, 0, Vec::new());
    for configuration in configurations::all().chain(corners::ALL).filter(|one| one.name.contains(&wanted)) {
        let haproxy = Haproxy::start(&configuration.whole(), configuration.files);
        let model = waypost::formats::read(&haproxy.tree());
        assert_eq!(model.gateways.len(), 1, "{}: {:?}", configuration.name, model.problems);
        for line in configuration.requests.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let request = haproxy.request(line);
            let answer = haproxy.send(&request);
            let destination = trace(&model, &request).destination;
            sent += 1;
            open += usize::from(matches!(destination, Destination::Opaque { .. }));
            if let Err(difference) = compare(&destination, &answer) {
                wrong.push(format!("{}: {line}\n    model: {destination:?}\n    haproxy: {difference}", configuration.name));
            }
        }
    }
    println!("{sent} requests, {} agree, {open} of them within what the model leaves open", sent - wrong.len());
    assert!(wrong.is_empty(), "{} of {sent} differ:\n{}", wrong.len(), wrong.join("\n"));
}

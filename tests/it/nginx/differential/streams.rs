//! Random `stream` blocks, and connections to them.

use super::{SHOWN, Tally};
use crate::nginx::stream::connection;
use crate::support::backends::Backends;
use crate::support::nginx::{Nginx, stream_available};
use crate::support::random::{Random, Run};
use waypost::snapshot::memory;

/// Connections to each configuration.
const EACH: usize = 25;

/// Names that clients ask for; `-` for none.
const NAMES: &[&str] = &["a.test", "x.a.test", "b.test", "www.a.test", "www.b.test", "y.x.a.test", "a.test.", "ab", "-"];

/// Where connections can be passed to.
const TARGETS: &[&str] = &["127.0.0.1:{a}", "127.0.0.1:{b}", "127.0.0.1:{c}", "pool", "mixed", "half", "behind", "dead"];

#[test]
fn random_streams_do_what_the_model_says() {
    if !stream_available() {
        return;
    }
    let run = Run::asked_for();
    let backends = Backends::start();
    let mut tally = Tally::default();
    let mut seed = run.seed;
    // A tenth of a run: there is less to choose by than in `http`.
    while tally.sent < run.requests / 10 {
        one(seed, &backends, &mut tally);
        seed += 1;
    }
    let Tally { sent, configurations, wrong, .. } = tally;
    println!("{sent} connections to {configurations} configurations of stream, {} differ", wrong.len());
    let shown: Vec<&str> = wrong.iter().map(String::as_str).take(SHOWN).collect();
    assert!(wrong.is_empty(), "{} of {sent} differ:\n{}", wrong.len(), shown.join("\n"));
}

fn one(seed: u64, backends: &Backends, tally: &mut Tally) {
    let mut random = Random::new(seed);
    let servers = 1 + random.below(4);
    let config = format!("events {{}}\nstream {{\n{}}}\n", backends.fill(&stream(&mut random, servers)));
    tally.configurations += 1;
    let nginx = Nginx::start(&config, &[]);
    let model = waypost::formats::read(&memory([("nginx.conf", nginx.config.as_str())]));
    assert!(model.problems.is_empty(), "seed {seed}: {:?}\n{config}", model.problems);
    for _ in 0..EACH {
        let name = random.pick(NAMES);
        let port = nginx.port(&format!("s{}", random.below(servers)));
        tally.sent += 1;
        if let Err(difference) = connection(&model, (name != "-").then_some(name), port) {
            tally.wrong.push(format!("seed {seed}: {name} to {port}\n{difference}\n{}", nginx.config));
        }
    }
}

fn stream(random: &mut Random, servers: usize) -> String {
    let mut out = String::from(
        "upstream pool { server 127.0.0.1:{a}; }\nupstream mixed { hash $remote_addr; server 127.0.0.1:{b} weight=3; server 127.0.0.1:{c}; }\n\
         upstream half { server 127.0.0.1:{dead}; server 127.0.0.1:{c}; }\nupstream behind { server 127.0.0.1:{dead}; server 127.0.0.1:{a} backup; }\n\
         upstream dead { server 127.0.0.1:{dead}; }\nlimit_conn_zone $binary_remote_addr zone=c:1m;\n",
    );
    for name in ["m0", "m1"] {
        let hostnames = random.chance(50);
        let subject = random.pick(&["$ssl_preread_server_name", "$ssl_preread_server_name", "$remote_addr", "$v", "$g"]);
        out.push_str(&format!("map {subject} ${name} {{\n{}", if hostnames { "  hostnames;\n" } else { "" }));
        let mut seen = Vec::new();
        for _ in 0..random.below(5) {
            let key = random.pick(&["a.test", "*.a.test", ".b.test", "www.*", "~^www", "~*A", "\"\"", "127.0.0.1", "~^(?<first>[a-z]+)\\.", "ab"]);
            if !seen.contains(&key) && (hostnames || !key.contains('*') || key.starts_with('~')) {
                seen.push(key);
                let value = random.pick(TARGETS);
                out.push_str(&format!("  {key} {value};\n"));
            }
        }
        let default = random.pick(TARGETS);
        out.push_str(if random.chance(70) { ["  default ", default, ";\n}\n"].concat() } else { "}\n".to_owned() }.as_str());
    }
    out.push_str("geo $g { 127.0.0.0/8 near; default far; }\nsplit_clients $remote_port $half { 50% pool; * 127.0.0.1:{b}; }\n");
    if random.chance(30) {
        out.push_str("ssl_preread on;\n");
    }
    if random.chance(10) {
        out.push_str("deny 127.0.0.1;\n");
    }
    for at in 0..servers {
        out.push_str(&format!("server {{\n  listen 127.0.0.1:{{port:s{at}}};\n"));
        let set = random.pick(&["set $v x;", "set $v $m1;", "set $v $ssl_preread_server_name;", "set $v half;"]);
        for (percent, line) in [
            (60, "ssl_preread on;"),
            (6, "deny 127.0.0.0/8;"),
            (10, "allow all;"),
            (6, "allow 127.0.0.1; deny all;"),
            (6, "limit_conn c 1000;"),
            (5, "proxy_next_upstream off;"),
            (if at == 0 { 100 } else { 30 }, set),
        ] {
            if random.chance(percent) {
                out.push_str(&format!("  {line}\n"));
            }
        }
        let content = match random.below(10) {
            0 => "return \"$m0\";".to_owned(),
            1 => "return \"[$v]\";".to_owned(),
            2 => format!("proxy_pass {};", random.pick(&["$half", "$v", "$ssl_preread_server_name:{a}"])),
            3..=6 => format!("proxy_pass {};", random.pick(&["$m0", "$m1"])),
            _ => format!("proxy_pass {};", random.pick(TARGETS)),
        };
        out.push_str(&format!("  {content}\n}}\n"));
    }
    out
}

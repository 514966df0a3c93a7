//! `stream`: where connections go, by address and by the name in the handshake.

use super::suites;
use crate::support::backends::Backends;
use crate::support::hello::client_hello;
use crate::support::nginx::{Nginx, stream_available};
use std::net::{IpAddr, Ipv4Addr};
use waypost::analysis::{Destination, Trace, trace};
use waypost::model::{Model, Protocol, Request};
use waypost::snapshot::memory;

fn read(config: &str) -> Model {
    waypost::formats::read(&memory([("nginx.conf", format!("events {{}}\n{config}").as_str())]))
}

/// Returns who gets the connection of a browser that opens `url`.
fn pool(model: &Model, url: &str) -> String {
    named(&trace(model, &Request::get(url).unwrap()))
}

fn named(traced: &Trace) -> String {
    match &traced.destination {
        Destination::Forward { pool, .. } => pool.clone(),
        other => format!("{other:?}"),
    }
}

const BY_NAME: &str = "stream {
  map $ssl_preread_server_name $to { hostnames; shop.example.com shop; .static.example.com files; ~^www\\. web; default web; }
  upstream shop { server 10.0.0.1:443; server 10.0.0.2:443 backup; }
  upstream web { server 10.0.0.3:443; }
  upstream files { server 10.0.0.4:443; }
  server { listen 443; ssl_preread on; proxy_pass $to; proxy_timeout 5m; }
  server { listen 5432; allow 10.0.0.0/8; deny all; proxy_pass 10.1.0.1:5432; }
  server { listen 53 udp; proxy_pass 10.1.0.2:53; }
  server { listen 25; return ok; }
}
http { upstream shop { server 10.9.9.9:80; } server { listen 80; location / { proxy_pass http://shop; } } }";

#[test]
fn the_name_in_the_handshake_chooses_the_pool() {
    let model = read(BY_NAME);
    assert!(model.problems.is_empty() && model.unknown.is_empty(), "{:?} {:?}", model.problems, model.unknown);
    assert_eq!(pool(&model, "https://shop.example.com/"), "shop");
    assert_eq!(pool(&model, "https://a.static.example.com/x"), "files");
    assert_eq!(pool(&model, "https://static.example.com/"), "files");
    assert_eq!(pool(&model, "https://other.example.com/"), "web");
    let listeners = &model.gateways[0].listeners;
    let protocols: Vec<_> = listeners.iter().map(|one| (one.address.port().unwrap_or(0), one.protocol)).collect();
    assert_eq!(
        protocols,
        [(443, Protocol::Tcp), (5432, Protocol::Tcp), (53, Protocol::Udp), (25, Protocol::Tcp), (80, Protocol::Http)],
        "in file order"
    );
}

#[test]
fn upstreams_of_stream_and_http_have_names_of_their_own() {
    let model = read(BY_NAME);
    let servers = |url: &str| match trace(&model, &Request::get(url).unwrap()).destination {
        Destination::Forward { servers, .. } => servers[0].address.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!(servers("http://a/"), "10.9.9.9:80");
    assert_eq!(servers("https://shop.example.com/"), "10.0.0.1:443");
}

#[test]
fn addresses_that_are_refused_are_cut_off() {
    let model = read(BY_NAME);
    let from = |last: u8| {
        let mut request = Request::get("http://db.example.com:5432/").unwrap();
        request.from = Some(Ipv4Addr::new(last, 0, 0, 1).into());
        named(&trace(&model, &request))
    };
    assert_eq!(from(10), "10.1.0.1:5432");
    assert_eq!(from(192), "Close");
}

/// `server_name` in `stream` is of 1.25.5, which no distribution of the tests has: this is what its source says.
#[test]
fn a_name_chooses_among_the_servers_of_an_address() {
    let model = read(
        "stream {
           server { listen 443 default_server; ssl_preread on; deny 192.0.2.0/24; proxy_pass 10.0.0.1:443; }
           server { listen 443; server_name shop.example.com *.shop.example.com; proxy_pass 10.0.0.2:443; }
           server { listen 443; server_name ~^www\\.; deny all; proxy_pass 10.0.0.3:443; }
           server { listen 444; proxy_pass 10.0.0.4:443; }
           server { listen 444; server_name shop.example.com; proxy_pass 10.0.0.5:443; } }",
    );
    assert!(model.problems.is_empty(), "{:?}", model.problems);
    let from = |first: u8, url: &str| {
        let mut request = Request::get(url).unwrap();
        request.from = Some(Ipv4Addr::new(first, 0, 2, 1).into());
        named(&trace(&model, &request))
    };
    assert_eq!(from(10, "https://shop.example.com/"), "10.0.0.2:443");
    assert_eq!(from(10, "https://a.shop.example.com/"), "10.0.0.2:443");
    assert_eq!(from(10, "https://other.example.com/"), "10.0.0.1:443");
    assert_eq!(from(10, "https://www.example.com/"), "10.0.0.3:443", "access is over before the name is read");
    assert_eq!(from(10, "https://shop.example.com:444/"), "10.0.0.4:443", "nobody reads the name there");
    assert_eq!(from(192, "https://shop.example.com/"), "Close", "the default server's access counts for all");
}

#[test]
fn what_nginx_refuses_in_stream_is_a_problem() {
    let messages = |config: &str| read(config).problems.iter().map(|one| one.message.clone()).collect::<Vec<_>>().join("; ");
    assert_eq!(
        messages("stream { server { listen 1; proxy_pass nobody; } }"),
        "`proxy_pass nobody` names no pool that is here, and as a host it lacks a port"
    );
    assert_eq!(
        messages("stream { server { listen 1; proxy_pass 10.0.0.1:1; } server { listen 1; proxy_pass 10.0.0.2:1; } }"),
        "0.0.0.0:1 is listened to twice"
    );
    assert_eq!(messages("stream { server { listen 1; } }"), "this `server` of `stream` passes its connections to nobody");
    assert_eq!(messages("stream { server { listen 1; proxy_pass 10.0.0.1:1; } server { listen 1 udp; proxy_pass 10.0.0.2:1; } }"), "");
}

/// Each connection of each page, opened to the real nginx and traced.
#[test]
fn connections_go_where_the_real_nginx_sends_them() {
    if !stream_available() {
        return;
    }
    let (mut sent, mut wrong) = (0, Vec::new());
    let backends = Backends::start();
    for page in suites::streams() {
        let nginx = Nginx::start(&format!("events {{}}\n{}", backends.fill(page.http)), &page.files);
        let model = waypost::formats::read(&memory([("nginx.conf", &nginx.config)]));
        assert!(model.problems.is_empty(), "{}: {:?}", page.name, model.problems);
        for line in page.requests.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, port) = line.split_once(' ').unwrap_or((line, "front"));
            sent += 1;
            let name = (name != "-").then_some(name);
            if let Err(difference) = connection(&model, name, nginx.port(port)) {
                wrong.push(format!("{}: {line}\n{difference}", page.name));
            }
        }
    }
    println!("{sent} connections, {} agree", sent - wrong.len());
    assert!(wrong.is_empty(), "{} of {sent} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Opens a connection with `name` in its handshake, or one that speaks no TLS; says what nginx did where that is not what the model says.
pub(super) fn connection(model: &Model, name: Option<&str>, port: u16) -> Result<(), String> {
    let mut request = Request::get(&name.map_or_else(|| format!("http://127.0.0.1:{port}/"), |name| format!("https://{name}:{port}/"))).unwrap();
    request.listener = Some(format!("127.0.0.1:{port}"));
    request.from = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let destination = trace(model, &request).destination;
    // The servers that are passed to answer once they have seen the end of a head.
    let hello = name.map_or_else(|| b"GET / HTTP/1.0".to_vec(), |name| client_hello(Some(name)));
    let heard = Nginx::connect(port, &[hello.as_slice(), b"\r\n\r\n"].concat());
    if is_so(&destination, &heard) { Ok(()) } else { Err(format!("    model: {destination:?}\n    nginx: {heard:?}")) }
}

fn is_so(destination: &Destination, heard: &str) -> bool {
    let at = heard.split_once("X-At: ").and_then(|(_, rest)| rest.split(' ').next());
    match destination {
        Destination::Forward { servers, .. } => {
            let Some(at) = at else {
                let mut serving = servers.iter().filter(|server| server.share > 0.0).map(|server| server.address.ends_with(":1"));
                return heard.is_empty()
                    && if destination.retried() { serving.all(|dead| dead) } else { serving.any(|dead| dead) || servers.is_empty() };
            };
            servers.iter().any(|server| server.address.rsplit(':').next() == Some(at))
        }
        Destination::Respond { .. } => at.is_none() && !heard.is_empty(),
        Destination::Close => heard.is_empty(),
        Destination::Opaque { alternatives, .. } => alternatives.iter().any(|one| is_so(&one.outcome, heard)),
        _ => false,
    }
}

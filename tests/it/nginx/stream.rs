//! `stream`: where connections go, by address and by the name in the handshake.

use std::net::Ipv4Addr;
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

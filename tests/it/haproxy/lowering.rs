//! What cannot be seen from outside by a request: TLS, probes, limits, and what is said not to be understood.

use waypost::analysis::{Destination, trace};
use waypost::formats;
use waypost::model::{HostPattern, LimitKind, Model, Protocol, Request};
use waypost::snapshot::memory;

fn read(files: &[(&str, &str)]) -> Model {
    formats::read(&memory(files.iter().copied()))
}

fn pool(model: &Model, url: &str) -> String {
    match trace(model, &Request::get(url).unwrap()).destination {
        Destination::Forward { pool, .. } => pool,
        other => format!("{other:?}"),
    }
}

const TIMES: &str = "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 6s\n";

#[test]
fn every_address_of_a_bind_is_a_listener() {
    let config = format!(
        "{TIMES}frontend f\n maxconn 90\n bind :80,10.0.0.1:8000-8001 maxconn 50\n bind [::]:81 v6only\n bind /run/x.sock\n default_backend b\nbackend b\n server s 10.0.0.2:80\n"
    );
    let model = read(&[("haproxy.cfg", &config)]);
    let listeners = &model.gateways[0].listeners;
    let addresses: Vec<String> = listeners.iter().map(|listener| listener.address.to_string()).collect();
    assert_eq!(addresses, ["0.0.0.0:80", "10.0.0.1:8000", "10.0.0.1:8001", "[::]:81", "unix:/run/x.sock"]);
    assert_eq!((listeners[0].max_connections, listeners[3].max_connections), (Some(50), Some(90)));
    assert_eq!(listeners[0].client_timeout_ms, Some(5000));
    assert_eq!(pool(&model, "http://x.example:8001/"), "b");
}

#[test]
fn a_crt_list_says_which_names_a_certificate_is_for() {
    let list = "# all of them\ncerts/www.pem www.example.com *.example.com\ncerts/api.pem [alpn h2] api.example.com !old.example.com\n";
    let config = format!(
        "{TIMES}frontend f\n bind :443 ssl crt certs/main.pem crt-list lists/all.txt strict-sni ssl-min-ver TLSv1.2 verify required ca-file ca.pem\n default_backend b\nbackend b\n server s 10.0.0.2:443 ssl verify none\n"
    );
    let model = read(&[("haproxy.cfg", &config), ("lists/all.txt", list)]);
    let tls = model.gateways[0].listeners[0].tls.as_ref().unwrap();
    let certificates: Vec<(&str, &[HostPattern])> = tls.certificates.iter().map(|one| (&*one.path, one.names.as_slice())).collect();
    let (exact, below) = (|name: &str| HostPattern::Exact(name.into()), |name: &str| HostPattern::AnyPrefix(name.into()));
    let www = [exact("www.example.com"), below(".example.com")];
    let api = [exact("api.example.com")];
    assert_eq!(certificates, [("certs/main.pem", &[] as &[HostPattern]), ("certs/www.pem", &www), ("certs/api.pem", &api)]);
    assert!(tls.strict_names && tls.client_certificate);
    assert_eq!(tls.versions.iter().map(|version| &**version).collect::<Vec<_>>(), ["TLSv1.2", "TLSv1.3"]);
    let Destination::Forward { behaviour, .. } = trace(&model, &Request::get("https://www.example.com/").unwrap()).destination else { panic!() };
    assert!(behaviour.starts_with("https"), "{behaviour}");
}

#[test]
fn bytes_go_where_the_name_in_the_handshake_says() {
    let config = "defaults\n mode tcp\nfrontend f\n bind :443\n tcp-request inspect-delay 5s\n tcp-request content accept if { req.ssl_hello_type 1 }\n \
                  use_backend a if { req.ssl_sni -i a.example.com }\n use_backend any if { req_ssl_sni -m end .example.com }\n default_backend rest\n\
                  backend a\n server s 10.0.0.1:443\nbackend any\n server s 10.0.0.2:443\nbackend rest\n server s 10.0.0.3:443\n";
    let model = read(&[("haproxy.cfg", config)]);
    assert_eq!(model.gateways[0].listeners[0].protocol, Protocol::Tcp);
    assert_eq!(pool(&model, "https://a.example.com/"), "a");
    assert_eq!(pool(&model, "https://A.example.com/"), "a");
    assert_eq!(pool(&model, "https://b.example.com/"), "any");
    assert_eq!(pool(&model, "https://10.0.0.9/"), "rest");
    assert_eq!(model.unknown, []);
}

#[test]
fn a_counter_that_refuses_is_a_limit() {
    let config = format!(
        "{TIMES}frontend f\n bind :80\n http-request track-sc0 hdr(x-forwarded-for) table rates\n \
         http-request deny deny_status 429 if {{ path_beg /login }} {{ sc_http_req_rate(0) gt 20 }}\n default_backend b\n\
         backend b\n server s 10.0.0.2:80\nbackend rates\n stick-table type ip size 1m expire 10m store conn_cur,http_req_rate(30s)\n"
    );
    let model = read(&[("haproxy.cfg", &config)]);
    assert_eq!(model.unknown, []);
    let found = trace(&model, &Request::get("http://x/login").unwrap());
    let limit = &found.limits[0].limit;
    assert_eq!((limit.kind, limit.most, limit.window_ms, limit.status), (LimitKind::Requests, 20, 30_000, Some(429)));
    assert_eq!(limit.defined.as_ref().unwrap().text.split(' ').next(), Some("stick-table"));
    assert!(found.exact && trace(&model, &Request::get("http://x/").unwrap()).limits.is_empty());
}

#[test]
fn a_probe_has_its_path_whatever_way_it_is_written() {
    let probe = |lines: &str| {
        let config = format!(
            "{TIMES}listen l\n bind :80\n default-server inter 3s fall 4\n{lines}\n server s 10.0.0.2:80 check rise 5 port 81\n server t 10.0.0.3:80\n"
        );
        let model = read(&[("haproxy.cfg", &config)]);
        let check = model.gateways[0].pools[0].health_check.clone().unwrap();
        assert_eq!((check.interval_ms, check.fall, check.rise, check.port), (Some(3000), Some(4), Some(5), Some(81)));
        assert_eq!(model.gateways[0].pools[0].members.iter().map(|member| member.checked).collect::<Vec<_>>(), [true, false]);
        (check.method.map(|text| text.to_string()), check.path.map(|text| text.to_string()), check.expect.map(|text| text.to_string()))
    };
    let said = |method: &str, path: &str, expect: Option<&str>| (Some(method.to_owned()), Some(path.to_owned()), expect.map(str::to_owned));
    assert_eq!(probe(""), (None, None, None));
    assert_eq!(probe(" option httpchk"), said("OPTIONS", "/", None));
    assert_eq!(probe(" option httpchk /up"), said("OPTIONS", "/up", None));
    assert_eq!(probe(" option httpchk GET /up\n http-check expect status 200"), said("GET", "/up", Some("status 200")));
    assert_eq!(probe(" option httpchk\n http-check send meth GET uri /up"), said("GET", "/up", None));
    assert_eq!(probe(" option redis-check").2.as_deref(), Some("redis-check"));
}

#[test]
fn what_is_not_read_is_said_once_and_both_ways_are_followed() {
    let config = format!(
        "{TIMES}frontend f\n bind :80\n acl odd path,sha1,hex -m beg 00\n use_backend a if odd\n use_backend b if odd {{ path /x }}\n \
         http-request lua.decide\n default_backend b\nbackend a\n server s 10.0.0.1:80\nbackend b\n server s 10.0.0.2:80\n"
    );
    let model = read(&[("haproxy.cfg", &config)]);
    let reasons: Vec<&str> = model.unknown.iter().map(|unknown| unknown.reason.as_str()).collect();
    assert_eq!(reasons, ["`path,sha1,hex` is not read: it can be anything", "`lua.decide` is not read: it may change where a request goes"]);
    let Destination::Opaque { alternatives, .. } = trace(&model, &Request::get("http://x/x").unwrap()).destination else { panic!() };
    assert_eq!(alternatives.len(), 3);
}

#[test]
fn a_map_that_is_not_here_leaves_every_backend_open() {
    let config = format!(
        "{TIMES}frontend f\n bind :80\n use_backend %[path,map_beg(/etc/haproxy/none.map)]\n default_backend b\nbackend a\n server s 10.0.0.1:80\nbackend b\n server s 10.0.0.2:80\n"
    );
    let model = read(&[("haproxy.cfg", &config)]);
    assert!(!model.unknown.is_empty());
    let Destination::Opaque { alternatives, .. } = trace(&model, &Request::get("http://x/x").unwrap()).destination else { panic!() };
    assert_eq!(alternatives.len(), 2);
}

#[test]
fn a_variable_that_an_agent_sets_can_be_anything() {
    let config = format!(
        "{TIMES}frontend f\n bind :80\n filter spoe engine waf config waf.conf\n http-request set-var(txn.app) str(shop)\n \
         http-request send-spoe-group waf check\n http-request deny if {{ var(txn.verdict) -m str deny }}\n \
         http-request deny if {{ var(txn.verdict) -m str drop }}\n use_backend a if {{ var(txn.app) -m str shop }}\n default_backend b\n\
         backend a\n server s 10.0.0.1:80\nbackend b\n server s 10.0.0.2:80\n"
    );
    let model = read(&[("haproxy.cfg", &config)]);
    let reasons: Vec<&str> = model.unknown.iter().map(|unknown| unknown.reason.as_str()).filter(|reason| reason.contains("var(")).collect();
    assert_eq!(reasons, ["`var(txn.verdict)` is not read: it can be anything"]);
    let trace = trace(&model, &Request::get("http://x/").unwrap());
    assert!(format!("{:?}", trace.destination).contains("txn.verdict"), "{:?}", trace.destination);
}

#[test]
fn a_list_that_is_not_here_is_said_once() {
    let config = format!(
        "{TIMES}frontend f\n bind :80\n acl known src -f /lists/known.txt\n acl shops hdr(host),map(/lists/shops.map) -m found\n \
         http-request deny if !known !shops\n default_backend b\nbackend b\n server s 10.0.0.2:80\n"
    );
    let model = read(&[("haproxy.cfg", &config)]);
    let reasons: Vec<&str> = model.unknown.iter().map(|unknown| unknown.reason.as_str()).collect();
    assert_eq!(reasons, ["`/lists/known.txt` is not in this tree", "`/lists/shops.map` is not in this tree"]);
}

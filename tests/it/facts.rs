//! What files say besides what exists: services, certificates, load. An unclear fact is no fact.

use waypost::formats::inventory::read;
use waypost::model::Model;
use waypost::snapshot::memory;

fn model(files: &[(&str, &str)]) -> Model {
    let mut model = Model::default();
    read(&memory(files.iter().copied()), &mut model);
    model
}

/// Returns what is known of the service of `host`: port, probe, longest answer, place.
fn service(files: &[(&str, &str)], host: &str) -> String {
    let model = model(files);
    let service = &model.inventory.hosts.iter().find(|known| &*known.name == host).unwrap().service;
    let mut known = Vec::new();
    known.extend(service.port.as_ref().map(|(port, _)| format!("port {port}")));
    known.extend(service.health_path.as_ref().map(|(path, _)| format!("probe {path}")));
    known.extend(service.answer_ms.as_ref().map(|(time, _)| format!("{time} ms")));
    known.extend(service.zone.as_ref().map(|(zone, _)| format!("in {zone}")));
    known.join(", ")
}

const GROUPS: &str = "all:
  vars: {app_port: 80}
  children:
    web:
      vars: {app_port: 8080, health_path: /healthz, request_timeout: 45s, zone: a}
      hosts:
        web01: {ansible_host: 10.0.0.1}
        web02: {ansible_host: 10.0.0.2, app_port: 8081, rack: r2}
      children:
        canary: {hosts: {web03: {ansible_host: 10.0.0.3}}}
    db: {hosts: {db01: {ansible_host: 10.0.0.9}}}
";

#[test]
fn a_host_has_what_its_nearest_group_says() {
    let files = [("inventory/hosts.yml", GROUPS)];
    assert_eq!(service(&files, "web01"), "port 8080, probe /healthz, 45000 ms, in a");
    assert_eq!(service(&files, "web02"), "port 8081, probe /healthz, 45000 ms, in r2");
    assert_eq!(service(&files, "web03"), "port 8080, probe /healthz, 45000 ms, in a");
    assert_eq!(service(&files, "db01"), "port 80");
}

#[test]
fn ini_and_group_vars_say_the_same() {
    let ini = "[web]\nweb01 ansible_host=10.0.0.1 zone=b\nweb02 ansible_host=10.0.0.2\n[app:children]\nweb\n[app:vars]\napp_port=8080\n[web:vars]\nhealth_path='/up'\n";
    assert_eq!(service(&[("inventory/hosts", ini)], "web01"), "port 8080, probe /up, in b");
    let vars = ("inventory/group_vars/web.yml", "app_port: 9000\nhealthcheck_path: '{{ base }}/up'\nrequest_timeout: 60\n");
    assert_eq!(service(&[("inventory/hosts", ini), vars], "web02"), "port 9000, probe /up, 60000 ms");
}

#[test]
fn what_contradicts_itself_is_not_known() {
    let two = "all: {children: {a: {vars: {app_port: 1}, hosts: {x: {ansible_host: 10.0.0.1}}}, b: {vars: {app_port: 2}, hosts: {x: {}}}}}\n";
    assert_eq!(service(&[("inventory/hosts.yml", two)], "x"), "");
    let same = two.replace("app_port: 2", "app_port: 1");
    assert_eq!(service(&[("inventory/hosts.yml", &same)], "x"), "port 1");
    let hole = two.replace("app_port: 2", "app_port: '{{ p }}'");
    assert_eq!(service(&[("inventory/hosts.yml", &hole)], "x"), "port 1");
}

#[test]
fn certificates_are_read_from_lists_with_files_and_names() {
    let list = "certificates:
  - file: certs/www.pem
    names: [www.example.com, \"*.example.com\"]
    not_after: 2027-01-10
  - {path: certs/api.pem, san: 'DNS:api.example.com, DNS:API2.example.com'}
  - {file: certs/hole.pem, names: ['{{ name }}']}
other: {file: x.txt}
";
    let model = model(&[("tls/certificates.yml", list), ("docs/other.yml", list)]);
    let said: Vec<String> = model
        .inventory
        .certificates
        .iter()
        .map(|fact| format!("{} {} {}", fact.file, fact.names.join(" "), fact.not_after.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(said, ["certs/www.pem www.example.com *.example.com 2027-01-10", "certs/api.pem api.example.com api2.example.com -"]);
    assert_eq!(model.inputs.len(), 1);
}

#[test]
fn load_is_read_by_its_key_words() {
    let capacity = "peak_rps:
  api.example.io: 900
  /checkout: 1_200
clients_at_peak: 4200
pools:
  web: {per_server_rps: 250, concurrent_requests_at_peak: 1400, p50_latency_ms: 180}
routes:
  - path: /feed
    peak_rps: 10
comment: {words: many}
";
    let slo = "reports:\n  path: /reports/\n  p99_seconds: 38\napi:\n  p99_ms: 400\n  p99_seconds: fast\n";
    let gunicorn = "bind = \"0.0.0.0:8000\"\ntimeout = 45   # longest export\ngraceful_timeout = 30\n";
    let files = [("capacity.yml", capacity), ("slo.yml", slo), ("apps/reports/gunicorn.conf.py", gunicorn)];
    let model = model(&files);
    let said: Vec<String> = model
        .inventory
        .loads
        .iter()
        .map(|fact| {
            let text = files.iter().find(|(path, _)| *path == fact.label.span.path.as_str()).unwrap().1;
            format!("{:?} {:?} {} `{}`", fact.subject, fact.quantity, fact.amount, &text[fact.label.span.start..fact.label.span.end])
        })
        .collect();
    insta::assert_debug_snapshot!(said);
}

//! What exists, and who is believed when he says that something does not.

use std::fmt::Write;
use waypost::formats::inventory::read;
use waypost::model::{Existence, Host, Model};
use waypost::snapshot::memory;

fn model(files: &[(&str, &str)]) -> Model {
    let mut model = Model::default();
    read(&memory(files.iter().copied()), &mut model);
    model
}

fn says(model: &Model, host: &str) -> &'static str {
    let host = host.parse().map_or_else(|_| Host::Name(host.into()), Host::Ip);
    match model.inventory.existence(&host) {
        Existence::Known(_) => "known",
        Existence::Missing(_) => "missing",
        Existence::Unknown => "unknown",
    }
}

#[track_caller]
fn check(files: &[(&str, &str)], answers: &[(&str, &str)]) {
    let model = model(files);
    for (host, answer) in answers {
        assert_eq!(says(&model, host), *answer, "{host}: {:#?}", model.inventory);
    }
}

const HOSTS: &str = "all:\n  children:\n    web:\n      vars: {port: 80}\n      hosts:\n        web01: {ansible_host: 10.20.1.11}\n        web02:\n          ansible_host: 10.20.1.12\n    lb:\n      hosts: {lb01: {ansible_host: 10.20.0.5}}\n";

#[test]
fn an_ansible_inventory_speaks_for_the_network_of_two_hosts() {
    let answers = [("10.20.1.11", "known"), ("10.20.1.15", "missing"), ("10.20.0.5", "known"), ("10.20.0.6", "unknown"), ("10.20.2.1", "unknown")];
    check(&[("inventory/hosts.yml", HOSTS)], &answers);
    check(&[("inventory/hosts.yml", HOSTS)], &[("web01", "known"), ("web09", "unknown"), ("WEB01", "unknown")]);
}

#[test]
fn the_label_of_a_host_is_its_line() {
    let model = model(&[("inventory/hosts.yml", HOSTS)]);
    let host = &model.inventory.hosts[0];
    assert_eq!((&*host.label.text, HOSTS.get(host.label.span.start..host.label.span.end)), ("web01 10.20.1.11", Some("web01")));
    assert_eq!(model.inputs.len(), 1);
}

#[test]
fn ini_inventories_say_the_same() {
    let ini = "# ours\nbastion ansible_host=192.0.2.1 # jump\n[web]\nweb[01:02].example.com\nweb01.example.com ansible_host=10.20.1.11 ansible_user='x y'\nweb02.example.com ansible_host=10.20.1.12\n[all:children]\nweb\n[web:vars]\nansible_port=22\n";
    check(&[("inventory/hosts", ini)], &[("10.20.1.11", "known"), ("10.20.1.15", "missing"), ("web02.example.com", "known"), ("192.0.2.1", "known")]);
    check(
        &[("hosts.ini", "[web]\n10.20.1.[11:12]\n10.20.1.20:2222 ansible_user=x\n")],
        &[("10.20.1.12", "known"), ("10.20.1.20", "known"), ("10.20.1.13", "missing")],
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let ini = "\u{feff}[web]\r\nweb01 ansible_host=10.20.1.11\r\nweb02 ansible_host=10.20.1.12\r\n";
    check(&[("inventory/hosts", ini)], &[("10.20.1.12", "known"), ("10.20.1.15", "missing"), ("web02", "known")]);
    check(&[("etc/hosts", "10.0.0.1 a\r\n10.0.0.2 b c\r\n")], &[("c", "known")]);
    check(&[("inventory/hosts.yml", &HOSTS.replace('\n', "\r\n"))], &[("10.20.1.12", "known"), ("10.20.1.15", "missing")]);
    check(&[("example.com.zone", &ZONE.replace('\n', "\r\n"))], &[("web01.example.com", "known"), ("web02.example.com", "missing")]);
}

#[test]
fn where_an_address_is_not_literal_nothing_beside_it_is_missing() {
    let hole = HOSTS.replace("        web02:\n", "        web03: {ansible_host: '{{ web03_ip }}'}\n        web02:\n");
    check(&[("inventory/hosts.yml", &hole)], &[("10.20.1.11", "known"), ("10.20.1.15", "unknown")]);
    let named = HOSTS.replace("        web02:\n", "        web03:\n        web02:\n");
    check(&[("inventory/hosts.yml", &named)], &[("10.20.1.15", "unknown"), ("web03", "known")]);
    // The address is in host_vars: all is known again.
    let beside = [("inventory/hosts.yml", named.as_str()), ("inventory/host_vars/web03.yml", "ansible_host: 10.20.1.13\n")];
    check(&beside, &[("10.20.1.13", "known"), ("10.20.1.15", "missing")]);
    // Another group's nameless host changes nothing.
    check(&[("inventory/hosts.yml", &format!("{HOSTS}    db: {{hosts: {{db01: }}}}\n"))], &[("10.20.1.15", "missing")]);
}

#[test]
fn a_dynamic_inventory_takes_its_neighbours_word() {
    let plugin = "plugin: amazon.aws.aws_ec2\nregions: [eu-west-1]\n";
    let model = model(&[("inventory/hosts.yml", HOSTS), ("inventory/aws_ec2.yml", plugin)]);
    assert_eq!((says(&model, "10.20.1.11"), says(&model, "10.20.1.15")), ("known", "unknown"));
    assert!(model.unknown[0].reason.contains("`amazon.aws.aws_ec2`"));
    check(&[("inventory/hosts.yml", HOSTS), ("inventory/z.yml", "plugin: ansible.builtin.constructed\n")], &[("10.20.1.15", "missing")]);
    check(&[("inventory/hosts.yml", HOSTS), ("inventory/cloud.py", "#!/usr/bin/env python3\n")], &[("10.20.1.15", "unknown")]);
}

#[test]
fn next_to_a_public_address_live_other_peoples_machines() {
    let public = HOSTS.replace("10.20.1.", "93.184.216.");
    check(&[("inventory/hosts.yml", &public)], &[("93.184.216.11", "known"), ("93.184.216.99", "unknown")]);
    let six = HOSTS.replace("10.20.1.", "fd00::1:");
    check(&[("inventory/hosts.yml", &six)], &[("fd00::1:11", "known"), ("fd00::99", "missing"), ("fd00:0:0:1::1", "unknown")]);
}

#[test]
fn other_addresses_of_a_host_are_its_own_too() {
    let more = HOSTS.replace("ansible_host: 10.20.1.12", "ansible_host: 10.20.1.12\n          vip: 10.20.1.100\n          more: [10.20.1.101]");
    check(&[("inventory/hosts.yml", &more)], &[("10.20.1.100", "known"), ("10.20.1.101", "known"), ("10.20.1.102", "missing")]);
}

#[test]
fn a_broken_inventory_is_a_problem_and_makes_nothing_missing() {
    let broken = HOSTS.replace("web01: {ansible_host: 10.20.1.11}", "web01: {ansible_host: 10.20.1.11");
    let model = model(&[("inventory/hosts.yml", &broken)]);
    assert_eq!(model.problems.len(), 1, "{:#?}", model.problems);
    assert!(model.problems[0].message.starts_with("the inventory is not valid YAML: "), "{}", model.problems[0].message);
    assert_eq!(says(&model, "10.20.1.15"), "unknown");
    let template = format!("{HOSTS}{{% for x in y %}}\n  a: [\n");
    let model = self::model(&[("inventory/hosts.yml", &template)]);
    assert_eq!((model.problems.len(), model.unknown.len()), (0, 1));
}

#[test]
fn a_key_written_twice_is_a_problem() {
    let twice = "all:\n  hosts:\n    a: {ansible_host: 10.0.0.1}\n  hosts:\n    b: {ansible_host: 10.0.0.2}\n";
    let model = model(&[("inventory/hosts.yml", twice)]);
    assert!(model.problems[0].message.starts_with("`hosts` is written twice"), "{:?}", model.problems);
}

#[test]
fn what_only_has_the_name_of_an_inventory_is_not_read() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: inventory}\nspec: {ports: [{port: 80}]}\n";
    let settings = "[database]\nhost = 10.0.0.1\nport = 5432\n";
    let model =
        model(&[("inventory/service.yaml", service), ("production", settings), ("hosts", "just some text\n"), ("inventory/x.yml", "- hosts: all\n")]);
    assert!(model.inputs.is_empty() && model.problems.is_empty() && model.unknown.is_empty(), "{model:#?}");
    assert!(model.inventory.hosts.is_empty());
}

#[test]
fn a_hosts_file_knows_names_and_claims_nothing() {
    let hosts = "127.0.0.1 localhost\n10.0.0.1\tweb01.example.com web01 # one\n10.0.0.2 WEB02\nfe80::1%lo0 local6\n";
    check(&[("etc/hosts", hosts)], &[("10.0.0.1", "known"), ("web01", "known"), ("web02", "known"), ("10.0.0.3", "unknown"), ("web03", "unknown")]);
}

const ZONE: &str = "$TTL 1h\n@\tIN SOA ns1 root (\n  2026010101 ; serial\n  1h 15m 30d 1h )\n  NS ns1\nns1 A 10.0.0.53\nweb01 300 IN A 10.0.0.1\n      IN AAAA fd00::1\nwww CNAME web01\n*.apps A 10.0.0.9\nlab NS ns.lab\nns.lab A 10.0.0.54\nother.example.com. IN 60 A 10.0.0.7\n$ORIGIN sub.example.com.\nx A 10.0.0.8\n";

#[test]
fn a_zone_speaks_for_its_names() {
    let names = [
        ("web01.example.com", "known"),
        ("www.example.com", "known"),
        ("other.example.com", "known"),
        ("x.sub.example.com", "known"),
        ("any.apps.example.com", "known"),
        ("web02.example.com", "missing"),
        ("host.lab.example.com", "unknown"),
        ("ns.lab.example.com", "known"),
        ("web02.example.org", "unknown"),
        ("10.0.0.1", "known"),
        ("fd00::1", "known"),
        ("10.0.0.99", "unknown"),
    ];
    check(&[("dns/example.com.zone", ZONE)], &names);
    check(&[("bind/db.example.com", ZONE)], &names);
}

#[test]
fn a_zone_that_is_not_whole_claims_nothing() {
    check(&[("example.com.zone", &format!("{ZONE}$INCLUDE more.zone\n"))], &[("web01.example.com", "known"), ("web02.example.com", "unknown")]);
    check(
        &[("example.com.zone", "$ORIGIN example.com.\nweb01 IN A 10.0.0.1\n")],
        &[("web01.example.com", "known"), ("web02.example.com", "unknown")],
    );
    let model = model(&[("example.com.zone", &ZONE.replace("1h )", "1h"))]);
    assert_eq!(model.problems[0].message, "a `(` of this zone is never closed");
    assert_eq!(says(&model, "web02.example.com"), "unknown");
    check(
        &[("db.10.0.0", "$ORIGIN 0.0.10.in-addr.arpa.\n@ IN SOA a. b. 1 2 3 4 5\n1 IN PTR web01.example.com.\n")],
        &[("web01.example.com", "unknown")],
    );
}

#[test]
fn any_source_that_knows_it_is_believed() {
    check(&[("inventory/hosts.yml", HOSTS), ("etc/hosts", "10.20.1.15 new-host\n")], &[("10.20.1.15", "known"), ("10.20.1.16", "missing")]);
}

#[test]
fn ten_thousand_hosts_are_looked_up_at_once() {
    let mut ini = "[web]\n".to_owned();
    for host in 0..10_000 {
        writeln!(ini, "web{host} ansible_host=10.0.{}.{}", host / 200, host % 200).unwrap();
    }
    let model = model(&[("inventory/hosts", &ini)]);
    let missing = (0..10_000).filter(|host| says(&model, &format!("10.0.{}.{}", host / 200, host % 250)) == "missing").count();
    assert_eq!(missing, 2_000);
}

#[test]
fn no_bytes_make_it_panic() {
    for text in [
        "[",
        "[a",
        "\u{feff}a: b",
        "all:\n\thosts:",
        "(",
        ")",
        "$ORIGIN",
        "@ SOA",
        "a[1:2",
        "\"",
        "'",
        "all: {hosts: {'a[1:': {}}}",
        "é IN A 1.2.3.4\n$TTL",
    ] {
        model(&[("inventory/hosts.yml", text), ("inventory/hosts", text), ("x.zone", text), ("db.é", text), ("etc/hosts", text)]);
    }
}

//! What nginx text becomes in the model: listeners, pools, problems, size.

use waypost::model::{Balancing, ListenAddress, MemberState, Model, Next, Outcome, ProblemKind, Target};
use waypost::snapshot::memory;

fn read(http: &str) -> Model {
    waypost::formats::read(&memory([("nginx.conf", format!("events {{}}\nhttp {{\n{http}\n}}\n"))]))
}

fn messages(model: &Model) -> Vec<(ProblemKind, bool, &str)> {
    model.problems.iter().map(|problem| (problem.kind, problem.fatal, problem.message.as_str())).collect()
}

#[test]
fn listeners_are_grouped_by_address_and_know_their_default() {
    let model = read(
        "server { server_name a; }
         server { listen 80 default_server; listen [::]:80; listen 443 ssl; server_name b; ssl_certificate b.pem; }
         server { listen 127.0.0.1:80; listen localhost; listen unix:/run/x.sock; listen 8080; listen [::]:8080 ipv6only=off; server_name c; }",
    );
    let listeners: Vec<(String, usize, Option<usize>, bool)> = model.gateways[0]
        .listeners
        .iter()
        .map(|listener| (listener.address.to_string(), listener.virtual_hosts.len(), listener.default_host, listener.tls.is_some()))
        .collect();
    let expected = [
        ("0.0.0.0:80", 2, 1, false),
        ("[::]:80", 1, 0, false),
        ("0.0.0.0:443", 1, 0, true),
        ("127.0.0.1:80", 1, 0, false),
        ("unix:/run/x.sock", 1, 0, false),
        ("0.0.0.0:8080", 1, 0, false),
        ("[::]:8080", 1, 0, false),
    ];
    assert_eq!(listeners, expected.map(|(address, hosts, default, tls)| (address.to_owned(), hosts, Some(default), tls)));
}

#[test]
fn an_address_for_both_families_is_two_listeners() {
    let model = read("server { listen [::]:81 ipv6only=off; }");
    let addresses: Vec<&ListenAddress> = model.gateways[0].listeners.iter().map(|listener| &listener.address).collect();
    assert_eq!(addresses, [&ListenAddress::Tcp { ip: None, v6: true, port: 81 }, &ListenAddress::Tcp { ip: None, v6: false, port: 81 }]);
}

#[test]
fn pools_keep_weights_states_limits_and_what_a_single_server_ignores() {
    let model = read(
        "upstream many { least_conn; server 10.0.0.1:8080 weight=17 max_fails=0; server web02 backup max_conns=9; server unix:/run/a down; server [::1]:9 fail_timeout=1m; }
         upstream one { hash $request_uri consistent; server 10.0.0.1; }
         server { location / { proxy_pass http://many; proxy_next_upstream off; } location /x { proxy_pass http://10.0.0.9:81/; } location /y { proxy_pass http://10.0.0.9:81; } }",
    );
    let pools = &model.gateways[0].pools;
    let names: Vec<&str> = pools.iter().map(|pool| &*pool.name).collect();
    assert_eq!(names, ["many", "one", "10.0.0.9:81"]);
    let members: Vec<_> =
        pools[0].members.iter().map(|m| (m.address.to_string(), m.weight, m.state, m.ejection.is_some(), m.max_connections)).collect();
    assert_eq!(
        members,
        [
            ("10.0.0.1:8080".to_owned(), 17, MemberState::Active, false, None),
            ("web02:80".to_owned(), 1, MemberState::Backup, true, Some(9)),
            ("unix:/run/a".to_owned(), 1, MemberState::Down, true, None),
            ("[::1]:9".to_owned(), 1, MemberState::Active, true, None),
        ]
    );
    assert_eq!(pools[0].members[3].ejection.map(|ejection| ejection.window_ms), Some(60_000));
    assert_eq!((&pools[0].balancing, &pools[1].balancing), (&Balancing::LeastConnections, &Balancing::Hash("$request_uri consistent".into())));
    assert_eq!(pools[1].members[0].ejection, None);
    let retries: Vec<bool> = forwards(&model).into_iter().filter(|(target, _)| *target == "many").map(|(_, retry)| retry).collect();
    assert_eq!(retries, [false]);
}

/// The pools that are forwarded to, and whether another member is tried.
fn forwards(model: &Model) -> Vec<(&str, bool)> {
    let gateway = &model.gateways[0];
    let steps = gateway.tables.iter().flat_map(|table| table.routes.iter().map(|route| &route.step).chain([&table.otherwise]));
    steps
        .filter_map(|step| match &step.next {
            Next::End(outcome) => match &**outcome {
                Outcome::Forward(forward) => match &forward.target {
                    Target::Pool(id) => Some((&*gateway.pools[id.0].name, forward.retry.on_connect_failure)),
                    Target::Computed { .. } => None,
                },
                _ => None,
            },
            _ => None,
        })
        .collect()
}

#[test]
fn a_name_that_is_nowhere_dangles_unless_a_file_is_missing() {
    let text = "server { location / { try_files $uri @nope; } location /e { error_page 404 = @gone; proxy_pass http://$backend; } }";
    let model = read(text);
    let dangling: Vec<&str> =
        messages(&model).into_iter().filter(|(kind, ..)| *kind == ProblemKind::DanglingReference).map(|(.., text)| text).collect();
    assert_eq!(dangling.len(), 3, "{dangling:?}");
    assert!(dangling.iter().any(|text| text.contains("`location @nope`")), "{dangling:?}");
    assert!(dangling.iter().any(|text| text.contains("`location @gone`")), "{dangling:?}");
    assert!(dangling.iter().any(|text| text.contains("`$backend`")), "{dangling:?}");
    let model = read(&format!("include conf.d/missing.conf; {text}"));
    assert!(model.problems.iter().all(|problem| !problem.message.contains("@nope") && !problem.message.contains("$backend")), "{:?}", model.problems);
}

#[test]
fn known_variables_do_not_dangle() {
    let model = read(
        "map $http_x $from_map { default 1; } geo $near { default 0; } split_clients $remote_addr $arm { * a; }
         server { server_name ~^(?<tenant>.+)\\.example\\.com$; set $own $tenant;
           location / { return 302 /$from_map$near$arm$OWN$cookie_a$arg_b$sent_http_c$upstream_http_d$ssl_client_verify$request_id$1; } }",
    );
    assert_eq!(messages(&model), []);
    assert!(model.unknown.is_empty(), "{:?}", model.unknown);
}

#[test]
fn what_nginx_refuses_is_a_problem_at_its_line() {
    let model = read(
        "upstream u { server 10.0.0.1; } upstream U { server 10.0.0.2; } upstream none { }
         server { listen 80 default_server; location /a { } location ^~ /a { } location @n { } location @n { return 200; }
           location ~ x { proxy_pass http://u/path; } location /p { proxy_pass http://u:8080; } location /q { proxy_pass u; } }
         server { listen 80 default_server; }",
    );
    let all = messages(&model);
    for (fatal, part) in [
        (true, "`upstream U` is there twice"),
        (true, "`upstream none` has no `server`"),
        (true, "a second default server for 0.0.0.0:80"),
        (true, "`location /a` is there twice"),
        (false, "`location @n` is there twice"),
        (true, "cannot have a URI part (`/path`) in a location given by a regular expression"),
        (true, "`upstream u` may not have a port"),
        (true, "begins with neither `http://` nor `https://`"),
    ] {
        assert!(all.iter().any(|(_, is_fatal, text)| text.contains(part) && *is_fatal == fatal), "{part}: {all:#?}");
    }
}

#[test]
fn the_model_stays_linear_in_the_number_of_locations_and_instructions() {
    let many = |count: usize| {
        let mut text = String::from("server { ");
        for index in 0..count {
            text.push_str(&format!("rewrite ^/r{index}$ /to last; set $v{index} 1; if ($arg_{index}) {{ set $w 1; }} "));
            text.push_str(&format!("location /l{index}/ {{ proxy_pass http://10.0.0.1; }} location ~ ^/x{index} {{ return 200; }} "));
        }
        read(&(text + "}")).gateways[0].tables.len()
    };
    let (small, large) = (many(200), many(2000));
    assert!(large < small * 11, "{small} tables for 200, {large} for 2000");
}

/// The changes between two texts of `http`, and what was not understood in the second.
fn compared(base: &str, head: &str) -> (usize, Vec<String>) {
    let (base, head) = (read(base), read(head));
    let changes = waypost::analysis::compare(&base, &head).changes.len();
    (changes, head.unknown.into_iter().map(|unknown| unknown.reason).collect())
}

#[test]
fn code_that_is_not_read_is_said_once_and_compared_by_its_text() {
    let at = |place: &str, code: &str| match place {
        "http" => format!("{code} server {{ location / {{ proxy_pass http://10.0.0.1; }} location /x {{ proxy_pass http://10.0.0.2; }} }}"),
        "server" => format!("server {{ {code} location / {{ proxy_pass http://10.0.0.1; }} }}"),
        _ => format!("server {{ location / {{ {code} proxy_pass http://10.0.0.1; }} }}"),
    };
    let cases = [
        ("access_by_lua_block { ngx.exit(403) }", "access_by_lua_block { ngx.exit(404) }"),
        ("rewrite_by_lua_block { ngx.exec('/a') }", "rewrite_by_lua_block { ngx.exec('/b') }"),
        ("server_rewrite_by_lua_block { ngx.exec('/a') }", "server_rewrite_by_lua_block { ngx.exec('/b') }"),
        ("rewrite_by_lua_file a.lua;", "rewrite_by_lua_file b.lua;"),
        ("auth_jwt one;", "auth_jwt two;"),
        ("auth_jwt one; auth_jwt_key_file a;", "auth_jwt one; auth_jwt_key_file b;"),
        ("modsecurity on; modsecurity_rules_file a;", "modsecurity on; modsecurity_rules_file b;"),
    ];
    for (code, other) in cases {
        for place in ["http", "server", "location"] {
            if place == "location" && code.starts_with("server_rewrite") {
                continue;
            }
            let (changes, unknown) = compared(&at(place, code), &at(place, code));
            assert_eq!((changes, unknown.len()), (0, 1), "{place} {code}: {unknown:?}");
            assert!(compared(&at(place, code), &at(place, other)).0 > 0, "{place} {code}");
            assert!(compared(&at(place, code), &at(place, "")).0 > 0, "{place} {code} is gone");
        }
    }
    let (changes, unknown) = compared(
        "server { location / { content_by_lua_block { ngx.say(1) } } }",
        "server { location / { content_by_lua_block {\n   ngx.say(2)\n } } }",
    );
    assert_eq!((changes, unknown.len()), (1, 1), "{unknown:?}");
    assert_eq!(compared(&at("server", "modsecurity off; header_filter_by_lua_block { x } limit_req zone=a;"), &at("server", "")), (0, Vec::new()));
}

#[test]
fn a_variable_of_code_is_its_text() {
    let at = |code: &str| format!("server {{ {code} if ($who = ann) {{ return 403; }} location / {{ proxy_pass http://10.0.0.1; }} }}");
    for (code, other) in [
        ("set_by_lua_block $who { return 1 }", "set_by_lua_block $who { return 2 }"),
        ("auth_request_set $who $upstream_http_x_who;", "auth_request_set $who $upstream_http_x_name;"),
    ] {
        assert_eq!(compared(&at(code), &at(code)), (0, vec![format!("`{}` is not read: `$who` can be anything", code.split(' ').next().unwrap())]));
        assert!(compared(&at(code), &at(other)).0 > 0, "{code}");
    }
    let unused = "server { auth_request_set $who $upstream_http_x_who; location / { proxy_pass http://10.0.0.1; proxy_set_header X-Who $who; } }";
    assert_eq!(compared(unused, unused), (0, Vec::new()));
}

#[test]
fn tls_refuses_before_any_routing() {
    let model = read(
        "server { listen 443 ssl default_server; listen 80; ssl_reject_handshake on; return 204; }
         server { listen 443 ssl; server_name a.example.com; ssl_certificate a.pem; ssl_verify_client on; return 204; }",
    );
    let end = |url: &str| waypost::analysis::trace(&model, &waypost::model::Request::get(url).unwrap()).destination;
    assert_eq!(end("https://other.example.com/"), waypost::analysis::Destination::Close);
    assert_eq!(end("http://other.example.com/"), waypost::analysis::Destination::Respond { status: 204 });
    insta::assert_snapshot!(words(&end("https://a.example.com/")), @r#"
    it depends on whether the client has a certificate that is accepted
    if the client has a certificate that is accepted: Respond { status: 204 }
    if not the client has a certificate that is accepted: Reject { status: 400 }
    "#);
}

#[test]
fn the_front_controller_has_two_ends() {
    let model = read(
        "server { root /var/www/app/public; index index.php;
           location / { try_files $uri $uri/ /index.php?$query_string; }
           location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; } }",
    );
    let end = |url: &str| words(&waypost::analysis::trace(&model, &waypost::model::Request::get(url).unwrap()).destination);
    insta::assert_snapshot!(end("http://a/orders/12"), @r#"
    it depends on which files exist below /var/www/app/public
    if the file /var/www/app/public/orders/12 exists, or the directory /var/www/app/public/orders/12 exists: Files { root: "/var/www/app/public" }
    if there is no such file: unix:/run/php.sock /index.php
    "#);
    insta::assert_snapshot!(end("http://a/orders/"), @r#"
    it depends on which files exist below /var/www/app/public
    if the directory /var/www/app/public/orders/ exists and the file /var/www/app/public/orders/index.php exists: unix:/run/php.sock /orders/index.php
    if the directory /var/www/app/public/orders/ exists and there is no file /var/www/app/public/orders/index.php: Files { root: "/var/www/app/public" }
    if there is no such file: unix:/run/php.sock /index.php
    "#);
    insta::assert_snapshot!(end("http://a/"), @r#"
    it depends on which files exist below /var/www/app/public
    if the directory /var/www/app/public/ exists and the file /var/www/app/public/index.php exists, or there is no such file: unix:/run/php.sock /index.php
    if the directory /var/www/app/public/ exists and there is no file /var/www/app/public/index.php: Files { root: "/var/www/app/public" }
    "#);
}

/// What a destination can be, in the words of a trace.
fn words(destination: &waypost::analysis::Destination) -> String {
    let waypost::analysis::Destination::Opaque { reason, alternatives } = destination else { return format!("{destination:?}") };
    let end = |one: &waypost::analysis::Destination| match one {
        waypost::analysis::Destination::Forward { pool, upstream_uri, .. } => format!("{pool} {upstream_uri}"),
        other => format!("{other:?}"),
    };
    let ways: Vec<String> = alternatives.iter().map(|one| format!("if {}: {}", one.when, end(&one.outcome))).collect();
    format!("{reason}\n{}", ways.join("\n"))
}

//! Comparisons of small models.

use super::*;
use crate::analysis::Destination;
use crate::analysis::fixture::{Site, answer, ejecting, exact, forward, label, member, path_regex, pool, prefix, to};
use crate::model::{Capture, Claim, Condition, Field, Matcher, Outcome, Part, Range, Retry, Step, Value};
use std::sync::Arc;

fn shop(members: &[(&str, u32)]) -> Model {
    let routes = || vec![(exact("/status"), answer(200)), (prefix("/static/"), to(1)), (prefix("/"), to(0))];
    Site {
        hosts: vec![("shop.example.com", routes()), ("docs.example.com", vec![(prefix("/"), to(1))])],
        pools: vec![
            pool("web", members.iter().map(|(address, weight)| member(address, *weight)).collect()),
            pool("assets", vec![member("10.0.0.9:80", 1)]),
        ],
    }
    .model()
}

fn claim(model: &mut Model, network: &str) {
    let range = Range::Network(crate::model::Cidr::parse(network).unwrap());
    model.inventory.claims.push(Claim { range, label: label("claim") });
}

fn regions(base: &Model, head: &Model) -> Vec<String> {
    let comparison = compare(base, head);
    comparison.changes.iter().map(|change| format!("{}: {}", change.region, comparison.witness(change).unwrap().now.request)).collect()
}

#[test]
fn a_moved_weight_is_one_region_with_its_witness() {
    let base = shop(&[("10.0.0.1:80", 1), ("10.0.0.2:80", 1)]);
    let mut head = shop(&[("10.0.0.1:80", 3), ("10.0.0.5:80", 17)]);
    claim(&mut head, "10.0.0.5/32");
    assert_eq!(
        regions(&base, &head),
        ["host shop.example.com and any host that no virtual host names, path not /status and not under /static/: GET http://shop.example.com/"]
    );
    let comparison = compare(&base, &head);
    let now = &comparison.witness(&comparison.changes[0]).unwrap().now.destination;
    assert!((now.broken_share() - 0.85).abs() < 1e-9, "{now:?}");
    assert_eq!(comparison.changes[0].hosts, ["shop.example.com", "any other host"]);
}

#[test]
fn an_equal_model_has_no_change_but_shows_what_reaches_a_pool() {
    let model = shop(&[("10.0.0.1:80", 1)]);
    let comparison = compare(&model, &model);
    assert!(comparison.changes.is_empty());
    let first = comparison.reaching_now("nginx.conf", PoolId(1)).next().unwrap();
    assert_eq!(first.now.request.to_string(), "GET http://docs.example.com/");
}

#[test]
fn a_server_that_leaves_the_inventory_is_a_change() {
    let base = shop(&[("10.0.0.1:80", 1), ("10.0.0.2:80", 1)]);
    let mut head = base.clone();
    claim(&mut head, "10.0.0.2/32");
    assert_eq!(compare(&base, &head).changes.len(), 1);
}

#[test]
fn a_new_first_virtual_host_takes_the_other_hosts() {
    let routes = || vec![(prefix("/"), to(0))];
    let pools = || vec![pool("a", vec![member("10.0.0.1:80", 1)]), pool("b", vec![member("10.0.0.2:80", 1)])];
    let base = Site { hosts: vec![("api.example.com", routes())], pools: pools() }.model();
    let head = Site { hosts: vec![("new.example.com", vec![(prefix("/"), to(1))]), ("api.example.com", routes())], pools: pools() }.model();
    assert_eq!(
        regions(&base, &head),
        ["host new.example.com: GET http://new.example.com/", "any host that no virtual host names: GET http://other.example/"]
    );
}

#[test]
fn a_regex_put_before_a_prefix_is_found_through_it() {
    let base = shop(&[("10.0.0.1:80", 1)]);
    let mut head = base.clone();
    let mut route = head.gateways[0].tables[1].routes[2].clone();
    route.when = path_regex(r"\.php$");
    route.step = answer(403);
    route.label = Some(label(r"location ~ \.php$"));
    head.gateways[0].tables[1].routes.insert(1, route);
    let found = regions(&base, &head);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().any(|region| region.ends_with("path matching \\.php$ and not under /static/: GET http://shop.example.com/x.php")),
        "{found:?}"
    );
    assert!(found.iter().any(|region| region.contains("path matching \\.php$ and under /static/: ")), "{found:?}");
}

#[test]
fn each_side_has_the_groups_of_its_own_regex() {
    let location = || Value { parts: vec![Part::Literal(Arc::from("/x/")), Part::Capture(Capture::Index(1))] };
    let site = |regex: &'static str| {
        let moved = Step::end(Outcome::Redirect { status: 302, location: location(), label: label("return") });
        Site { hosts: vec![("a.example", vec![(path_regex(regex), moved), (prefix("/"), answer(404))])], pools: Vec::new() }.model()
    };
    let comparison = compare(&site("^/a/(.*)$"), &site("^/a(.*)$"));
    assert!(comparison.exact, "{:?}", comparison.reasons);
    let under = comparison.pairs.iter().find(|pair| pair.now.request.target.starts_with("/a/")).unwrap();
    assert_ne!(under.was.destination, under.now.destination);
}

#[test]
fn a_condition_on_a_header_needs_the_header() {
    let base = shop(&[("10.0.0.1:80", 1)]);
    let mut head = base.clone();
    let beta = Condition::test(Value::field(Field::Header(Arc::from("x-beta"))), Matcher::Equals { text: Value::literal("on"), caseless: false });
    let mut route = head.gateways[0].tables[2].routes[0].clone();
    route.when = beta;
    route.step = answer(418);
    head.gateways[0].tables[2].routes.insert(0, route);
    let comparison = compare(&base, &head);
    assert_eq!(comparison.changes.len(), 1);
    let witness = &comparison.witness(&comparison.changes[0]).unwrap().now;
    assert_eq!(witness.request.headers, [(Arc::from("x-beta"), "on".to_owned())]);
    assert_eq!(comparison.changes[0].region, "host docs.example.com, header x-beta: on");
}

#[test]
fn a_listener_that_goes_takes_its_requests_along() {
    let base = shop(&[("10.0.0.1:80", 1)]);
    let mut head = base.clone();
    head.gateways[0].listeners.clear();
    let comparison = compare(&base, &head);
    assert!(!comparison.changes.is_empty());
    assert!(comparison.changes.iter().all(|change| comparison.witness(change).unwrap().now.destination == Destination::None));
}

#[test]
fn a_moved_entry_file_is_the_same_gateway() {
    let base = shop(&[("10.0.0.1:80", 1)]);
    let mut head = base.clone();
    head.gateways[0].id = Arc::from("etc/nginx/nginx.conf");
    assert!(compare(&base, &head).changes.is_empty());
}

#[test]
fn only_the_treatment_differs() {
    let base = shop(&[("10.0.0.1:80", 1)]);
    let mut head = base.clone();
    let mut slower = forward(0);
    slower.timeouts.read_ms = Some(5_000);
    head.gateways[0].tables[1].routes[2].step = Step::end(Outcome::Forward(Box::new(slower)));
    let comparison = compare(&base, &head);
    assert_eq!(comparison.changes.len(), 1);
    assert!(comparison.changes[0].behaviour_only);
}

#[test]
fn a_redirect_for_every_path_is_one_region() {
    let redirect = |status| {
        let location = Value { parts: vec![Part::Literal(Arc::from("https://new.example.com")), Part::Field(Field::Target)] };
        Step::end(Outcome::Redirect { status, location, label: label("return") })
    };
    let site =
        |status| Site { hosts: vec![("a.example", vec![(prefix("/x/"), answer(200)), (prefix("/"), redirect(status))])], pools: Vec::new() }.model();
    assert_eq!(regions(&site(302), &site(301)).len(), 1);
}

#[test]
fn dead_members_break_what_is_not_tried_again() {
    let broken = |members: Vec<crate::model::Member>, retry: Retry, statuses: bool| {
        let mut head = shop(&[]);
        head.gateways[0].pools[0].members = members;
        let mut one = forward(0);
        one.retry = retry;
        if statuses {
            let step = to(1);
            one.on_status.push(crate::model::StatusHandler { statuses: vec![502, 504], from_upstream: false, step, label: label("error_page") });
        }
        head.gateways[0].tables[1].routes[2].step = Step::end(Outcome::Forward(Box::new(one)));
        claim(&mut head, "10.1.0.0/16");
        crate::analysis::trace(&head, &Request::get("http://shop.example.com/").unwrap()).destination.broken_share()
    };
    let no = Retry { on_connect_failure: false, attempts: None };
    let yes = Retry { on_connect_failure: true, attempts: None };
    let (live, dead) = (|| member("10.0.0.1:80", 1), || member("10.1.0.1:80", 3));
    let other = || member("10.1.0.2:80", 3);
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    near(broken(vec![live(), dead()], no.clone(), false), 0.75);
    near(broken(vec![live(), dead()], yes.clone(), false), 0.0);
    near(broken(vec![live(), dead()], no.clone(), true), 0.0);
    near(broken(vec![live(), ejecting(dead())], no.clone(), false), 0.0);
    near(broken(vec![ejecting(dead())], yes.clone(), false), 1.0);
    near(broken(vec![ejecting(dead())], no.clone(), false), 1.0);
    near(broken(vec![ejecting(dead()), ejecting(other())], no.clone(), false), 1.0);
    let backup = || crate::model::Member { state: crate::model::MemberState::Backup, ..live() };
    near(broken(vec![dead(), backup()], no.clone(), false), 1.0);
    near(broken(vec![dead(), backup()], yes.clone(), false), 0.0);
    near(broken(vec![ejecting(dead()), backup()], no, false), 0.0);
    near(broken(vec![live(), dead(), other()], Retry { on_connect_failure: true, attempts: Some(1) }, false), 6.0 / 7.0);
    near(broken(vec![live(), dead(), other()], Retry { on_connect_failure: true, attempts: Some(2) }, false), 2.0 * (3.0 / 7.0) * (3.0 / 4.0));
    near(broken(vec![], yes, false), 1.0);
}

mod properties {
    use super::*;
    use crate::analysis::compare;
    use proptest::prelude::*;

    /// A condition, a pool or a status, by number.
    fn routes() -> impl Strategy<Value = Vec<(u8, u8)>> {
        proptest::collection::vec((0..8_u8, 0..5_u8), 0..6)
    }

    fn condition(which: u8) -> Condition {
        match which {
            0 => exact("/"),
            1 => prefix("/a/"),
            2 => prefix("/a"),
            3 => path_regex(r"\.php$"),
            4 => path_regex("^/a/(.*)x"),
            5 => Condition::test(Value::field(Field::Method), Matcher::Equals { text: Value::literal("POST"), caseless: false }),
            6 => prefix("/").negated(),
            _ => prefix("/"),
        }
    }

    fn model(hosts: &[Vec<(u8, u8)>; 2], names: [&str; 3]) -> Model {
        let routes = |routes: &[(u8, u8)]| {
            let step = |to_what: u8| if to_what < 3 { to(usize::from(to_what)) } else { answer(200 + u16::from(to_what)) };
            routes.iter().map(|(when, then)| (condition(*when), step(*then))).collect()
        };
        let members = |at: u8| vec![member(&format!("10.0.0.{at}:80"), 1), member(&format!("10.0.1.{at}:80"), 2)];
        Site {
            hosts: vec![("a.example", routes(&hosts[0])), ("b.example", routes(&hosts[1]))],
            pools: names.into_iter().zip(0..).map(|(name, at)| pool(name, members(at))).collect(),
        }
        .model()
    }

    /// Was, now and the request of each change, in an order of their own.
    fn facts(base: &Model, head: &Model, swapped: bool) -> Vec<String> {
        let comparison = compare(base, head);
        let pairs = comparison.changes.iter().flat_map(|change| &change.pairs).map(|at| &comparison.pairs[*at]);
        let mut facts: Vec<String> = pairs
            .map(|pair| {
                let (first, second) = if swapped { (&pair.now, &pair.was) } else { (&pair.was, &pair.now) };
                format!("{} {:?} {:?}", first.request, first.destination, second.destination)
            })
            .collect();
        facts.sort();
        facts
    }

    /// Conditions of which no request passes two.
    fn apart(at: usize) -> Condition {
        match at {
            0 => exact("/a"),
            1 => prefix("/b/"),
            2 => exact("/c"),
            3 => path_regex(r"^/d.*\.php$"),
            _ => prefix("/e"),
        }
    }

    #[test]
    fn rules_that_are_apart_may_stand_in_any_order() {
        let site = |order: [usize; 5]| {
            let routes = order.into_iter().map(|at| (apart(at), answer(200 + u16::try_from(at).unwrap()))).chain([(prefix("/"), answer(404))]);
            Site { hosts: vec![("a.example", routes.collect())], pools: Vec::new() }.model()
        };
        for order in [[4, 3, 2, 1, 0], [1, 0, 2, 3, 4], [3, 0, 4, 1, 2]] {
            let comparison = compare(&site([0, 1, 2, 3, 4]), &site(order));
            assert!(comparison.exact && comparison.changes.is_empty(), "{order:?}: {:?} {:?}", comparison.reasons, comparison.changes);
        }
    }

    #[test]
    fn two_equal_tables_are_as_good_as_one() {
        let routes = || (0..5).map(|at| (apart(at), answer(200))).chain([(prefix("/"), answer(404))]).collect::<Vec<_>>();
        let two = Site { hosts: vec![("a.example", routes()), ("b.example", routes())], pools: Vec::new() }.model();
        let mut one = two.clone();
        let gateway = &mut one.gateways[0];
        let (kept, copy) = (gateway.listeners[0].virtual_hosts[0].table, gateway.listeners[0].virtual_hosts[1].table);
        gateway.listeners[0].virtual_hosts[1].table = kept;
        let entry = gateway.listeners[0].entry.0;
        let table = &mut gateway.tables[entry];
        for step in table.routes.iter_mut().map(|route| &mut route.step).chain([&mut table.otherwise]) {
            if let crate::model::Next::Table(to) = &mut step.next
                && *to == copy
            {
                *to = kept;
            }
        }
        for (base, head) in [(&one, &two), (&two, &one)] {
            let comparison = compare(base, head);
            assert!(comparison.exact && comparison.changes.is_empty(), "{:?} {:?}", comparison.reasons, comparison.changes);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_changes_by_itself_or_by_another_name(ours in [routes(), routes()]) {
            let plain = model(&ours, ["p", "q", "r"]);
            prop_assert!(compare(&plain, &plain).changes.is_empty());
            prop_assert!(compare(&plain, &model(&ours, ["x", "y", "z"])).changes.is_empty());
        }

        #[test]
        fn there_and_back_are_mirror_images(ours in [routes(), routes()], theirs in [routes(), routes()]) {
            let (base, head) = (model(&ours, ["p", "q", "r"]), model(&theirs, ["p", "q", "r"]));
            prop_assert_eq!(facts(&base, &head, false), facts(&head, &base, true));
        }

        #[test]
        fn every_reported_pair_is_what_a_trace_says(ours in [routes(), routes()], theirs in [routes(), routes()]) {
            let (base, head) = (model(&ours, ["p", "q", "r"]), model(&theirs, ["p", "q", "r"]));
            let comparison = compare(&base, &head);
            for pair in comparison.changes.iter().flat_map(|change| &change.pairs).map(|at| &comparison.pairs[*at]) {
                prop_assert_eq!(&crate::analysis::trace(&base, &pair.was.request).destination, &pair.was.destination);
                prop_assert_eq!(&crate::analysis::trace(&head, &pair.now.request).destination, &pair.now.destination);
            }
        }
    }
}

/// An independent brute force: every request over a small alphabet, each sent through the concrete evaluator.
mod completeness {
    use super::*;
    use crate::analysis::fixture::{restart, rewrite};
    use crate::analysis::trace;
    use crate::model::Opaque;
    use proptest::prelude::*;

    /// The letters of all paths, behind `/`.
    const LETTERS: &[u8] = b"ab/.";

    fn condition(which: u8) -> Condition {
        let header = |matcher| Condition::test(Value::field(Field::Header(Arc::from("x-a"))), matcher);
        let equals = |text: &str| Matcher::Equals { text: Value::literal(text), caseless: false };
        match which {
            0 => exact("/"),
            1 => exact("/a"),
            2 => prefix("/a"),
            3 => prefix("/a/"),
            4 => prefix("/b"),
            5 => path_regex("^/a/(.*)$"),
            6 => path_regex(r"\.a$"),
            7 => path_regex("b"),
            8 => path_regex("^/(?!a)"),
            9 => Condition::test(Value::field(Field::Method), equals("POST")),
            10 => header(equals("1")),
            11 => header(Matcher::Present),
            12 => Condition::All(vec![prefix("/a"), path_regex("b$").negated()]),
            13 => Condition::Any(vec![exact("/b"), Condition::test(Value::field(Field::Host), equals("b.example"))]),
            14 => Condition::test(Value::field(Field::Query), Matcher::Truthy { zero_is_false: false }),
            15 => Condition::Opaque(Opaque { text: Arc::from("somebody says so"), input: Value::default() }),
            _ => prefix("/"),
        }
    }

    fn step(which: u8, table: usize) -> Step {
        let tail = |start: &str| Value { parts: vec![Part::Literal(Arc::from(start)), Part::Capture(Capture::Index(1))] };
        let behind = |part: Part| Value { parts: vec![Part::Literal(Arc::from("/b")), part] };
        match which {
            0..=2 => to(usize::from(which)),
            3 => restart(vec![rewrite(tail("/"))], table),
            4 => restart(vec![rewrite(behind(Part::Field(Field::PathAfter(Arc::from("/a")))))], table),
            5 => Step::end(Outcome::Redirect { status: 302, location: Value::field(Field::Path), label: label("return") }),
            6 => restart(vec![rewrite(Value::literal("/a/b"))], table),
            _ => answer(200 + u16::from(which)),
        }
    }

    type Routes = Vec<(u8, u8)>;

    fn model(hosts: &[Routes; 2]) -> Model {
        let routes = |at: usize| hosts[at].iter().map(|(when, then)| (condition(*when), step(*then, at + 1))).collect();
        let members = |at: u8| vec![member(&format!("10.0.0.{at}:80"), 1)];
        Site {
            hosts: vec![("a.example", routes(0)), ("b.example", routes(1))],
            pools: ["p", "q", "r"].into_iter().zip(0..).map(|(name, at)| pool(name, members(at))).collect(),
        }
        .model()
    }

    fn requests() -> Vec<Request> {
        let mut paths = vec![b"/".to_vec()];
        let mut from = 0;
        for _ in 0..3 {
            let until = paths.len();
            for at in from..until {
                let start = paths[at].clone();
                paths.extend(LETTERS.iter().map(|letter| [start.as_slice(), &[*letter]].concat()));
            }
            from = until;
        }
        let mut all = Vec::new();
        for path in paths.iter().filter(|path| !path.windows(2).any(|two| two == b"//" || two == b"/.")) {
            for host in ["a.example", "b.example", "c.example"] {
                let plain = Request::get(&format!("http://{host}{}", String::from_utf8_lossy(path))).unwrap();
                let with = |value: &str| Request { headers: vec![(Arc::from("x-a"), value.to_owned())], ..plain.clone() };
                let query = Request { target: format!("{}?a", plain.target), ..plain.clone() };
                all.extend([Request { method: "POST".to_owned(), ..plain.clone() }, with("1"), with("2"), query, plain]);
            }
        }
        all
    }

    /// Returns both destinations of a request, what all requests of a region have in common left out of it.
    fn kind(base: &Model, head: &Model, request: &Request) -> Option<()> {
        let (was, now) = (trace(base, request), trace(head, request));
        (!was.destination.same(&now.destination)).then_some(())
    }

    fn changed(base: &Model, head: &Model) -> usize {
        requests().iter().filter(|request| kind(base, head, request).is_some()).count()
    }

    fn all_routes() -> impl Strategy<Value = [Routes; 2]> {
        let routes = || proptest::collection::vec((0..17_u8, 0..9_u8), 0..5);
        [routes(), routes()]
    }

    /// One edit of one side: a route goes, comes, moves or leads elsewhere.
    fn edited(mut routes: [Routes; 2], (host, at, when, then, how): (usize, usize, u8, u8, u8)) -> [Routes; 2] {
        let list = &mut routes[host];
        let at = at.min(list.len());
        match how {
            0 => list.insert(at, (when, then)),
            1 if at < list.len() => drop(list.remove(at)),
            2 if at < list.len() => list[at].1 = then,
            3 if !list.is_empty() => list.rotate_left(1),
            _ => list.push((when, then)),
        }
        routes
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_changed_request_is_outside_of_what_is_found(
            ours in all_routes(), edit in (0..2_usize, 0..5_usize, 0..17_u8, 0..9_u8, 0..4_u8)
        ) {
            let (base, head) = (model(&ours), model(&edited(ours.clone(), edit)));
            prop_assert_eq!(base.gateways[0].tables.len(), head.gateways[0].tables.len());
            let found = compare(&base, &head);
            prop_assert_eq!(found.disagreements, 0, "{:?}", found.reasons);
            let all = requests();
            let missed = missed(&base, &head, &all);
            prop_assert!(missed.is_empty(), "{:?}", missed.first().map(ToString::to_string));
            // A change may need a longer path than the brute force has, so only this way round.
            if found.changes.is_empty() {
                prop_assert_eq!(changed(&base, &head), 0);
            }
        }
    }
}

#[test]
fn one_change_among_thousands_of_routes_is_found_alone() {
    let site = |changed: bool| {
        let mut routes: Vec<_> = (0..2_000).map(|at| (prefix(Box::leak(format!("/dir{at}/").into_boxed_str())), to(at % 2))).collect();
        if changed {
            routes[1_000].1 = answer(200);
        }
        routes.push((prefix("/"), to(0)));
        Site { hosts: vec![("a.example", routes)], pools: vec![pool("a", vec![member("10.0.0.1:80", 1)]), pool("b", vec![member("10.0.0.2:80", 1)])] }
            .model()
    };
    let (base, head) = (site(false), site(true));
    let comparison = compare(&base, &head);
    assert_eq!(comparison.changes.len(), 1, "{:?}", comparison.changes.iter().map(|change| &change.region).collect::<Vec<_>>());
    assert_eq!(comparison.changes[0].region, "host a.example and any host that no virtual host names, path under /dir1000/");
}

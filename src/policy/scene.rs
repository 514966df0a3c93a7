//! A small builder of changes for the tests of rules: two configurations, some requests, and what the rules say.

use super::{Finding, RuleContext, Shared, Side, check_all};
use crate::analysis::{Change, Comparison, Pair, trace};
use crate::model::{
    Address, Cidr, Claim, Condition, Ejection, Field, Forward, Gateway, HealthCheck, Host, HostPattern, Inventory, InventoryHost, Label,
    ListenAddress, Listener, LoadFact, LoadSubject, Matcher, Member, MemberState, Model, Next, Normalization, Outcome, Pool, PoolId, Protocol,
    Quantity, Range, Regex, RegexDialect, Request, Retry, Route, Service, Step, Table, TableId, TableKind, Target, TimeoutLines, Timeouts,
    UpstreamUri, Value, VirtualHost,
};
use crate::snapshot::memory;
use crate::span::{Span, TreePath};
use std::net::IpAddr;
use std::sync::Arc;

/// A configuration: lines that look a little like nginx.
///
/// `pool NAME: ADDRESS [weight=N] [down|backup], …`; `host NAME`, then its routes `PATH -> POOL` or `PATH -> STATUS`, where the path is `/prefix`,
/// `= /exact` or `~ regex`; `retry` (a dead server means delay); `inventory NETWORK: ADDRESS, …`. The first host answers all other names.
///
/// Further words of an address: `check`, `fails` (passed over after failures), `max=N` (connections). Further lines: `probe POOL PATH [every=MS] [fall=N]`,
/// `wait POOL [connect=MS] [read=MS]`, `fact ADDRESS [port=N] [health=PATH] [answer=MS] [zone=NAME]`, `load POOL QUANTITY=AMOUNT`.
pub(super) fn model(text: &str) -> Model {
    let retry = text.contains("retry");
    let mut reader = Reader {
        pools: Vec::new(),
        hosts: Vec::new(),
        inventory: Inventory::default(),
        waits: Vec::new(),
        probes: Vec::new(),
        facts: Vec::new(),
        retry,
    };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "retry") {
        reader.line(line);
    }
    Model { gateways: vec![reader.gateway()], inventory: reader.inventory, ..Model::default() }
}

struct Reader {
    pools: Vec<Pool>,
    hosts: Vec<(String, Vec<(String, String)>)>,
    inventory: Inventory,
    waits: Vec<(String, Timeouts)>,
    probes: Vec<(String, HealthCheck)>,
    facts: Vec<(IpAddr, Service)>,
    retry: bool,
}

/// Returns the number after `name=` among `words`.
fn number<T: std::str::FromStr>(words: &str, name: &str) -> Option<T> {
    words.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

fn label(text: &str) -> Label {
    let start = text.bytes().fold(0_usize, |hash, byte| (hash * 31 + usize::from(byte)) % 1_000_000);
    Label { span: Span::new(TreePath::new("web.conf").unwrap(), start, start + text.len()), text: Arc::from(text) }
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some((name, members)) = line.strip_prefix("pool ").and_then(|rest| rest.split_once(':')) {
            let members = members.split(',').map(|member| member_of(name, member.trim())).collect();
            self.pools.push(pool(name, true, members, &format!("upstream {name}")));
        } else if let Some(name) = line.strip_prefix("host ") {
            self.hosts.push((name.to_owned(), Vec::new()));
        } else if let Some((network, hosts)) = line.strip_prefix("inventory ").and_then(|rest| rest.split_once(':')) {
            self.inventory.claims.push(Claim { range: Range::Network(Cidr::parse(network).unwrap()), label: label("inventory") });
            self.inventory.hosts.extend(hosts.split(',').map(str::trim).filter(|host| !host.is_empty()).map(|host| InventoryHost {
                addresses: vec![host.parse().unwrap()],
                ..InventoryHost::new(Arc::from(format!("h{host}")), label(host))
            }));
        } else if let Some((name, words)) = line.strip_prefix("probe ").and_then(|rest| rest.split_once(' ')) {
            let probe = HealthCheck {
                path: words.split(' ').find(|word| word.starts_with('/')).map(Arc::from),
                method: None,
                expect: None,
                interval_ms: number(words, "every"),
                fall: number(words, "fall"),
                rise: None,
                port: None,
                label: label(line),
            };
            self.probes.push((name.to_owned(), probe));
        } else if let Some((name, words)) = line.strip_prefix("wait ").and_then(|rest| rest.split_once(' ')) {
            let lines = TimeoutLines { connect: Some(label(line)), read: Some(label(line)), ..TimeoutLines::default() };
            let times = Timeouts { connect_ms: number(words, "connect"), read_ms: number(words, "read"), lines, ..Timeouts::default() };
            self.waits.push((name.to_owned(), times));
        } else if let Some((address, words)) = line.strip_prefix("fact ").and_then(|rest| rest.split_once(' ')) {
            let service = Service {
                port: number(words, "port").map(|port| (port, label("app_port"))),
                health_path: number::<String>(words, "health").map(|path| (Arc::from(path), label("health_path"))),
                answer_ms: number(words, "answer").map(|ms| (ms, label("request_timeout"))),
                zone: number::<String>(words, "zone").map(|zone| (Arc::from(zone), label("zone"))),
            };
            self.facts.push((address.parse().unwrap(), service));
        } else if let Some((name, words)) = line.strip_prefix("load ").and_then(|rest| rest.split_once(' ')) {
            let quantities = [
                ("peak", Quantity::PeakRate),
                ("concurrent", Quantity::PeakConcurrency),
                ("clients", Quantity::PeakClients),
                ("server", Quantity::ServerRate),
                ("answer", Quantity::AnswerMs),
            ];
            for (word, quantity) in quantities {
                let Some(amount) = number(words, word) else { continue };
                let subject = if name.starts_with('/') { LoadSubject::Path(Arc::from(name)) } else { LoadSubject::Pool(Arc::from(name)) };
                self.inventory.loads.push(LoadFact { subject, quantity, amount, label: label(line) });
            }
        } else {
            let (path, to) = line.split_once(" -> ").unwrap();
            self.hosts.last_mut().unwrap().1.push((path.to_owned(), to.to_owned()));
        }
    }

    fn gateway(&mut self) -> Gateway {
        let hosts = std::mem::take(&mut self.hosts);
        for (name, probe) in std::mem::take(&mut self.probes) {
            self.pools.iter_mut().find(|pool| *pool.name == *name).unwrap().health_check = Some(probe);
        }
        for (address, service) in std::mem::take(&mut self.facts) {
            self.inventory.hosts.iter_mut().find(|host| host.addresses.contains(&address)).unwrap().service = service;
        }
        let names: Vec<String> = hosts.iter().map(|(name, _)| name.clone()).collect();
        let mut tables: Vec<Table> = hosts.into_iter().map(|(name, routes)| self.table(&name, routes)).collect();
        let virtual_hosts: Vec<VirtualHost> = names.iter().enumerate().map(|(at, name)| virtual_host(at, name)).collect();
        let choose = |(at, name): (usize, &String)| Route {
            when: Condition::test(Value::field(Field::Host), Matcher::Equals { text: Value::literal(name), caseless: false }),
            step: Step::table(TableId(at + 1)),
            label: Some(label(&format!("server_name {name}"))),
        };
        tables.insert(
            0,
            Table {
                kind: TableKind::VirtualHosts,
                label: label("listen 80"),
                routes: names.iter().enumerate().map(choose).collect(),
                otherwise: Step::table(TableId(1)),
                otherwise_label: virtual_hosts.first().map(|host| host.listen_label.clone()),
            },
        );
        Gateway {
            id: Arc::from("web.conf"),
            product: "nginx",
            normalization: Normalization { strip_port: true, decode_path: true, resolve_dots: true, merge_slashes: true, exact_names: false },
            listeners: vec![Listener {
                address: ListenAddress::Tcp { ip: None, v6: false, port: 80 },
                protocol: Protocol::Http,
                tls: None,
                client_timeout_ms: None,
                max_connections: None,
                entry: TableId(0),
                virtual_hosts,
                default_host: Some(0),
                label: label("listen 80"),
            }],
            tables,
            pools: std::mem::take(&mut self.pools),
            lookups: Vec::new(),
            variant: None,
            max_connections: None,
            restart_limit: 10,
        }
    }

    fn table(&mut self, name: &str, mut routes: Vec<(String, String)>) -> Table {
        // Exact paths, then regular expressions in order, then the longest prefix.
        routes.sort_by_key(|(path, _)| match path.chars().next() {
            Some('=') => (0, 0),
            Some('~') => (1, 0),
            _ => (2, usize::MAX - path.len()),
        });
        let routes =
            routes.into_iter().map(|(path, to)| Route { when: when(&path), step: self.step(&to), label: Some(label(&format!("location {path}"))) });
        Table {
            kind: TableKind::Routes,
            label: label(&format!("server {name}")),
            routes: routes.collect(),
            otherwise: Step::end(Outcome::Reject { status: 404, label: label(&format!("server {name}")) }),
            otherwise_label: None,
        }
    }

    fn step(&mut self, to: &str) -> Step {
        let text = label(&format!("to {to}"));
        if let Ok(status) = to.parse::<u16>() {
            let outcome = if status < 400 { Outcome::Respond { status, label: text } } else { Outcome::Reject { status, label: text } };
            return Step { actions: Vec::new(), next: Next::End(Box::new(outcome)) };
        }
        let at = self.pools.iter().position(|pool| *pool.name == *to).unwrap_or_else(|| {
            self.pools.push(pool(to, false, vec![member_of(to, &format!("{to}:80"))], &format!("to {to}")));
            self.pools.len() - 1
        });
        Step::end(Outcome::Forward(Box::new(Forward {
            target: Target::Pool(PoolId(at)),
            uri: UpstreamUri::AsReceived,
            protocol: Arc::from("http"),
            retry: Retry { on_connect_failure: self.retry, attempts: None },
            timeouts: self.waits.iter().find(|(name, _)| name == to).map(|(_, times)| times.clone()).unwrap_or_default(),
            on_status: Vec::new(),
            label: text,
        })))
    }
}

fn pool(name: &str, declared: bool, members: Vec<Member>, line: &str) -> Pool {
    Pool { declared, ..Pool::new(Arc::from(name), members, label(line)) }
}

fn member_of(pool: &str, text: &str) -> Member {
    let mut words = text.split(' ');
    let (host, port) = words.next().unwrap().rsplit_once(':').unwrap();
    let host = host.parse().map_or_else(|_| Host::Name(Arc::from(host)), Host::Ip);
    let mut member = Member::new(Address { host, port: Some(port.parse().unwrap()) }, label(&format!("{pool}: server {text}")));
    for word in words {
        match word {
            "down" => member.state = MemberState::Down,
            "backup" => member.state = MemberState::Backup,
            "check" => member.checked = true,
            "fails" => member.ejection = Some(Ejection { failures: 1, window_ms: 10_000 }),
            word if word.starts_with("max=") => member.max_connections = number(word, "max"),
            _ => member.weight = word.strip_prefix("weight=").unwrap().parse().unwrap(),
        }
    }
    member
}

fn virtual_host(at: usize, name: &str) -> VirtualHost {
    VirtualHost {
        names: vec![(HostPattern::Exact(Arc::from(name)), label(&format!("server_name {name} (the {at})")))],
        table: TableId(at + 1),
        label: label(&format!("server {name}")),
        listen_label: label(&format!("listen 80 of {name}")),
    }
}

fn when(path: &str) -> Condition {
    let matcher = if let Some(path) = path.strip_prefix("= ") {
        Matcher::Equals { text: Value::literal(path), caseless: false }
    } else if let Some(pattern) = path.strip_prefix("~ ") {
        Matcher::Regex(Regex { pattern: Arc::from(pattern), caseless: false, dialect: RegexDialect::Pcre, names: Vec::new() })
    } else {
        Matcher::Prefix { text: Arc::from(path), caseless: false }
    };
    Condition::test(Value::field(Field::Path), matcher)
}

/// Returns the comparison of two models over these URLs; each pair that differs is a region of its own.
pub(super) fn compare_urls(base: &Model, head: &Model, urls: &[&str]) -> Comparison {
    let mut comparison = Comparison::default();
    for (at, url) in urls.iter().enumerate() {
        let request = Request::get(url).unwrap();
        let pair = Pair { was: trace(base, &request), now: trace(head, &request) };
        if !pair.was.destination.same(&pair.now.destination) {
            comparison.changes.push(Change {
                region: format!("host {}", request.host),
                hosts: vec![request.host.clone()],
                pairs: vec![at],
                exact: false,
                behaviour_only: pair.was.destination.same_effect(&pair.now.destination),
            });
        }
        comparison.pairs.push(pair);
    }
    comparison
}

/// Returns what the rules say of the change from `base` to `head`, as `severity rule: message @ the line's words`; info is left out.
pub(super) fn say(base: &str, head: &str, urls: &[&str]) -> Vec<String> {
    say_titled("", None, (base, head), urls)
}

/// The same with a title and a known-good state.
pub(super) fn say_titled(title: &str, good: Option<&str>, (base, head): (&str, &str), urls: &[&str]) -> Vec<String> {
    let (base_model, head_model, good_model) = (model(base), model(head), good.map(model));
    let comparison = compare_urls(&base_model, &head_model, urls);
    let rollback = good_model.as_ref().map(|good| compare_urls(good, &head_model, urls));
    let trees = [base, head].map(|text| memory([("web.conf", text)]));
    let good_tree = memory([("web.conf", good.unwrap_or_default())]);
    let findings = check_all(&RuleContext {
        base: Side { snapshot: &trees[0], model: &base_model },
        head: Side { snapshot: &trees[1], model: &head_model },
        known_good: good_model.as_ref().map(|model| Side { snapshot: &good_tree, model }),
        rollback: rollback.as_ref(),
        comparison: &comparison,
        title,
        body: "",
        shared: Shared::default(),
    });
    findings.iter().map(|finding| line(finding, &head_model)).filter(|line| !line.starts_with("info")).collect()
}

fn line(finding: &Finding, head: &Model) -> String {
    let pools = head.gateways.iter().flat_map(|gateway| &gateway.pools);
    let members = pools.flat_map(|pool| pool.members.iter().map(|member| &member.label).chain([&pool.label]));
    let routes =
        head.gateways.iter().flat_map(|gateway| &gateway.tables).flat_map(|table| table.routes.iter().filter_map(|route| route.label.as_ref()));
    let hosts = head.gateways.iter().flat_map(|gateway| &gateway.listeners).flat_map(|listener| &listener.virtual_hosts);
    let names = hosts.flat_map(|host| host.names.iter().map(|(_, label)| label).chain([&host.listen_label]));
    let ends = head.gateways.iter().flat_map(|gateway| &gateway.tables).flat_map(|table| &table.routes).filter_map(|route| match &route.step.next {
        Next::End(outcome) => match &**outcome {
            Outcome::Forward(forward) => Some([Some(&forward.label), forward.timeouts.lines.read.as_ref()]),
            _ => None,
        },
        _ => None,
    });
    let ends = ends.flatten().flatten();
    let gateways = || head.gateways.iter();
    let probes = gateways().flat_map(|gateway| &gateway.pools).filter_map(|pool| pool.health_check.as_ref()).map(|probe| &probe.label);
    let place =
        probes.chain(members).chain(routes).chain(names).chain(ends).find(|label| label.span == finding.span).map_or("?", |label| &label.text);
    let severity = format!("{:?}", finding.severity).to_lowercase();
    format!("{severity} {}: {} @ {place}", finding.rule, finding.message)
}

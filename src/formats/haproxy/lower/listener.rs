//! `bind`: where requests come in.
//!
//! HAProxy: `bind` in `configuration.txt` 4.2 and 5.1. A line may name several addresses, each perhaps with a range of ports; every one leads to the same rules.

use super::super::syntax::Line;
use super::Lowering;
use super::address::listen_addresses;
use super::settings::Proxy;
use crate::formats::source::shown;
use crate::model::{Label, ListenAddress, Listener, Problem, ProblemKind, Protocol, Related, TableId, Tls};

/// A listener whose rules are not lowered yet.
pub(super) struct Bind {
    address: ListenAddress,
    protocol: Protocol,
    tls: Option<Tls>,
    client_timeout_ms: Option<u64>,
    max_connections: Option<u64>,
    label: Label,
}

impl Bind {
    pub(super) fn listener(self, entry: TableId) -> Listener {
        Listener {
            address: self.address,
            protocol: self.protocol,
            tls: self.tls,
            client_timeout_ms: self.client_timeout_ms,
            max_connections: self.max_connections,
            entry,
            virtual_hosts: Vec::new(),
            default_host: None,
            label: self.label,
        }
    }
}

impl Lowering<'_, '_> {
    /// Returns what the `bind` lines of `proxy` open, in order.
    pub(super) fn lower_binds(&mut self, proxy: &Proxy<'_>) -> Vec<Bind> {
        let mut binds = Vec::new();
        for line in proxy.lines("bind") {
            self.lower_bind(proxy, line, &mut binds);
        }
        // The old way: the address stands behind the section's name.
        if let Some(word) = proxy.section.head.arg(1).filter(|word| word.text.contains(':')) {
            let label = proxy.section.head.label();
            self.open(proxy, &word.text, &Opened { label, ..Opened::default_of(proxy) }, &mut binds);
        }
        binds
    }

    fn lower_bind(&mut self, proxy: &Proxy<'_>, line: &Line, binds: &mut Vec<Bind>) {
        let Some(addresses) = line.arg(0) else { return };
        let flag = |name: &str| line.words.iter().skip(2).any(|word| *word.text == *name);
        let value = |name: &str| {
            let at = line.words.iter().skip(2).position(|word| *word.text == *name)?;
            line.words.get(at + 3)
        };
        let own = value("maxconn").and_then(|word| word.text.parse::<u64>().ok());
        let opened = Opened::default_of(proxy);
        let opened = Opened {
            tls: flag("ssl").then(|| self.lower_tls(line)),
            v6_only: flag("v6only"),
            max_connections: [own, opened.max_connections].into_iter().flatten().min(),
            label: line.label(),
        };
        self.open(proxy, &addresses.text, &opened, binds);
    }

    fn open(&mut self, proxy: &Proxy<'_>, addresses: &str, opened: &Opened, binds: &mut Vec<Bind>) {
        for text in addresses.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            for address in listen_addresses(text, opened.v6_only) {
                if matches!(address, ListenAddress::Hole(_)) {
                    self.unknown(&opened.label.span, format!("`{}`: the address cannot be read", shown(text)));
                }
                let quic = text.starts_with("quic") || text.starts_with("udp");
                let protocol = match (quic, proxy.is_tcp()) {
                    (true, _) => Protocol::Udp,
                    (false, true) => Protocol::Tcp,
                    (false, false) => Protocol::Http,
                };
                binds.push(Bind {
                    address,
                    protocol,
                    tls: opened.tls.clone(),
                    client_timeout_ms: proxy.timeout("client").0,
                    max_connections: opened.max_connections,
                    label: opened.label.clone(),
                });
            }
        }
    }

    /// Says where two sections take the same address: which of them gets a connection is the system's choice.
    pub(super) fn doubled(&mut self, listeners: &[Listener]) {
        for (at, listener) in listeners.iter().enumerate() {
            let earlier = listeners.iter().take(at).find(|earlier| earlier.address == listener.address && earlier.entry != listener.entry);
            // Lines for one process, thread or interface each share an address on purpose.
            let shared = ["process", "thread", "interface", "namespace"].iter().any(|word| listener.label.text.contains(word));
            if let Some(earlier) = earlier.filter(|_| !shared && !matches!(listener.address, ListenAddress::Hole(_))) {
                let address = &listener.address;
                self.model.problems.push(Problem {
                    kind: ProblemKind::Syntax,
                    fatal: false,
                    message: format!("{address} is opened twice: the system chooses which of the two gets a connection"),
                    help: Some("take one of the two out, or correct the port".to_owned()),
                    span: listener.label.span.clone(),
                    related: vec![Related { span: earlier.label.span.clone(), text: "the first one, which is followed".to_owned() }],
                    fix: None,
                });
            }
        }
    }
}

/// What all addresses of a line have in common.
struct Opened {
    tls: Option<Tls>,
    v6_only: bool,
    max_connections: Option<u64>,
    label: Label,
}

impl Opened {
    fn default_of(proxy: &Proxy<'_>) -> Self {
        let max_connections = proxy.get(&["maxconn"]).and_then(|line| line.arg(0)?.text.parse().ok());
        Self { tls: None, v6_only: false, max_connections, label: proxy.section.head.label() }
    }
}

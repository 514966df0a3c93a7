//! Lists of certificates: which file holds which names, as people keep them beside a proxy (or generate with their certificate tool).

use super::File;
use crate::formats::yaml::{self, Node};
use crate::model::{CertificateFact, Label};
use std::sync::Arc;

const FILE: &[&str] = &["file", "path", "pem", "crt", "cert", "certificate", "cert_file", "certificate_file", "fullchain", "bundle"];
const NAMES: &[&str] = &[
    "names",
    "domains",
    "dns_names",
    "sans",
    "san",
    "subject_alt_names",
    "subject_alternative_names",
    "alt_names",
    "hostnames",
    "hosts",
    "common_name",
    "cn",
];
const END: &[&str] = &["not_after", "expires", "expires_at", "valid_until", "expiry", "expiration"];

/// Returns the certificates that `file` lists, in file order.
pub(super) fn read(file: File<'_>) -> Vec<CertificateFact> {
    let mut found = Vec::new();
    for document in &yaml::parse(file.text).documents {
        collect(file, document, &mut found);
    }
    found
}

fn collect(file: File<'_>, node: &Node, found: &mut Vec<CertificateFact>) {
    if let Some(fact) = fact(file, node) {
        found.push(fact);
        return;
    }
    node.items().iter().for_each(|item| collect(file, item, found));
    node.pairs().for_each(|(_, _, inner)| collect(file, inner, found));
}

/// Returns the certificate that `node` describes: it has one file and its names, all of them literal.
fn fact(file: File<'_>, node: &Node) -> Option<CertificateFact> {
    let (key, path) = node.pairs().find_map(|(key, at, value)| Some((at, value.text().filter(|_| FILE.contains(&key))?)))?;
    let mut names: Vec<Arc<str>> = Vec::new();
    for (_, _, value) in node.pairs().filter(|(key, ..)| NAMES.contains(key)) {
        let texts = value.text().into_iter().chain(value.items().iter().filter_map(|item| item.text()));
        for text in texts.flat_map(|text| text.split([',', ' ']).map(str::trim).filter(|text| !text.is_empty())) {
            let name = text.strip_prefix("DNS:").unwrap_or(text).to_ascii_lowercase();
            if !is_name(&name) {
                // One name that cannot be read could be the one asked for.
                return None;
            }
            names.push(Arc::from(name.trim_end_matches('.')));
        }
    }
    if names.is_empty() || path.is_empty() || super::is_template(path) {
        return None;
    }
    let not_after = node.pairs().find_map(|(key, _, value)| value.text().filter(|_| END.contains(&key))).map(Arc::from);
    let label = Label { span: file.span(key.start, node.end.max(key.end)), text: Arc::from(path) };
    Some(CertificateFact { file: Arc::from(path), names, not_after, label })
}

/// Returns whether `text` is a host name, maybe with a star in front, or an address.
fn is_name(text: &str) -> bool {
    let rest = text.strip_prefix("*.").unwrap_or(text);
    !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
}

//! TLS of a `bind` line: certificates, the names they are presented for, versions.
//!
//! HAProxy: `configuration.txt` 5.1, `crt`, `crt-list`, `strict-sni`; `crtlist_parse_file`. A certificate is presented for the names in it unless a
//! `crt-list` gives filters; a filter with `!` takes names out.

use super::super::syntax::{Line, Word};
use super::Lowering;
use super::file::Shape;
use crate::formats::source::shown;
use crate::model::{Certificate, HostPattern, Tls};
use std::sync::Arc;

/// Every protocol version, oldest first.
const VERSIONS: &[&str] = &["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

impl Lowering<'_, '_> {
    /// Returns the TLS settings of a `bind` line.
    pub(super) fn lower_tls(&mut self, line: &Line) -> Tls {
        let mut tls = Tls::default();
        let (mut oldest, mut newest) = (None, None);
        let mut words = line.words.iter().skip(2).peekable();
        while let Some(word) = words.next() {
            match &*word.text {
                "crt" => {
                    if let Some(path) = words.next() {
                        tls.certificates.push(Certificate { path: Arc::from(shown(&path.text)), names: Vec::new(), label: line.label() });
                    }
                }
                "crt-list" => {
                    if let Some(path) = words.next() {
                        let listed = self.listed(path);
                        tls.certificates.extend(listed);
                    }
                }
                "strict-sni" => tls.strict_names = true,
                "verify" => {
                    tls.client_certificate = words.next().is_some_and(|how| *how.text == *"required");
                    tls.client_label = tls.client_certificate.then(|| line.label());
                }
                "ciphers" => tls.ciphers = words.next().map(|word| Arc::from(shown(&word.text))),
                "ssl-min-ver" => oldest = words.next().map(|word| word.text.to_string()),
                "ssl-max-ver" => newest = words.next().map(|word| word.text.to_string()),
                "force-tlsv10" => (oldest, newest) = (Some("TLSv1.0".to_owned()), Some("TLSv1.0".to_owned())),
                "force-tlsv11" => (oldest, newest) = (Some("TLSv1.1".to_owned()), Some("TLSv1.1".to_owned())),
                "force-tlsv12" => (oldest, newest) = (Some("TLSv1.2".to_owned()), Some("TLSv1.2".to_owned())),
                "force-tlsv13" => (oldest, newest) = (Some("TLSv1.3".to_owned()), Some("TLSv1.3".to_owned())),
                _ => {}
            }
        }
        if oldest.is_some() || newest.is_some() {
            // HAProxy 2.2 and later offer TLS 1.2 and newer unless told otherwise.
            let place = |version: &Option<String>, default: usize| {
                version.as_ref().and_then(|version| VERSIONS.iter().position(|known| known == version)).unwrap_or(default)
            };
            let (first, last) = (place(&oldest, 3), place(&newest, VERSIONS.len() - 1));
            tls.versions_label = Some(line.label());
            tls.versions = VERSIONS.iter().take(last + 1).skip(first).map(|version| Arc::from(*version)).collect();
        }
        tls
    }

    /// Returns the certificates of a `crt-list`: `path [settings] filter…`.
    fn listed(&mut self, file: &Word) -> Vec<Certificate> {
        let Some(lines) = self.list(file, Shape::Map) else {
            // What is in it is not known, and that it may be the default is.
            return vec![Certificate { path: Arc::from(shown(&file.text)), names: Vec::new(), label: label_of(file) }];
        };
        let certificate = |line: &super::file::Entry| {
            let filters = match line.value.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
                Some((_, filters)) => filters,
                None => &line.value,
            };
            let names = filters.split_whitespace().filter(|name| !name.starts_with(['!', '#'])).map(pattern).collect();
            Certificate { path: Arc::clone(&line.key), names, label: line.label() }
        };
        lines.iter().map(certificate).collect()
    }
}

fn label_of(word: &Word) -> crate::model::Label {
    crate::model::Label { span: word.span.clone(), text: Arc::from(shown(&word.text)) }
}

fn pattern(name: &str) -> HostPattern {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix('*') {
        Some(rest) => HostPattern::AnyPrefix(Arc::from(rest)),
        None => HostPattern::Exact(Arc::from(name)),
    }
}

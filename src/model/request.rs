//! One concrete request, as a client sends it.

use super::Name;
use std::fmt;
use std::net::IpAddr;

/// A request as a client sends it: nothing decoded, nothing normalised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// The method, as sent.
    pub method: String,
    /// How the client connects.
    pub scheme: Scheme,
    /// The host of the URL, as typed, without port: a name or an address.
    pub host: String,
    /// The port of the URL; the scheme's own when not typed.
    pub port: u16,
    /// The path and query as sent, beginning with `/`; no fragment.
    pub target: String,
    /// Further headers in order. A `Host` header here wins over the URL.
    pub headers: Vec<(Name, String)>,
    /// The client's address, when it matters.
    pub from: Option<IpAddr>,
    /// The listener to enter at (`ADDR:PORT` or `:PORT`), when the URL does not say enough.
    pub listener: Option<String>,
}

/// How a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Clear text.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// Returns the scheme as it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Returns the port used when the URL has none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Why a text is not a request URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// Neither `http://` nor `https://`.
    #[error("`{0}` is not a URL: it begins with neither `http://` nor `https://`")]
    Scheme(String),
    /// No host.
    #[error("`{0}` has no host")]
    Host(String),
    /// The port is not a number up to 65535.
    #[error("`{0}` has a port that is not a number from 1 to 65535")]
    Port(String),
    /// A blank or a control character, which no client sends.
    #[error("`{0}` has a blank or a control character; write it percent-encoded")]
    Character(String),
}

impl Request {
    /// Returns the GET request for `url`.
    ///
    /// # Errors
    /// When `url` is not an absolute `http` or `https` URL.
    pub fn get(url: &str) -> Result<Self, BadRequest> {
        let bad = || url.to_owned();
        let (scheme, rest) = if let Some(rest) = url.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else if let Some(rest) = url.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else {
            return Err(BadRequest::Scheme(bad()));
        };
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(BadRequest::Character(bad()));
        }
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let cut = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(cut);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let after_bracket = authority.rfind(']').unwrap_or(0);
        let (host, port) = match authority.rfind(':').filter(|at| *at >= after_bracket) {
            Some(at) => {
                let (host, port) = authority.split_at(at);
                let port = port.trim_start_matches(':').parse().ok().filter(|port| *port > 0);
                (host, port.ok_or_else(|| BadRequest::Port(bad()))?)
            }
            None => (authority, scheme.default_port()),
        };
        if host.is_empty() {
            return Err(BadRequest::Host(bad()));
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { method: "GET".to_owned(), scheme, host: host.to_owned(), port, target, headers: Vec::new(), from: None, listener: None })
    }

    /// Returns the URL a person would type: the port only where it is not the scheme's own.
    pub fn url(&self) -> String {
        let scheme = self.scheme.as_str();
        if self.port == self.scheme.default_port() {
            format!("{scheme}://{}{}", self.host, self.target)
        } else {
            format!("{scheme}://{}:{}{}", self.host, self.port, self.target)
        }
    }

    /// Returns the value of the first header called `name`, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_put_together() {
        for url in ["http://shop.example.com/cart?a=b", "https://[::1]:8443/x", "http://10.0.0.1:8080/", "http://a/%2e%2e//"] {
            assert_eq!(Request::get(url).unwrap().url(), url);
        }
        assert_eq!(Request::get("http://a?b").unwrap().target, "/?b");
        assert_eq!(Request::get("https://a").unwrap().port, 443);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        assert!(matches!(Request::get("shop.example.com/"), Err(BadRequest::Scheme(_))));
        assert!(matches!(Request::get("http:///x"), Err(BadRequest::Host(_))));
        assert!(matches!(Request::get("http://a:b/"), Err(BadRequest::Port(_))));
        assert!(matches!(Request::get("http://a/ b"), Err(BadRequest::Character(_))));
    }
}

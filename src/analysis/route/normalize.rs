//! What a raw request becomes before conditions see it.

use crate::model::Normalization;

/// The request is answered with 400 before any routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::analysis) struct BadRequest;

/// Returns the host that virtual hosts are chosen by, from a raw `Host` header.
///
/// With `strip_port` as nginx does it (`ngx_http_validate_host`): a blank, a control character, a slash or two dots in a row are refused, the port and a
/// final dot are cut, an empty rest is refused.
pub(super) fn host(raw: &str, rules: Normalization) -> Result<Vec<u8>, BadRequest> {
    if !rules.strip_port {
        return Ok(raw.to_ascii_lowercase().into_bytes());
    }
    if raw.bytes().any(|byte| byte <= 0x20 || byte == 0x7f || byte == b'/') || raw.contains("..") {
        return Err(BadRequest);
    }
    let host = match raw.strip_prefix('[').and_then(|rest| rest.find(']')) {
        Some(end) => raw.get(..end + 2).unwrap_or(raw),
        None => raw.split_once(':').map_or(raw, |(host, _)| host),
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.is_empty() { Err(BadRequest) } else { Ok(host.to_ascii_lowercase().into_bytes()) }
}

/// A request target taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::analysis) struct Target {
    pub(in crate::analysis) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    /// The path had percent escapes (nginx `quoted_uri`): it is encoded again when it is put together anew.
    pub(super) escaped: bool,
    /// It was encoded, or has a `+` (nginx `quoted_uri || plus_in_uri`): captures of its path are encoded again where a `rewrite` uses them.
    pub(super) quoted: bool,
}

/// Returns the path and the query the conditions see (`ngx_http_parse_complex_uri`): the fragment is cut, the query stays as it is.
pub(in crate::analysis) fn target(raw: &str, rules: Normalization) -> Result<Target, BadRequest> {
    let raw = raw.split_once('#').map_or(raw, |(before, _)| before);
    let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
    if rules.decode_path && (!path.starts_with('/') || raw.bytes().any(|byte| byte <= 0x20 || byte == 0x7f)) {
        return Err(BadRequest);
    }
    let escaped = path.contains('%');
    let quoted = escaped || path.contains('+');
    let decoded = if rules.decode_path { decode(path.as_bytes())? } else { path.as_bytes().to_vec() };
    let path = if rules.resolve_dots || rules.merge_slashes { segments(&decoded, rules)? } else { decoded };
    Ok(Target { path, query: query.as_bytes().to_vec(), escaped, quoted })
}

/// Decodes `%XX`; a NUL and an incomplete escape are refused.
fn decode(path: &[u8]) -> Result<Vec<u8>, BadRequest> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.iter();
    while let Some(byte) = rest.next() {
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(*byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok()).ok_or(BadRequest);
        let value = digit()? * 16 + digit()?;
        if value == 0 {
            return Err(BadRequest);
        }
        out.push(value);
    }
    Ok(out)
}

/// Resolves `.` and `..` and merges slashes, as far as `rules` say. Going above the root is refused.
fn segments(path: &[u8], rules: Normalization) -> Result<Vec<u8>, BadRequest> {
    let Some(below) = path.strip_prefix(b"/") else { return Ok(path.to_vec()) };
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut directory = true;
    for segment in below.split(|byte| *byte == b'/') {
        directory = true;
        match segment {
            b"." if rules.resolve_dots => {}
            b".." if rules.resolve_dots => {
                kept.pop().ok_or(BadRequest)?;
            }
            b"" if rules.merge_slashes => {}
            // The last segment is put back without its slash below.
            name => {
                kept.push(name);
                directory = false;
            }
        }
    }
    let mut out = Vec::with_capacity(path.len());
    for segment in &kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    if directory {
        out.push(b'/');
    }
    Ok(out)
}

/// Returns `path` as it is sent to an upstream after it was decoded (`ngx_escape_uri` with `NGX_ESCAPE_URI`, nginx 1.21.1 and later).
pub(super) fn encode(path: &[u8]) -> String {
    escape(path, |byte| byte > 0x20 && byte < 0x7f && !br##""#%?<>\^`{|}"##.contains(&byte))
}

/// Returns `text` as nginx puts a capture into a query (`ngx_escape_uri` with `NGX_ESCAPE_ARGS`).
pub(super) fn encode_query(text: &[u8]) -> String {
    escape(text, |byte| byte > 0x20 && byte < 0x7f && !br##""#%&+;<>?\^`{|}"##.contains(&byte))
}

/// Returns `path` as a person can type it: everything outside what a path may hold is percent-encoded.
pub(in crate::analysis) fn encode_path(path: &[u8]) -> String {
    escape(path, |byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte))
}

/// Returns how `path`, as the tests see it, is sent; a proxy that decodes nothing sees it as it is sent.
pub(in crate::analysis) fn sent_path(path: &[u8], rules: Normalization) -> String {
    if rules.decode_path { encode_path(path) } else { String::from_utf8_lossy(path).into_owned() }
}

fn escape(path: &[u8], plain: fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path {
        if plain(*byte) {
            out.push(char::from(*byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const NGINX: Normalization = Normalization { strip_port: true, decode_path: true, resolve_dots: true, merge_slashes: true, exact_names: false };

    fn path(raw: &str) -> Option<String> {
        target(raw, NGINX).ok().map(|target| String::from_utf8(target.path).unwrap())
    }

    #[test]
    fn a_path_is_seen_decoded_and_resolved() {
        for raw in ["/eq", "//eq", "/./eq", "/x/../eq", "/%65q", "/%2f/eq", "/x/%2e%2e/eq", "/eq?a=/b", "/eq#x"] {
            assert_eq!(path(raw).as_deref(), Some("/eq"), "{raw}");
        }
        assert_eq!(path("/a/.").as_deref(), Some("/a/"));
        assert_eq!(path("/a/..").as_deref(), Some("/"));
        assert_eq!(path("/a/b/").as_deref(), Some("/a/b/"));
        assert_eq!(path("/a%3Fb").as_deref(), Some("/a?b"));
        assert_eq!(path("/").as_deref(), Some("/"));
        assert_eq!(path("//").as_deref(), Some("/"));
        assert_eq!(path("/a//").as_deref(), Some("/a/"));
    }

    #[test]
    fn what_no_client_sends_is_a_400() {
        for raw in ["/..", "/a/../../b", "/%00", "/%", "/%4", "/%zz", "/a b"] {
            assert_eq!(path(raw), None, "{raw}");
        }
    }

    #[test]
    fn slashes_stay_where_they_are_not_merged() {
        let rules = Normalization { merge_slashes: false, ..NGINX };
        assert_eq!(target("//a//b/", rules).unwrap().path, b"//a//b/");
        let raw = Normalization { strip_port: false, decode_path: false, resolve_dots: false, merge_slashes: false, exact_names: false };
        assert_eq!(target("/x/..//%61", raw).unwrap().path, b"/x/..//%61");
    }

    #[test]
    fn a_host_loses_port_dot_and_case() {
        for raw in ["Shop.Example.com:80", "shop.example.com.", "shop.example.com.:80"] {
            assert_eq!(host(raw, NGINX).unwrap(), b"shop.example.com");
        }
        assert_eq!(host("[::1]:80", NGINX).unwrap(), b"[::1]");
        for raw in ["", ":80", "a..b", "a/b", "a b", "."] {
            assert_eq!(host(raw, NGINX), Err(BadRequest), "{raw}");
        }
        assert_eq!(host("EX.com:80", Normalization { strip_port: false, ..NGINX }).unwrap(), b"ex.com:80");
    }

    #[test]
    fn a_path_is_encoded_again() {
        assert_eq!(encode(b"/a b\"<c>?#%\xc3\xa4+"), "/a%20b%22%3Cc%3E%3F%23%25%C3%A4+");
    }
}

//! Values that nginx refuses: numbers, sizes, times and words of the wrong form.
//!
//! Only what nginx 1.22 was seen to refuse and later ones still do; `tests/it/nginx_syntax/values.rs` asks it. A text with a variable or a template expression
//! is not looked at where it may be one.

use super::addresses;
use super::directives::place;
use super::patterns;
use super::syntax::Directive;
use crate::formats::source::has_hole;

/// What a value has to be.
#[derive(Clone, Copy)]
enum Form {
    /// `8k`, `1m`; a number alone is bytes (`ngx_parse_size`).
    Size,
    /// As [`Form::Size`], or `1g` (`ngx_parse_offset`).
    Offset,
    /// `1h 30m`, `500ms`; a number alone is seconds (`ngx_parse_time`).
    Time,
    /// As [`Form::Time`] without milliseconds.
    Seconds,
    /// A whole number from the first to the second.
    Number(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number, then a size.
    Buffers,
}

const ANY: u64 = i32::MAX as u64;
const PASSED_ON: &[&str] = &[
    "error",
    "timeout",
    "invalid_header",
    "non_idempotent",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_403",
    "http_404",
    "http_429",
    "updating",
    "off",
];
const CGI_PASSED_ON: &[&str] =
    &["error", "timeout", "invalid_header", "non_idempotent", "http_500", "http_503", "http_403", "http_404", "http_429", "updating", "off"];

/// The forms by name; those of the families of `*_pass` directives by their ending.
const FORMS: &[(&str, Form)] = &[
    ("client_body_buffer_size", Form::Size),
    ("client_header_buffer_size", Form::Size),
    ("ssl_buffer_size", Form::Size),
    ("sendfile_max_chunk", Form::Size),
    ("postpone_output", Form::Size),
    ("client_max_body_size", Form::Offset),
    ("large_client_header_buffers", Form::Buffers),
    ("gzip_buffers", Form::Buffers),
    ("output_buffers", Form::Buffers),
    ("client_body_timeout", Form::Time),
    ("client_header_timeout", Form::Time),
    ("send_timeout", Form::Time),
    ("resolver_timeout", Form::Time),
    ("lingering_time", Form::Time),
    ("lingering_timeout", Form::Time),
    ("worker_shutdown_timeout", Form::Time),
    ("ssl_session_timeout", Form::Seconds),
    ("keepalive_requests", Form::Number(0, ANY)),
    ("worker_rlimit_nofile", Form::Number(0, ANY)),
    ("worker_connections", Form::Number(0, ANY)),
    ("server_names_hash_max_size", Form::Number(0, ANY)),
    ("server_names_hash_bucket_size", Form::Number(0, ANY)),
    ("types_hash_max_size", Form::Number(0, ANY)),
    ("types_hash_bucket_size", Form::Number(0, ANY)),
    ("map_hash_max_size", Form::Number(0, ANY)),
    ("map_hash_bucket_size", Form::Number(0, ANY)),
    ("gzip_comp_level", Form::Number(1, 9)),
    ("limit_req_status", Form::Number(400, 599)),
    ("limit_conn_status", Form::Number(400, 599)),
    ("satisfy", Form::Word(&["all", "any"])),
    ("ssl_verify_client", Form::Word(&["off", "on", "optional", "optional_no_ca"])),
    ("if_modified_since", Form::Word(&["off", "exact", "before"])),
    ("ssl_protocols", Form::Word(&["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"])),
    ("limit_req_log_level", Form::Word(&["info", "notice", "warn", "error"])),
    ("limit_conn_log_level", Form::Word(&["info", "notice", "warn", "error"])),
    ("autoindex_format", Form::Word(&["html", "json", "jsonp", "xml"])),
    ("gzip_proxied", Form::Word(&["off", "expired", "no-cache", "no-store", "private", "no_last_modified", "no_etag", "auth", "any"])),
    ("proxy_next_upstream", Form::Word(PASSED_ON)),
    ("grpc_next_upstream", Form::Word(PASSED_ON)),
    ("fastcgi_next_upstream", Form::Word(CGI_PASSED_ON)),
    ("uwsgi_next_upstream", Form::Word(CGI_PASSED_ON)),
    ("scgi_next_upstream", Form::Word(CGI_PASSED_ON)),
];

const FAMILIES: &[&str] = &["proxy_", "fastcgi_", "uwsgi_", "scgi_", "grpc_", "memcached_"];
const FAMILY_FORMS: &[(&str, Form)] = &[
    ("buffer_size", Form::Size),
    ("busy_buffers_size", Form::Size),
    ("temp_file_write_size", Form::Size),
    ("max_temp_file_size", Form::Size),
    ("buffers", Form::Buffers),
    ("connect_timeout", Form::Time),
    ("read_timeout", Form::Time),
    ("send_timeout", Form::Time),
    ("next_upstream_timeout", Form::Time),
    ("next_upstream_tries", Form::Number(0, ANY)),
];

/// Other directives that may stand only once in a block.
const SINGLE: &[&str] = &[
    "root",
    "alias",
    "proxy_pass",
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "grpc_pass",
    "memcached_pass",
    "try_files",
    "default_type",
    "auth_request",
    "auth_basic",
    "auth_basic_user_file",
    "expires",
    "keepalive",
    "keepalive_timeout",
    "ssl_ciphers",
    "ssl_session_cache",
    "ssl_dhparam",
    "resolver",
    "proxy_http_version",
    "proxy_method",
    "real_ip_header",
    "worker_processes",
];

/// Returns whether nginx refuses a second statement called `name` in a block ("directive is duplicate"), apart from switches, which it always does.
pub(super) fn is_single(name: &str) -> bool {
    let listed =
        |rest: &str, forms: &[(&str, Form)]| forms.iter().any(|(have, form)| *have == rest && !matches!(form, Form::Word(words) if words.len() > 5));
    SINGLE.contains(&name)
        || listed(name, FORMS)
        || FAMILIES.iter().filter_map(|family| name.strip_prefix(family)).any(|rest| listed(rest, FAMILY_FORMS))
}

/// Returns what is wrong with the values of `directive`, which stands at `place`, and what to do; `None` where nginx would take them.
pub(super) fn wrong(directive: &Directive, place: u16) -> Option<(String, &'static str)> {
    if directive.has_hole() || place & (place::MAIL | place::MAIL_SERVER) != 0 {
        return None;
    }
    let in_stream = place & (place::STREAM | place::STREAM_SERVER | place::STREAM_UPSTREAM) != 0;
    let name = directive.name();
    match name {
        "location" => patterns::after(directive, &["~", "~*"]),
        "if" => patterns::condition(directive).or_else(|| patterns::after(directive, &["~", "~*", "!~", "!~*"])),
        "server_name" | "valid_referers" => directive.args.iter().find_map(|word| patterns::broken(word.text.strip_prefix('~')?)),
        "expires" => expires(directive),
        "return" if !in_stream => status_of_return(directive),
        "error_page" => codes_of_error_page(directive),
        "rewrite" => flag_of_rewrite(directive).or_else(|| patterns::broken(directive.arg(0)?)),
        "limit_req" => limit_req(directive),
        "limit_req_zone" => rate_of_zone(directive).or_else(|| size_of_zone(directive)),
        "limit_conn_zone" => size_of_zone(directive),
        "limit_conn" => number(directive, 1, 1, 65_535),
        "listen" => port(directive).or_else(|| addresses::of_listen(directive)),
        "server" if place & place::UPSTREAM != 0 => addresses::of_member(directive).or_else(|| parameters_of_server(directive)),
        "allow" | "deny" => addresses::of_client(directive),
        "resolver" => addresses::of_resolver(directive),
        "proxy_next_upstream" | "proxy_pass" if in_stream => None,
        "proxy_pass" | "grpc_pass" | "uwsgi_pass" | "fastcgi_pass" | "scgi_pass" | "memcached_pass" => addresses::of_pass(directive),
        "add_header" => (directive.args.len() == 3 && directive.arg(2) != Some("always")).then(|| {
            (format!("`add_header` takes `always` behind the value, not `{}`", directive.arg(2).unwrap_or_default()), "quote a value with blanks")
        }),
        "worker_processes" if directive.arg(0) != Some("auto") => number(directive, 0, 1, ANY),
        "keepalive" if place & place::UPSTREAM != 0 => number(directive, 0, 1, ANY),
        _ => {
            let form = FORMS.iter().find(|(have, _)| *have == name).or_else(|| {
                let rest = FAMILIES.iter().find_map(|family| name.strip_prefix(family))?;
                FAMILY_FORMS.iter().find(|(have, _)| *have == rest)
            });
            form.and_then(|(_, form)| misfit(directive, *form))
        }
    }
}

fn misfit(directive: &Directive, form: Form) -> Option<(String, &'static str)> {
    let name = directive.name();
    let text = directive.arg(0)?;
    let says = |what: &str| format!("`{name}` takes {what}, and this is `{text}`");
    match form {
        Form::Size => (!size(text, "kKmM")).then(|| (says("a size"), "write bytes, or a number with `k` or `m`, without a blank")),
        Form::Offset => (!size(text, "kKmMgG")).then(|| (says("a size"), "write bytes, or a number with `k`, `m` or `g`, without a blank")),
        Form::Time => (!time(text, false)).then(|| (says("a time"), "write seconds, or numbers with `ms`, `s`, `m`, `h`, `d`, `w`, `M` or `y`")),
        Form::Seconds => {
            (!time(text, true)).then(|| (says("a time in whole seconds"), "write seconds, or numbers with `s`, `m`, `h`, `d`, `w`, `M` or `y`"))
        }
        Form::Number(least, most) => number(directive, 0, least, most),
        Form::Word(words) => {
            let odd = directive.args.iter().find(|word| !words.contains(&&*word.text))?;
            Some((format!("`{name}` knows no `{}`: {}", odd.text, words.join(", ")), "use one of these"))
        }
        Form::Buffers => {
            let fits = text.parse::<u64>().is_ok_and(|count| count > 0) && directive.arg(1).is_none_or(|size_text| size(size_text, "kKmM"));
            (!fits).then(|| (format!("`{name}` takes a number and a size"), "write for instance `8 16k`"))
        }
    }
}

fn number(directive: &Directive, index: usize, least: u64, most: u64) -> Option<(String, &'static str)> {
    let text = directive.arg(index)?;
    let fits = text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok_and(|number| (least..=most).contains(&number));
    let what = if most == ANY { format!("a number from {least} on") } else { format!("a number from {least} to {most}") };
    (!fits).then(|| (format!("`{}` takes {what}, and this is `{text}`", directive.name()), "write a whole number in that range"))
}

fn size(text: &str, units: &str) -> bool {
    let digits = text.strip_suffix(|c| units.contains(c)).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// nginx: `ngx_parse_time`: units go down, each once; milliseconds only where they count.
fn time(text: &str, whole_seconds: bool) -> bool {
    const UNITS: &[&str] = &["y", "M", "w", "d", "h", "m", "s", "ms", ""];
    let (mut rest, mut least) = (text, 0);
    if text.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let tail = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if tail.len() == rest.len() {
            return false;
        }
        let after = tail.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let unit = tail.strip_suffix(after).unwrap_or_default();
        let Some(at) = UNITS.iter().position(|known| *known == unit).filter(|at| *at >= least) else { return false };
        if whole_seconds && unit == "ms" {
            return false;
        }
        least = at + 1;
        rest = after.trim_start_matches(' ');
    }
    true
}

fn expires(directive: &Directive) -> Option<(String, &'static str)> {
    let (first, second) = (directive.arg(0)?, directive.arg(1));
    if first.contains('$') || second.is_some_and(|text| text.contains('$')) {
        return None;
    }
    let text = match (first, second) {
        ("epoch" | "max" | "off", None) => return None,
        ("modified", Some(text)) => text,
        (_, Some(_)) => return Some(("`expires` takes two words only behind `modified`".to_owned(), "write `expires modified TIME`, or one time")),
        (text, None) => text.strip_prefix('@').map_or(text, |of_day| of_day),
    };
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!time(text, true))
        .then(|| (format!("`expires` takes a time, and this is `{first}`"), "units are `s`, `m`, `h`, `d`, `w`, `M` (month) and `y` (year)"))
}

/// nginx: `ngx_http_rewrite_return`.
fn status_of_return(directive: &Directive) -> Option<(String, &'static str)> {
    let first = directive.arg(0)?;
    let is_url = ["http://", "https://", "$scheme"].iter().any(|start| first.starts_with(start));
    if directive.args.len() == 1 && is_url {
        return None;
    }
    let fits = first.bytes().all(|byte| byte.is_ascii_digit()) && first.parse::<u16>().is_ok_and(|status| status <= 999);
    (!fits).then(|| (format!("`{first}` is no status that `return` can give"), "write a status up to 999, or an absolute URL alone"))
}

/// nginx: `ngx_http_core_error_page`.
fn codes_of_error_page(directive: &Directive) -> Option<(String, &'static str)> {
    let (_, codes) = directive.args.split_last()?;
    let odd = codes.iter().enumerate().find(|(at, word)| match word.text.strip_prefix('=') {
        Some(answer) => at + 1 != codes.len() || !(answer.is_empty() || answer.parse::<u16>().is_ok()),
        None => !word.text.parse::<u16>().is_ok_and(|status| (300..=599).contains(&status) && status != 499),
    })?;
    Some((
        format!("`error_page` has no use for `{}`", odd.1.text),
        "statuses are 300 to 599 but for 499; `=` and `=STATUS` stand right before the page",
    ))
}

fn flag_of_rewrite(directive: &Directive) -> Option<(String, &'static str)> {
    let flag = directive.arg(2)?;
    (!["last", "break", "redirect", "permanent"].contains(&flag))
        .then(|| (format!("`rewrite` knows no flag `{flag}`"), "flags are `last`, `break`, `redirect` and `permanent`; quote a pattern with blanks"))
}

fn parameter<'a>(directive: &'a Directive, name: &str) -> Option<&'a str> {
    directive.args.iter().find_map(|word| word.text.strip_prefix(name))
}

/// nginx: `ngx_http_limit_req`.
fn limit_req(directive: &Directive) -> Option<(String, &'static str)> {
    if parameter(directive, "zone=").is_none_or(str::is_empty) {
        return Some(("`limit_req` has no `zone=`".to_owned(), "name the zone that a `limit_req_zone` defines"));
    }
    for name in ["burst=", "delay="] {
        if let Some(text) = parameter(directive, name).filter(|text| !text.parse::<u64>().is_ok_and(|count| count > 0)) {
            let message = format!("`{name}{text}` is not a number from 1 on");
            return Some((message, "leave the parameter out for none; nginx does not take 0 for it"));
        }
    }
    let known = |text: &str| ["zone=", "burst=", "delay="].iter().any(|name| text.starts_with(name)) || text == "nodelay";
    let odd = directive.args.iter().find(|word| !known(&word.text))?;
    Some((format!("`limit_req` knows no `{}`", odd.text), "it takes `zone=`, `burst=`, and `nodelay` or `delay=`"))
}

/// nginx: `ngx_http_limit_req_zone`.
fn rate_of_zone(directive: &Directive) -> Option<(String, &'static str)> {
    let text = parameter(directive, "rate=")?;
    let digits = text.strip_suffix("r/s").or_else(|| text.strip_suffix("r/m")).unwrap_or(text);
    (!digits.parse::<u64>().is_ok_and(|rate| rate > 0)).then(|| (format!("`rate={text}` is no rate"), "write for instance `10r/s` or `30r/m`"))
}

/// A zone needs a name, and eight pages of memory.
fn size_of_zone(directive: &Directive) -> Option<(String, &'static str)> {
    const LEAST: u64 = 8 * 4096;
    let help = "write for instance `zone=one:10m`; it takes at least 32k";
    let Some(text) = parameter(directive, "zone=") else { return Some((format!("`{}` has no `zone=`", directive.name()), help)) };
    let bytes = text.split_once(':').filter(|(name, _)| !name.is_empty()).and_then(|(_, text)| {
        let digits = text.strip_suffix(['k', 'K', 'm', 'M']).unwrap_or(text);
        let factor = if text.ends_with(['k', 'K']) {
            1 << 10
        } else if text.ends_with(['m', 'M']) {
            1 << 20
        } else {
            1
        };
        digits.parse::<u64>().ok()?.checked_mul(factor)
    });
    bytes.is_none_or(|bytes| bytes < LEAST).then(|| (format!("`zone={text}` is no zone"), help))
}

fn port(directive: &Directive) -> Option<(String, &'static str)> {
    let text = directive.arg(0)?;
    if text.starts_with("unix:") || text.contains('-') {
        return None;
    }
    let port = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text
    } else {
        text.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'))?.1
    };
    (!port.parse::<u32>().is_ok_and(|port| (1..=65_535).contains(&port)))
        .then(|| (format!("`{text}` has no port from 1 to 65535"), "write `listen ADDRESS:PORT` or `listen PORT`"))
}

/// nginx: `ngx_http_upstream_server`; the parameters of the commercial build are let through.
fn parameters_of_server(directive: &Directive) -> Option<(String, &'static str)> {
    const FLAGS: &[&str] = &["backup", "down", "resolve", "drain"];
    const VALUES: &[&str] = &["weight=", "max_conns=", "max_fails=", "fail_timeout=", "slow_start=", "route=", "service=", "sid="];
    for word in directive.args.iter().skip(1).filter(|word| !has_hole(&word.text)) {
        let text = &*word.text;
        if FLAGS.contains(&text) {
            continue;
        }
        let Some(name) = VALUES.iter().find(|name| text.starts_with(**name)) else {
            return Some((
                format!("`server` knows no `{text}`"),
                "it takes `weight=`, `max_conns=`, `max_fails=`, `fail_timeout=`, `backup` and `down`",
            ));
        };
        if *name == "fail_timeout=" && !time(text.strip_prefix(name).unwrap_or_default(), true) {
            return Some((format!("`{text}` is no time"), "write seconds, or numbers with `s`, `m` or `h`"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{size, time};

    #[test]
    fn times_have_units_that_go_down() {
        for good in ["1", "30s", "1h30m", "1h 30m", "500ms", "1M", "1y", "1d12", "1m500ms"] {
            assert!(time(good, false), "{good}");
        }
        for bad in ["", "1Y", "s", "1x", "1m1h", "1.5s", "-1", "1s1s"] {
            assert!(!time(bad, false), "{bad}");
        }
        assert!(!time("500ms", true));
    }

    #[test]
    fn sizes_have_one_unit() {
        assert!(["1", "8k", "1M", "0"].iter().all(|text| size(text, "kKmM")));
        assert!(["", "k", "8kb", "1g", "8 k", "-1"].iter().all(|text| !size(text, "kKmM")));
    }
}

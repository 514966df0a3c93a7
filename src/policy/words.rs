//! The pieces that the sentences of findings are made of.

/// Shares closer than this are the same: they come out of divisions.
pub(super) const EPSILON: f64 = 1e-6;

/// Returns `share` (0..=1) as people say it: `85 %`, `under 1 %`, `over 99 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 1.0 - EPSILON {
        "under 1 %".to_owned()
    } else if percent > 99.0 + EPSILON && percent < 100.0 - EPSILON {
        "over 99 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

/// Returns `all requests`, or `85 % of requests`.
pub(crate) fn of_requests(share: f64) -> String {
    if share > 1.0 - EPSILON { "all requests".to_owned() } else { format!("{} of requests", percent(share)) }
}

/// Returns `a`, `a and b`, `a, b and c`, or with more than three `a, b and 3 more`.
pub(super) fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [one, two] => format!("{} and {}", one.as_ref(), two.as_ref()),
        [one, two, three] => format!("{}, {} and {}", one.as_ref(), two.as_ref(), three.as_ref()),
        [one, two, rest @ ..] => format!("{}, {} and {} more", one.as_ref(), two.as_ref(), rest.len()),
    }
}

/// Returns `1 server`, `2 servers`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Returns a time as people say it: `10 s`, `1500 ms`.
pub(super) fn duration(ms: u64) -> String {
    if ms > 0 && ms.is_multiple_of(1000) { format!("{} s", ms / 1000) } else { format!("{ms} ms") }
}

/// Returns a region in the comparison's words (`host a, path not under /b/`) as it reads after "requests": `to a outside /b/`.
pub(crate) fn to_region(hosts: &[String], region: &str) -> String {
    // The hosts that nobody names are left out where others have a name: the sentence is true of those.
    let named: Vec<&String> = hosts.iter().filter(|host| !host.starts_with("any ")).collect();
    let to = match hosts {
        [] => String::new(),
        [first, ..] if named.is_empty() => format!("to {first}"),
        [..] => format!("to {}", list(&named)),
    };
    if region.contains("; ") && !to.is_empty() {
        return format!("{to} on some paths");
    }
    let Some(rest) = after_hosts(region) else {
        return if to.is_empty() { format!("({region})") } else { to };
    };
    if let Some(paths) = left_out(rest) {
        return format!("{to} outside {}", list(&paths));
    }
    if rest == "path that no other route takes" {
        return format!("{to} that no other route takes");
    }
    match rest.strip_prefix("path under ").filter(|path| is_one(path)) {
        Some(path) => format!("{to} under {path}"),
        None => format!("{to} ({rest})"),
    }
}

/// Returns what a region says besides its hosts; `None` when it says nothing else, or does not begin with hosts.
pub(crate) fn after_hosts(region: &str) -> Option<&str> {
    if !region.starts_with("host") && !region.starts_with("any host") {
        return None;
    }
    // `hosts a, b and 2 more` has a comma of its own.
    let hosts_end = if region.starts_with("hosts ") { region.find(" more").unwrap_or(0) } else { 0 };
    region.get(hosts_end..)?.split_once(", ").map(|(_, rest)| rest)
}

/// Returns the paths of `path not under /a/ and not /b`; `None` for everything else. A path that only lacks the final `/` of another one is left out.
fn left_out(rest: &str) -> Option<Vec<String>> {
    let paths: Vec<&str> = rest.strip_prefix("path not ")?.split(" and not ").map(|path| path.strip_prefix("under ").unwrap_or(path)).collect();
    if paths.len() > 3 || !paths.iter().all(|path| is_one(path)) {
        return None;
    }
    let doubled = |path: &str| paths.iter().any(|other| other.strip_suffix('/') == Some(path));
    Some(paths.iter().filter(|path| !doubled(path)).map(|path| (*path).to_owned()).collect())
}

/// Returns whether `text` names one path and nothing further.
fn is_one(text: &str) -> bool {
    text.starts_with('/') && !text.contains([' ', ','])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_said_as_people_say_them() {
        assert_eq!([0.85, 0.004, 0.996, 1.0, 0.909, 0.01].map(percent), ["85 %", "under 1 %", "over 99 %", "100 %", "91 %", "1 %"]);
        assert_eq!(of_requests(1.0), "all requests");
        assert_eq!(of_requests(0.5), "50 % of requests");
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a", "b", "c", "d"]), "a, b and 2 more");
    }

    #[test]
    fn a_region_reads_after_the_word_requests() {
        let hosts = ["shop.example.com".to_owned()];
        assert_eq!(to_region(&hosts, "host shop.example.com"), "to shop.example.com");
        assert_eq!(to_region(&hosts, "host shop.example.com, path not under /static/"), "to shop.example.com outside /static/");
        assert_eq!(to_region(&hosts, "host shop.example.com, path not /b and not /a and not under /a/"), "to shop.example.com outside /b and /a/");
        assert_eq!(to_region(&hosts, "hosts a, b and 2 more, path not under /a/"), "to shop.example.com outside /a/");
        assert_eq!(to_region(&hosts, "host shop.example.com, path not under /a/ or /b/"), "to shop.example.com (path not under /a/ or /b/)");
        let more = ["shop.example.com".to_owned(), "any other host".to_owned()];
        assert_eq!(to_region(&more, "host shop.example.com and any host that no virtual host names"), "to shop.example.com");
        assert_eq!(to_region(&more[1..], "any host that no virtual host names"), "to any other host");
        assert_eq!(to_region(&hosts, "host shop.example.com, path /a; host b, path /c"), "to shop.example.com on some paths");
        assert_eq!(to_region(&hosts, "host shop.example.com, method POST"), "to shop.example.com (method POST)");
    }
}

//! What can be told of a regular expression by looking at it, whichever program tries it.

/// Returns how many numbered groups `pattern` has; `None` where that is not counted so easily.
pub(super) fn groups(pattern: &str) -> Option<u32> {
    if ["\\Q", "(?|", "(?#", "(*", "(?(", "(?x"].iter().any(|odd| pattern.contains(odd)) {
        return None;
    }
    let mut count = 0;
    let (mut in_class, mut rest) = (false, pattern);
    while let Some(letter) = rest.chars().next() {
        rest = rest.get(letter.len_utf8()..)?;
        match letter {
            '\\' => rest = rest.get(rest.chars().next()?.len_utf8()..)?,
            '[' if !in_class => {
                in_class = true;
                rest = rest.strip_prefix('^').unwrap_or(rest);
                rest = rest.strip_prefix(']').unwrap_or(rest);
            }
            ']' => in_class = false,
            '(' if !in_class => {
                let named = rest.starts_with("?P<")
                    || rest.starts_with("?'")
                    || rest.starts_with("?<") && !rest.starts_with("?<=") && !rest.starts_with("?<!");
                count += u32::from(named || !rest.starts_with('?'));
            }
            _ => {}
        }
    }
    Some(count)
}

/// Returns whether no text that begins with `/` matches `pattern`: it asks for another first letter, or for something before the beginning.
pub(super) fn never_begins(pattern: &str) -> bool {
    if pattern.starts_with("!^") {
        return true;
    }
    let mut letters = pattern.strip_prefix('^').unwrap_or_default().chars();
    let letter = letters.next();
    // What follows may make the first letter optional, and a `|` makes the whole one of several.
    letter.is_some_and(|letter| letter.is_ascii_alphanumeric())
        && !letters.next().is_some_and(|next| matches!(next, '?' | '*' | '{'))
        && !pattern.contains('|')
}

#[cfg(test)]
mod tests {
    use super::{groups, never_begins};

    #[test]
    fn groups_are_counted() {
        for (pattern, expected) in [
            ("^/a/.*$", Some(0)),
            ("^/(a|b)/(.*)$", Some(2)),
            ("^/(?:a|b)/(.*)$", Some(1)),
            ("^/\\(a\\)", Some(0)),
            ("^/[(](x)", Some(1)),
            ("^/(?<name>x)(?P<other>y)(?=z)(?<!w)", Some(2)),
            ("^/((a)(b))", Some(3)),
            ("(?i)^/(a)", Some(1)),
            ("^/[]()](x)", Some(1)),
            ("(?|(a)|(b))", None),
        ] {
            assert_eq!(groups(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_begin_a_path() {
        assert!(["^api/", "!^/api", "^images"].iter().all(|pattern| never_begins(pattern)));
        assert!(["^/api", "api/", "^a?/", "^a*", "^api|/x", "^(a|/b)", "^.*x", "^\\w", "^", ""].iter().all(|pattern| !never_begins(pattern)));
    }
}

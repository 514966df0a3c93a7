//! From a comment to its commands.

use super::arguments::Arguments;
use super::{Command, SPECS, markdown};
use crate::policy::nearest;
use crate::report::replies::Refusal;

/// What a command begins with.
const NAME: &str = "/waypost";
/// More commands than this in one comment are not done.
const MAX_COMMANDS: usize = 10;

/// Returns the commands of a comment in order; empty when it has none.
pub fn commands_in(body: &str) -> Vec<Result<Command, Refusal>> {
    // Most comments hold none, and need not be taken apart.
    if !body.contains(NAME) {
        return Vec::new();
    }
    let mut found = markdown::said_lines(body).into_iter().filter_map(after_name);
    let mut commands: Vec<Result<Command, Refusal>> = found.by_ref().take(MAX_COMMANDS).map(command).collect();
    if found.next().is_some() {
        commands.push(Err(Refusal::TooMany { most: MAX_COMMANDS }));
    }
    commands
}

/// Returns what follows `/waypost` on a line that begins with it.
fn after_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(NAME)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
}

fn command(rest: &str) -> Result<Command, Refusal> {
    let words = words(rest)?;
    let Some((name, arguments)) = words.split_first() else {
        return Ok(Command::Help);
    };
    match SPECS.iter().find(|spec| spec.name.eq_ignore_ascii_case(name)) {
        Some(spec) => (spec.parse)(Arguments::new(arguments.to_vec())),
        None => Err(Refusal::Unknown { word: name.clone(), nearest: nearest(name, SPECS.iter().map(|spec| spec.name)) }),
    }
}

/// Returns what ends a quotation that begins with `open`. Telephones and word processors make their own quotation marks.
fn closing(open: char) -> Option<&'static [char]> {
    match open {
        '"' => Some(&['"']),
        '\'' => Some(&['\'']),
        '“' | '”' | '„' => Some(&['”', '“']),
        '«' => Some(&['»']),
        _ => None,
    }
}

/// Splits at blanks; quotes of either kind hold a word together, and a backslash takes the next character as it is.
fn words(text: &str) -> Result<Vec<String>, Refusal> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<(char, &[char])> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, closing(c)) {
            (Some((_, ends)), _) if ends.contains(&c) => quote = None,
            _ if c == '\\' => word.get_or_insert_default().extend(chars.next()),
            (None, Some(ends)) => {
                quote = Some((c, ends));
                word.get_or_insert_default();
            }
            (None, None) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if let Some((quote, _)) = quote {
        return Err(Refusal::OpenQuote { quote });
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_stands_on_a_line_of_its_own() {
        assert_eq!(commands_in("Please look again:\n\n/waypost review\n\nThanks"), [Ok(Command::Review)]);
        assert_eq!(commands_in("/waypost"), [Ok(Command::Help)]);
        assert_eq!(commands_in("  /waypost HELP me\r\n/waypost review"), [Ok(Command::Help), Ok(Command::Review)]);
        for none in ["try /waypost review", "/waypostreview", "//waypost review", "> /waypost review", "`/waypost review`", "/way post"] {
            assert_eq!(commands_in(none), [], "{none}");
        }
    }

    #[test]
    fn more_commands_than_are_done_are_told_of() {
        let found = commands_in(&"/waypost status\n".repeat(30));
        assert_eq!(found.len(), MAX_COMMANDS + 1);
        assert_eq!(found.last(), Some(&Err(Refusal::TooMany { most: MAX_COMMANDS })));
        assert_eq!(commands_in(&"/waypost status\n".repeat(MAX_COMMANDS)).len(), MAX_COMMANDS);
    }

    #[test]
    fn a_slip_of_the_finger_is_answered_with_the_word() {
        let nearest = |word: &str| match commands_in(&format!("/waypost {word}")).pop() {
            Some(Err(Refusal::Unknown { nearest, .. })) => nearest,
            other => panic!("{other:?}"),
        };
        assert_eq!(nearest("reveiw"), Some("review"));
        assert_eq!(nearest("trase"), Some("trace"));
        assert_eq!(nearest("hepl"), Some("help"));
        assert_eq!(nearest("deploy"), None);
    }

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(
            words(r#" a "b c" d='e f' \" "" "#),
            Ok(vec!["a".to_owned(), "b c".to_owned(), "d=e f".to_owned(), "\"".to_owned(), String::new()])
        );
        for marks in ["“b c”", "„b c“", "”b c”", "«b c»"] {
            assert_eq!(words(&format!("a d={marks} e’s")), Ok(vec!["a".to_owned(), "d=b c".to_owned(), "e’s".to_owned()]));
        }
        assert_eq!(words("a 'b"), Err(Refusal::OpenQuote { quote: '\'' }));
    }
}

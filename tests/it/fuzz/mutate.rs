//! Damage as people and programs do it: a line twice, a brace gone, a word from elsewhere, a number out of range, a byte flipped.

use super::random::Random;

/// The longest text that is made; what long texts cost is measured elsewhere.
const LONGEST: usize = 24_000;

/// Words that mean something to one of the readers.
const WORDS: &[&str] = &[
    "{",
    "}",
    ";",
    "\"",
    "'",
    "\\",
    "#",
    "$",
    "${",
    "{{",
    "}}",
    "{%",
    "%}",
    "<%",
    "%>",
    "<%=",
    "-%}",
    "{{-",
    "{#",
    "#}",
    "\n",
    "\r\n",
    "\t",
    "\u{feff}",
    "é",
    "\u{E000}",
    "\u{E001}",
    "\u{E123}",
    "location ",
    "location ~ ",
    "location = ",
    "location ^~ ",
    "location @",
    "server {",
    "upstream u {",
    "http {",
    "events {}",
    "stream {",
    "map $uri $x {",
    "geo $x {",
    "if ($x) {",
    "rewrite ^ / last;",
    "return 301 ",
    "try_files $uri @x;",
    "error_page 404 = @x;",
    "proxy_pass http://",
    "include ",
    "include *;",
    "set $x ",
    "$1",
    "$uri",
    "$host",
    "default_server",
    "internal;",
    "limit_req zone=x;",
    "~*",
    "!~",
    "-f",
    "allow all;",
    "deny 10.0.0.0/8;",
    "listen 80;",
    "listen [::]:80;",
    "server_name *.x.com ~^(?<a>.)$;",
    "weight=",
    "backup",
    "down",
    "split_clients $x $y {",
    "content_by_lua_block {",
    "types {",
    "alias /",
    "root /",
    "frontend f\n",
    "backend b\n",
    "listen l\n",
    "defaults\n",
    "defaults d from e\n",
    "global\n",
    "bind :80",
    "acl a path_beg /",
    "use_backend b if ",
    "use_backend %[path,lower]",
    "http-request set-path ",
    "http-request deny if ",
    "unless",
    "||",
    "{ path / }",
    "!{ ",
    "server s 1.2.3.4:80 check",
    "server-template s 1-3 x:80",
    "default-server",
    "default_backend b",
    ".if ",
    ".else",
    ".endif",
    "%[path,map(",
    "hdr(host) -i ",
    "-m reg",
    "-f ",
    "--",
    "http-request redirect location /",
    "option httpchk",
    "timeout connect 5s",
    "maxconn ",
    "for x in y",
    "if x",
    "else",
    "elif y",
    "endif",
    "endfor",
    "end",
    "range .X",
    "(?:",
    "(?=",
    "(?!",
    "(?<n>",
    "[^/]+",
    ".*",
    "\\d",
    "{1,3}",
    "{1000}",
    "{65536}",
    "|",
    "^",
    "$)",
    "\\1",
    "[[:alpha:]]",
    "(?i)",
    "\\Q",
    "\\x{",
    "++",
    "*?",
    "0",
    "-1",
    "65536",
    "4294967296",
    "18446744073709551616",
    "1e9",
    "%00",
    "%2e%2e/",
    "//",
    "/../",
    "./",
];

/// Returns `text` with a few things wrong with it; some of them may come from `other`.
pub(crate) fn mutate(random: &mut Random, text: &str, other: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(4) {
        text = once(random, &text, other);
    }
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

fn once(random: &mut Random, text: &str, other: &str) -> String {
    let (from, to) = (place(random, text), place(random, text));
    let (from, to) = (from.min(to), from.max(to));
    match random.below(12) {
        0 => lines(random, text, |random, lines| lines.insert(random.below(lines.len() + 1), lines[random.below(lines.len())])),
        1 => lines(random, text, |random, lines| {
            lines.remove(random.below(lines.len()));
        }),
        2 => lines(random, text, |random, lines| {
            let (a, b) = (random.below(lines.len()), random.below(lines.len()));
            lines.swap(a, b);
        }),
        3 | 4 => [&text[..from], *random.pick(WORDS), &text[from..]].concat(),
        5 => without_one(random, text, |c| "{}\"';\\()[]#%".contains(c)),
        6 => {
            let (a, b) = (place(random, other), place(random, other));
            [&text[..from], &other[a.min(b)..a.max(b)], &text[from..]].concat()
        }
        7 => cut(text, from, to),
        8 => [&text[..from], &text[from..to].repeat(2 + random.below(4)), &text[to..]].concat(),
        9 => number(random, text),
        10 => flipped(random, text),
        _ => words(random, text),
    }
}

/// Leaves out what is between two places, or the beginning of it.
fn cut(text: &str, from: usize, to: usize) -> String {
    let end = text[from..to].char_indices().nth(40).map_or(to, |(at, _)| from + at);
    [&text[..from], &text[end..]].concat()
}

/// Returns a place between two characters.
fn place(random: &mut Random, text: &str) -> usize {
    let mut at = random.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn lines(random: &mut Random, text: &str, change: impl FnOnce(&mut Random, &mut Vec<&str>)) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if !lines.is_empty() {
        change(random, &mut lines);
    }
    lines.concat()
}

/// Leaves out one of the characters that `is_wanted`, or doubles it.
fn without_one(random: &mut Random, text: &str, is_wanted: impl Fn(char) -> bool) -> String {
    let places: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| is_wanted(*c)).collect();
    if places.is_empty() {
        return text.to_owned();
    }
    let (at, char) = *random.pick(&places);
    let twice = if random.one_in(3) { char.to_string().repeat(2) } else { String::new() };
    [&text[..at], &twice, &text[at + char.len_utf8()..]].concat()
}

/// Puts another number where one is.
fn number(random: &mut Random, text: &str) -> String {
    let starts: Vec<usize> = text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
    if starts.is_empty() {
        return text.to_owned();
    }
    let at = *random.pick(&starts);
    let end = text[at..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |length| at + length);
    let new = random.pick(&["0", "1", "-1", "256", "65536", "4294967295", "99999999999999999999", "08", "0x10"]);
    [&text[..at], new, &text[end..]].concat()
}

/// Changes one bit; what is no text then becomes `?`.
fn flipped(random: &mut Random, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = random.below(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << random.below(7);
        if *byte == 0 {
            *byte = b'?';
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Puts a word of the text in another one's place.
fn words(random: &mut Random, text: &str) -> String {
    let found: Vec<&str> = text.split_whitespace().collect();
    if found.is_empty() {
        return text.to_owned();
    }
    let (old, new) = (*random.pick(&found), *random.pick(&found));
    text.replacen(old, new, 1)
}

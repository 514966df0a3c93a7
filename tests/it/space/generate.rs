//! Random patterns and texts, the same ones each time.

/// A generator of numbers (xorshift); the same seed gives the same numbers.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % end
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// What a pattern may hold beside letters, classes, groups and repetitions.
#[derive(Clone, Copy)]
pub(crate) struct Taste {
    /// Anchors, word boundaries, look-arounds.
    pub(crate) places: bool,
    /// Atomic groups and possessive repetitions.
    pub(crate) atomic: bool,
}

const LETTERS: &[&str] = &["a", "b", "/", r"\.", "a", "b", "ab", "A", "_", "-"];
const CLASSES: &[&str] = &["[ab]", "[^/]", ".", r"\w", "[^a]", "[a-b.]", r"\d", r"[^\w/]", r"\s", "[[:alpha:]]"];
const TIMES: &[&str] = &["*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "*?", "+?", "??"];
const PLACES: &[&str] = &["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z"];
const FLAGS: &[&str] = &["(?i)", "(?s)", "(?m)", "(?i:a)", "(?-i:b)"];

/// Returns a random pattern, some `size` parts long.
pub(crate) fn pattern(random: &mut Random, size: usize, taste: Taste) -> String {
    let mut out = String::new();
    if taste.places && random.below(3) == 0 {
        out.push('^');
    }
    for _ in 0..=random.below(size.max(1)) {
        out.push_str(&part(random, size / 2, taste));
    }
    if taste.places && random.below(3) == 0 {
        out.push('$');
    }
    out
}

fn part(random: &mut Random, size: usize, taste: Taste) -> String {
    let inner = |random: &mut Random| pattern(random, size, taste);
    match random.below(16) {
        0..=4 => random.pick(LETTERS).to_owned(),
        5 | 6 => random.pick(CLASSES).to_owned(),
        7 | 8 => [random.pick(CLASSES), random.pick(TIMES)].concat(),
        9 if size > 0 => format!("({}|{})", inner(random), inner(random)),
        10 if size > 0 => format!("(?:{}){}", inner(random), random.pick(TIMES)),
        11 if size > 0 && taste.places => format!("({}{})", random.pick(&["?=", "?!", "?<=", "?<!", "?!"]), inner(random)),
        12 if taste.places => random.pick(PLACES).to_owned(),
        13 if taste.places => random.pick(FLAGS).to_owned(),
        14 if taste.atomic => match random.below(3) {
            0 => [random.pick(CLASSES), random.pick(&["*+", "++", "?+"])].concat(),
            _ => format!("(?>{})", inner(random)),
        },
        _ => [random.pick(LETTERS), random.pick(&["", "", "?", "*"])].concat(),
    }
}

/// Returns a random text of at most `most` bytes.
pub(crate) fn text(random: &mut Random, most: usize) -> Vec<u8> {
    (0..random.below(most + 1)).map(|_| random.pick(b"aabb//..A_-1 \n\xe4")).collect()
}

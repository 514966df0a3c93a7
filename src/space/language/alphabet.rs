//! Bytes: sets of them, and how a language divides them into classes it does not tell apart.

use hashbrown::HashMap;

/// All bytes, those a person would rather type first: letters, digits, `-_.~/`, what else a URL may hold as it stands, other printable ones, the rest.
fn by_preference() -> impl Iterator<Item = u8> {
    let first = (b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9').chain(*b"-_.~/").chain(*b"!$&'()*+,;=:@");
    let rest = (0x20..=0x7e_u8).filter(|byte| byte_cost(*byte) == HARD);
    first.chain(rest).chain(0x80..=0xff).chain(0x01..0x20).chain([0x7f, 0])
}

/// What a byte costs that stands in a URL as it is.
const EASY: u32 = 4;
/// What a byte costs that has to be percent-encoded: a hundred easy ones are still nicer to read.
const HARD: u32 = 100 * EASY;

/// Returns what it costs to have `byte` in a witness.
pub(super) fn byte_cost(byte: u8) -> u32 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => EASY,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' => EASY + 1,
        0x20..=0x7e => HARD,
        0x80..=0xff => HARD + EASY,
        _ => HARD + 2 * EASY,
    }
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) const NONE: Self = Self([0; 4]);
    pub(super) const ALL: Self = Self([u64::MAX; 4]);

    pub(super) fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        bytes.into_iter().fold(Self::NONE, Self::with)
    }

    /// Returns the set of `byte`, and of its other case with `caseless`.
    pub(super) fn letter(byte: u8, caseless: bool) -> Self {
        let one = Self::NONE.with(byte);
        if caseless { one.with(byte.to_ascii_lowercase()).with(byte.to_ascii_uppercase()) } else { one }
    }

    pub(super) fn with(mut self, byte: u8) -> Self {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
        self
    }

    pub(super) fn has(self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| word(self, at) | word(other, at)))
    }

    pub(super) fn intersection(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| word(self, at) & word(other, at)))
    }

    pub(super) fn complement(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// Returns the only byte of the set.
    pub(super) fn single(self) -> Option<u8> {
        let count: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        if count == 1 { (0..=u8::MAX).find(|byte| self.has(*byte)) } else { None }
    }
}

fn word(set: ByteSet, at: usize) -> u64 {
    set.0.get(at).copied().unwrap_or_default()
}

/// A number of a [`Classes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClassesId(u32);

/// A division of the bytes into classes, numbered by the preference of their best byte.
#[derive(Debug)]
pub(super) struct Classes {
    of: [u8; 256],
    best: Vec<Best>,
}

/// The bytes of a class that a person would rather type, the best first, of different kinds; the rest is filled with the first.
type Best = [u8; 3];

impl Classes {
    pub(super) fn of(&self, byte: u8) -> usize {
        self.of.get(usize::from(byte)).copied().unwrap_or_default().into()
    }

    pub(super) fn len(&self) -> usize {
        self.best.len()
    }

    /// Returns the byte of a class that a person would rather type.
    pub(super) fn best(&self, class: usize) -> Option<u8> {
        self.best.get(class).map(|[first, ..]| *first)
    }

    /// Returns some bytes of a class, of different kinds (letter, digit, sign, other), the best first.
    pub(super) fn kinds(&self, class: usize) -> impl Iterator<Item = u8> {
        let [first, second, third] = self.best.get(class).copied().unwrap_or_default();
        let others = [second, third].into_iter().filter(move |byte| *byte != first);
        std::iter::once(first).chain(others)
    }
}

/// Which kind of byte a person sees.
fn kind(byte: u8) -> u32 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3 + byte_cost(byte),
    }
}

/// Returns an ASCII letter in upper or else lower case, and any other byte as it is.
pub(super) fn fold(byte: u8, upper: bool) -> u8 {
    if upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() }
}

/// The divisions in use, each once.
#[derive(Debug)]
pub(super) struct Divisions {
    all: Vec<Classes>,
    numbers: HashMap<[u8; 256], ClassesId>,
    sets: HashMap<ByteSet, ClassesId>,
    met: HashMap<(ClassesId, ClassesId), ClassesId>,
    order: Vec<u8>,
}

impl Divisions {
    /// The division with one class.
    pub(super) const WHOLE: ClassesId = ClassesId(0);

    pub(super) fn new() -> Self {
        let mut new = Self { all: Vec::new(), numbers: HashMap::new(), sets: HashMap::new(), met: HashMap::new(), order: by_preference().collect() };
        new.divide(|_| 0);
        new
    }

    pub(super) fn get(&self, id: ClassesId) -> Option<&Classes> {
        self.all.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }

    /// Returns the division into the bytes of `set` and the others.
    pub(super) fn by_set(&mut self, set: ByteSet) -> ClassesId {
        if let Some(known) = self.sets.get(&set) {
            return *known;
        }
        let id = self.divide(|byte| usize::from(set.has(byte)));
        self.sets.insert(set, id);
        id
    }

    /// Returns the coarsest division that is finer than both.
    pub(super) fn meet(&mut self, one: ClassesId, other: ClassesId) -> ClassesId {
        if one == other || other == Self::WHOLE {
            return one;
        }
        if one == Self::WHOLE {
            return other;
        }
        let key = (one.min(other), one.max(other));
        if let Some(known) = self.met.get(&key) {
            return *known;
        }
        let (Some(first), Some(second)) = (self.get(key.0), self.get(key.1)) else { return one };
        let keys: Vec<usize> = (0..=u8::MAX).map(|byte| first.of(byte) * 256 + second.of(byte)).collect();
        let id = self.divide(|byte| keys.get(usize::from(byte)).copied().unwrap_or_default());
        self.met.insert(key, id);
        id
    }

    /// Returns the division by what the classes of the folded bytes are.
    pub(super) fn folded(&mut self, classes: ClassesId, upper: bool) -> ClassesId {
        let Some(classes) = self.get(classes) else { return Self::WHOLE };
        let keys: Vec<usize> = (0..=u8::MAX).map(|byte| classes.of(fold(byte, upper))).collect();
        self.divide(|byte| keys.get(usize::from(byte)).copied().unwrap_or_default())
    }

    /// Returns the division by `key`, which is below 65536.
    fn divide(&mut self, key: impl Fn(u8) -> usize) -> ClassesId {
        let mut numbers: HashMap<usize, u8> = HashMap::new();
        let mut classes = Classes { of: [0; 256], best: Vec::new() };
        for byte in self.order.iter().copied() {
            let next = u8::try_from(classes.best.len()).unwrap_or(u8::MAX);
            let class = *numbers.entry(key(byte)).or_insert(next);
            if let Some(of) = classes.of.get_mut(usize::from(byte)) {
                *of = class;
            }
            match classes.best.get_mut(usize::from(class)) {
                None => classes.best.push([byte; 3]),
                Some([first, second, third]) => {
                    let new = [*first, *second, *third].iter().all(|have| kind(*have) != kind(byte));
                    if new && second == first {
                        *second = byte;
                    } else if new && third == first {
                        *third = byte;
                    }
                }
            }
        }
        if let Some(known) = self.numbers.get(&classes.of) {
            return *known;
        }
        let id = ClassesId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.numbers.insert(classes.of, id);
        self.all.push(classes);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_preferred_once() {
        let mut all: Vec<u8> = by_preference().collect();
        assert_eq!(all.first(), Some(&b'a'));
        all.sort_unstable();
        assert_eq!(all, (0..=u8::MAX).collect::<Vec<u8>>());
    }

    #[test]
    fn a_division_is_there_once_and_names_its_best_bytes() {
        let mut divisions = Divisions::new();
        let digits = divisions.by_set(ByteSet::of(b'0'..=b'9'));
        assert_eq!(digits, divisions.by_set(ByteSet::of(b'0'..=b'9').complement()));
        let dot = divisions.by_set(ByteSet::letter(b'.', false));
        let both = divisions.meet(digits, dot);
        assert_eq!(both, divisions.meet(dot, digits));
        let classes = divisions.get(both).unwrap();
        assert_eq!((0..classes.len()).map(|class| classes.best(class).unwrap()).collect::<Vec<u8>>(), b"a0.");
        assert_eq!(classes.of(b'7'), classes.of(b'0'));
        assert_eq!(classes.kinds(0).collect::<Vec<u8>>(), b"aA-");
    }
}

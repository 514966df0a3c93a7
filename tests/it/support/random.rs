//! Random choices that can be repeated: the same seed makes the same choices on every machine.

/// A source of choices (`SplitMix64`: Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Returns the source that `seed` begins; neighbouring seeds have nothing in common.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`, which is more than 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits fit") % bound
    }

    /// Returns `true` in `percent` of all cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns one of `items`, of which there is at least one.
    pub(crate) fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }
}

/// How long a comparison with a real proxy runs, and where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// About so many requests; `DIFFERENTIAL_REQUESTS`, 2,000 without it.
    pub(crate) requests: usize,
    /// The seed of the first configuration, each further one has the next; `DIFFERENTIAL_SEED`, 1 without it.
    pub(crate) seed: u64,
}

impl Run {
    /// Returns what the environment asks for (`tests/differential` sets it).
    pub(crate) fn asked_for() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
        Self {
            requests: number("DIFFERENTIAL_REQUESTS").map_or(2_000, |many: u64| usize::try_from(many).expect("it fits")),
            seed: number("DIFFERENTIAL_SEED").unwrap_or(1),
        }
    }
}

#[test]
fn a_seed_repeats_its_choices() {
    let choices = |seed| {
        let mut random = Random::new(seed);
        (0..50).map(|_| random.below(10)).collect::<Vec<_>>()
    };
    assert_eq!(choices(7), choices(7));
    assert_ne!(choices(7), choices(8));
    assert!(choices(7).contains(&9));
}

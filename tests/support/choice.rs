//! Choices as a trait: random from a seed, or every combination in turn.

/// Chooses among a number of options.
pub(crate) trait Choose {
    /// One of `0..options`; `options` is at least 1.
    fn choose(&mut self, options: usize) -> usize;

    fn flip(&mut self) -> bool {
        self.choose(2) == 1
    }
}

/// SplitMix64: small, and the same on every platform, so that a seed in a failure's message repeats it.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

impl Choose for Random {
    fn choose(&mut self, options: usize) -> usize {
        let options = options.max(1) as u64;
        usize::try_from(self.next() % options).unwrap_or(0)
    }
}

/// Every combination of choices, one after another, like the wheels of a counter.
#[derive(Debug, Default)]
pub(crate) struct Every {
    /// What was chosen, and among how many.
    wheels: Vec<(usize, usize)>,
    at: usize,
}

impl Every {
    /// Turns to the next combination. False when all have been.
    pub(crate) fn turn(&mut self) -> bool {
        self.at = 0;
        while let Some((chosen, options)) = self.wheels.pop() {
            if chosen + 1 < options {
                self.wheels.push((chosen + 1, options));
                return true;
            }
        }
        false
    }
}

impl Choose for Every {
    fn choose(&mut self, options: usize) -> usize {
        if self.at == self.wheels.len() {
            self.wheels.push((0, options));
        }
        let (chosen, among) = self.wheels[self.at];
        assert_eq!(among, options, "the same choices ask for the same options");
        self.at += 1;
        chosen
    }
}

use std::convert::Infallible;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng, TryRng};

/// What a stream of random numbers is for. Two purposes never share numbers.
///
/// The numbers behind the names are part of what makes a run repeatable: they stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u64)]
pub enum Purpose {
    /// The order of an epoch's photos; its sample is 0.
    Order = 1,
    /// Which photo a sample is made of.
    Photo = 2,
    /// Which photo takes the place of one that cannot be used.
    Replacement = 3,
    /// What a set draws while it reads a photo.
    Reading = 4,
    /// Scale, crop, colors.
    Augmentation = 5,
    /// Object, target, clicks.
    Clicks = 6,
    /// Clicks on the errors of a prediction.
    NextClicks = 7,
    /// How many such clicks a batch gets; its sample is the number of the batch.
    Rounds = 8,
    /// Whether a sample is shown its previous mask.
    PreviousMask = 9,
    /// What a network drops; its sample is the number of the batch.
    Dropout = 10,
    /// The weights that a network starts with.
    Initialization = 11,
    /// Which of a photo's views a sample is of.
    View = 12,
}

/// One stream of random numbers for each seed, epoch, sample and purpose: ChaCha8, with the four as its key.
///
/// The numbers are the same whatever was drawn from other streams, on how many threads, and before or after
/// a resume.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of a purpose, from its beginning.
    pub fn new(seed: u64, epoch: u64, sample: u64, purpose: Purpose) -> Self {
        let mut key = [0; 32];
        let words = [seed, epoch, sample, purpose as u64];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number from 0 up to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        Draw::unit(self)
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        Draw::chance(self, probability)
    }

    /// One of 0…`count` - 1, all equally likely; 0 where there is none.
    pub fn below(&mut self, count: usize) -> usize {
        Draw::below(self, count)
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

/// What samples draw. Written out here, and not taken from `rand`, whose numbers may change between versions.
pub(crate) trait Draw: Rng {
    /// Uniform in 0…1, without 1.
    fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform between two limits, without the upper one.
    fn between(&mut self, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with this probability.
    fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of 0…`count` - 1; 0 where there is none.
    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next_u64()) * count as u128) >> 64) as usize
    }

    /// One of them, or none where there is none.
    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// Brings them into a random order.
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = self.below(end + 1);
            items.swap(end, other);
        }
    }

    /// `count` of them (all, where there are fewer), each at most once, in random order.
    fn distinct<T: Clone>(&mut self, items: &[T], count: usize) -> Vec<T> {
        let mut items = items.to_vec();
        self.shuffle(&mut items);
        items.truncate(count);
        items
    }
}

impl<R: Rng + ?Sized> Draw for R {}

/// Numbers 0, 1, … with given weights.
#[derive(Debug, Clone)]
pub(crate) struct Weighted {
    /// Sums of the weights up to and with each.
    sums: Vec<f64>,
}

impl Weighted {
    /// Weights are finite and not negative; at least one is above 0.
    pub(crate) fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let add = |weight: f64| {
            sum += weight;
            sum
        };
        Self { sums: weights.into_iter().map(add).collect() }
    }

    pub(crate) fn draw<R: Rng + ?Sized>(&self, draw: &mut R) -> usize {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let at = total * draw.unit();
        let index = self.sums.partition_point(|sum| *sum <= at);
        // Rounding may bring `at` up to the total: then the last one that has a weight.
        index.min(self.sums.partition_point(|sum| *sum < total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of a stream are part of what makes runs repeatable.
    #[test]
    fn streams_stay_as_they_are() {
        let mut stream = Stream::new(1, 2, 3, Purpose::Clicks);
        let numbers: Vec<u64> = (0..3).map(|_| stream.next_u64()).collect();
        assert_eq!(numbers, STREAM);
        let mut stream = Stream::new(1, 2, 3, Purpose::Clicks);
        assert_eq!(stream.unit(), (STREAM[0] >> 11) as f64 / 9007199254740992.0);
        assert_eq!(stream.below(1000), ((u128::from(STREAM[1]) * 1000) >> 64) as usize);
    }

    const STREAM: [u64; 3] =
        [580_827_848_667_427_400, 6_521_744_921_426_663_132, 8_793_804_974_671_103_828];

    #[test]
    fn every_part_of_the_key_counts() {
        let streams = [
            Stream::new(1, 2, 3, Purpose::Clicks),
            Stream::new(2, 2, 3, Purpose::Clicks),
            Stream::new(1, 3, 3, Purpose::Clicks),
            Stream::new(1, 2, 4, Purpose::Clicks),
            Stream::new(1, 2, 3, Purpose::Photo),
        ];
        let mut firsts: Vec<u64> = streams.map(|mut stream| stream.next_u64()).to_vec();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 5);
    }

    #[test]
    fn weights_are_kept() {
        let mut stream = Stream::new(0, 0, 0, Purpose::Photo);
        let weighted = Weighted::new([0.0, 1.0, 0.0, 3.0, 0.0]);
        let mut counts = [0u32; 5];
        for _ in 0..20_000 {
            counts[weighted.draw(&mut stream)] += 1;
        }
        assert_eq!([counts[0], counts[2], counts[4]], [0; 3]);
        assert!((4750..5250).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn every_order_comes_as_often() {
        let mut stream = Stream::new(0, 0, 0, Purpose::Order);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            stream.shuffle(&mut items);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 24);
        let squared: f64 =
            counts.values().map(|n: &i32| f64::from(n - 1000).powi(2) / 1000.0).sum();
        assert!(squared < 49.7, "χ² with 23 degrees of freedom: {squared}");
    }
}

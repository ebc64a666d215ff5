//! Draws whose numbers are the same in every version: they take what the stream gives, and nothing
//! of how a library makes use of it.

use rand::Rng;

/// A number from 0 to before 1, of 53 bits.
pub(super) fn unit(draw: &mut dyn Rng) -> f64 {
    const STEPS: f64 = (1u64 << 53) as f64;
    (draw.next_u64() >> 11) as f64 / STEPS
}

/// A whole number from 0 to before `count`; 0 where there is none.
pub(super) fn below(draw: &mut dyn Rng, count: usize) -> usize {
    // The upper half of the product: what is drawn too often is one in 2^64 / count.
    let wide = u128::from(draw.next_u64()).saturating_mul(count as u128);
    (wide >> 64) as usize
}

/// The whole numbers from 0 to before `count` in random order.
pub(super) fn order(draw: &mut dyn Rng, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, below(draw, last.saturating_add(1)));
    }
    order
}

/// A small stream of its own (SplitMix64), for what has to be drawn where nobody gave one.
#[derive(Debug)]
pub(super) struct Small(pub(super) u64);

impl Small {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl rand::TryRng for Small {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *to = from;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_and_number_comes_equally_often() {
        let mut draw = Small(7);
        let mut counts = [0usize; 6];
        for _ in 0..12_000 {
            let order = order(&mut draw, 3);
            let place = |wanted| order.iter().position(|at| *at == wanted).unwrap_or(9);
            counts[place(0) * 2 + usize::from(place(1) > place(2))] += 1;
        }
        // Six standard deviations around 2,000.
        assert!(counts.iter().all(|count| count.abs_diff(2000) < 245), "{counts:?}");
        assert!((0..1000).all(|_| below(&mut draw, 7) < 7));
        assert_eq!(below(&mut draw, 0), 0);
        let mean = (0..10_000).map(|_| unit(&mut draw)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.018, "{mean}");
    }

    #[test]
    fn the_numbers_are_those_of_every_version() {
        // The first numbers of SplitMix64 of 1234567, as its author published them.
        let mut draw = Small(1_234_567);
        let found: Vec<u64> = (0..3).map(|_| draw.next_u64()).collect();
        assert_eq!(
            found,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        assert_eq!(order(&mut Small(1), 6), [2, 0, 1, 4, 5, 3]);
    }
}

//! Dropout (Srivastava et al. 2014): values, or whole channels, become 0 at random; the others grow
//! so that the expectation stays.

use burn::tensor::{Tensor, TensorData};

/// What is dropped as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropout {
    Values,
    Channels,
}

impl Dropout {
    /// `seed` decides what is dropped, on every device alike; `rate` in [0, 1). `first`: the place of the
    /// first sample in its batch.
    pub(super) fn run(self, x: Tensor<4>, rate: f64, seed: u64, first: usize) -> Tensor<4> {
        if rate <= 0.0 {
            return x;
        }
        let [batch, channels, height, width] = x.dims();
        let shape = match self {
            Self::Values => [batch, channels, height, width],
            Self::Channels => [batch, channels, 1, 1],
        };
        let kept = (1.0 / (1.0 - rate)) as f32;
        let [_, of_sample @ ..] = shape;
        let before = first * of_sample.iter().product::<usize>();
        let factors = (before as u64..(before + shape.iter().product::<usize>()) as u64)
            .map(|index| if uniform(seed, index) < rate { 0.0 } else { kept })
            .collect::<Vec<f32>>();
        x.clone() * Tensor::from_data(TensorData::new(factors, shape), &x.device())
    }
}

/// The number with this index of a stream, in [0, 1): SplitMix64.
fn uniform(seed: u64, index: u64) -> f64 {
    let z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// A seed of its own for a layer.
pub(super) fn seed_of(layer: &str, step: u64) -> u64 {
    let name = layer.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    name ^ step.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::Device;

    use super::*;

    fn dropped(dropout: Dropout, seed: u64) -> Vec<f32> {
        let ones = Tensor::<4>::ones([4, 50, 5, 5], &Device::flex());
        dropout.run(ones, 0.2, seed, 0).try_into_vec_as::<f32>().unwrap()
    }

    #[test]
    fn a_fifth_becomes_zero_and_the_others_grow() {
        for (dropout, tolerance) in [(Dropout::Values, 0.02), (Dropout::Channels, 0.1)] {
            let values = dropped(dropout, 7);
            assert!(values.iter().all(|value| *value == 0.0 || *value == 1.25));
            let zeros = values.iter().filter(|value| **value == 0.0).count();
            assert!((zeros as f64 / values.len() as f64 - 0.2).abs() < tolerance, "{zeros}");
            assert_eq!(values, dropped(dropout, 7));
            assert_ne!(values, dropped(dropout, 8));
        }
    }

    #[test]
    fn a_part_of_a_batch_loses_what_it_loses_in_the_whole() {
        for dropout in [Dropout::Values, Dropout::Channels] {
            let whole = dropped(dropout, 7);
            let ones = Tensor::<4>::ones([1, 50, 5, 5], &Device::flex());
            let part = dropout.run(ones, 0.2, 7, 2).try_into_vec_as::<f32>().unwrap();
            assert_eq!(part, whole[2 * 1250..3 * 1250]);
        }
    }

    #[test]
    fn channels_are_dropped_whole() {
        for channel in dropped(Dropout::Channels, 3).chunks(25) {
            assert!(channel.iter().all(|value| *value == channel[0]));
        }
    }

    #[test]
    fn layers_and_steps_have_seeds_of_their_own() {
        let seeds = [seed_of("a", 1), seed_of("b", 1), seed_of("a", 2)];
        assert!(seeds[0] != seeds[1] && seeds[0] != seeds[2] && seeds[1] != seeds[2]);
    }
}

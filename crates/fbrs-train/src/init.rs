//! Initial weights.
//!
//! Every convolution: normal, standard deviation √(4 / (fan-in + fan-out)), with
//! fan-in = channels in a group · area and fan-out = outputs · area, groups not taken into account.
//! Biases 0, batch normalization 1 and 0 with running mean 0 and variance 1, RITM's scale 0.05.

use fbrs_models::{BoxError, ParameterSource};

/// RITM's learned factor of the click features.
const SCALE: f32 = 0.05;

/// Initial weights that follow from a seed and the parameters' names.
#[derive(Debug, Clone, Copy)]
pub struct InitialWeights {
    /// Decides all of them.
    pub seed: u64,
}

impl ParameterSource for InitialWeights {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        let count = shape.iter().product();
        if let [output, input, height, width] = *shape {
            let area = height * width;
            let deviation = (4.0 / ((input + output) * area) as f64).sqrt();
            return Ok(normal(seed_of(name, self.seed))
                .take(count)
                .map(|n| (n * deviation) as f32)
                .collect());
        }
        let value = match name {
            name if name.ends_with(".scale") => SCALE,
            name if name.ends_with(".weight") || name.ends_with(".running_var") => 1.0,
            _ => 0.0,
        };
        Ok(vec![value; count])
    }
}

/// A seed of its own for a parameter: FNV-1a.
fn seed_of(name: &str, seed: u64) -> u64 {
    let name = name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    name ^ seed.wrapping_add(1).wrapping_mul(0xD134_2543_DE82_EF95)
}

/// Standard normal numbers (Box & Muller 1958) from SplitMix64.
fn normal(mut state: u64) -> impl Iterator<Item = f64> {
    let mut uniform = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // In (0, 1].
        (((z ^ (z >> 31)) >> 11) + 1) as f64 / (1u64 << 53) as f64
    };
    std::iter::from_fn(move || {
        let radius = (-2.0 * uniform().ln()).sqrt();
        let angle = std::f64::consts::TAU * uniform();
        Some([radius * angle.cos(), radius * angle.sin()])
    })
    .flatten()
}

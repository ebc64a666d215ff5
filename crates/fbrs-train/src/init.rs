//! Initial weights.
//!
//! Every convolution: normal, standard deviation √(4 / (fan-in + fan-out)), with
//! fan-in = channels in a group · area and fan-out = outputs · area, groups not taken into account.
//! Biases 0, batch normalization 1 and 0 with running mean 0 and variance 1, RITM's scale 0.05.

use fbrs_models::{BoxError, ParameterSource};
use fbrs_samples::{Purpose, Stream};

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
            return Ok(normal(Stream::new(self.seed, 0, number(name), Purpose::Initialization))
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

/// A number of its own for a parameter: FNV-1a.
fn number(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
}

/// Standard normal numbers (Box & Muller 1958).
fn normal(mut stream: Stream) -> impl Iterator<Item = f64> {
    std::iter::from_fn(move || {
        // Of a number in (0, 1].
        let radius = (-2.0 * (1.0 - stream.unit()).ln()).sqrt();
        let angle = std::f64::consts::TAU * stream.unit();
        Some([radius * angle.cos(), radius * angle.sin()])
    })
    .flatten()
}

//! Deterministic parameters and inputs.
//!
//! Every value follows from the parameter's name and its index: SplitMix64 over the FNV-1a hash of
//! the name. The published implementation was run with the very same values to make the golden
//! data in `tests/golden/`.

use crate::build::{BoxError, ParameterSource};

/// A [`ParameterSource`] that needs no file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Formula;

impl ParameterSource for Formula {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        Ok(values(name, shape))
    }
}

/// The values of the parameter `name`, row-major.
pub fn values(name: &str, shape: &[usize]) -> Vec<f32> {
    let scale = match shape {
        [_, input, height, width] => ((6.0 / (input * height * width) as f64).sqrt()) as f32,
        _ => 0.0,
    };
    let value = |u: f32| match (shape.len(), name) {
        (4, _) => (2.0 * u - 1.0) * scale,
        (_, name) if name.ends_with("running_var") => 0.75 + 0.5 * u,
        (_, name) if name.ends_with(".weight") => 0.6 + 0.2 * u,
        _ => 0.1 * (2.0 * u - 1.0),
    };
    uniform(name, shape.iter().product()).map(value).collect()
}

/// An input image, `[1, 3, height, width]` row-major, in [-2, 2].
pub fn image(height: usize, width: usize) -> Vec<f32> {
    uniform("image", 3 * height * width).map(|u| 4.0 * u - 2.0).collect()
}

/// Numbers in [0, 1) that follow from a name.
pub fn uniform(name: &str, count: usize) -> impl Iterator<Item = f32> {
    let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    (0..count as u64).map(move |index| {
        let z = hash.wrapping_add(index).wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / 16_777_216.0
    })
}

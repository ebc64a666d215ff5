#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use half::f16;
use half::slice::HalfFloatSliceExt;

/// Type of a tensor's elements in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Element {
    /// IEEE half precision.
    F16,
    /// The upper half of an `f32`.
    BF16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// A type that no network parameter can have; the name is the file's word for it.
    Other(&'static str),
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Other(name) => name,
        })
    }
}

impl Element {
    /// The values behind `bytes`, which are in the machine's byte order and row-major.
    /// `None` for a type that no parameter can have, or a length that holds no whole elements.
    pub(crate) fn to_f32(self, bytes: &[u8]) -> Option<Vec<f32>> {
        match self {
            Self::F32 => each(bytes, f32::from_ne_bytes),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a value out of range becomes an \
                     infinity, which the reader of a parameter refuses"
            )]
            Self::F64 => each(bytes, |word| f64::from_ne_bytes(word) as f32),
            Self::BF16 => {
                each(bytes, |word| f32::from_bits(u32::from(u16::from_ne_bytes(word)) << 16))
            }
            Self::F16 => from_half(bytes),
            Self::Other(_) => None,
        }
    }
}

fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Option<Vec<f32>> {
    let (words, rest) = bytes.as_chunks::<N>();
    rest.is_empty().then(|| words.iter().map(|word| value(*word)).collect())
}

/// Goes through a small buffer: the slice conversion uses the processor's instruction for it,
/// and wants aligned input.
fn from_half(bytes: &[u8]) -> Option<Vec<f32>> {
    let (words, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let mut values = vec![0.0; words.len()];
    let mut buffer = [f16::ZERO; 1024];
    for (words, values) in words.chunks(buffer.len()).zip(values.chunks_mut(buffer.len())) {
        for (half, word) in buffer.iter_mut().zip(words) {
            *half = f16::from_ne_bytes(*word);
        }
        buffer.get(..words.len())?.convert_to_f32_slice(values);
    }
    Some(values)
}

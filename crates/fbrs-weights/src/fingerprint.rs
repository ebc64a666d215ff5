use std::fmt;
use std::str::FromStr;

use fbrs_models::{Architecture, ParameterShape, ParameterSource};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::provenance::hex;
use crate::values::values;
use crate::{InputScaling, WeightsError};

/// What a network is, whatever file it lies in: a SHA-256.
///
/// Over, one behind the other:
/// 1. the architecture in its text form and a zero byte;
/// 2. the norm radius as an `f32` in little endian, and mean and deviation of the colors in the same
///    way where they are not the usual ones;
/// 3. every value of every parameter as an `f32` in little endian, row-major, the parameters in
///    network order ([`Architecture::parameters`]), those that the network never reads included.
///
/// A checkpoint and the native file in single precision that was made of it have the same one; a
/// native file in half precision is another network.
///
/// Its text form is 64 hexadecimal digits in lower case; either case is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a network that any source holds. Reads all of it, one parameter at a
    /// time: the largest takes about a second.
    ///
    /// # Errors
    /// [`WeightsError::Source`] and [`WeightsError::NotFinite`]; a
    /// [`Checkpoint`](crate::Checkpoint)'s own errors.
    pub fn of(
        source: &mut dyn ParameterSource,
        architecture: &Architecture,
        scaling: &InputScaling,
    ) -> Result<Self, WeightsError> {
        let mut hasher = Sha256::new();
        hasher.update(architecture.to_string());
        hasher.update([0]);
        hasher.update(scaling.norm_radius.to_le_bytes());
        if !scaling.has_usual_colors() {
            for value in scaling.mean.iter().chain(&scaling.deviation) {
                hasher.update(value.to_le_bytes());
            }
        }
        let mut bytes = Vec::new();
        for ParameterShape { name, shape, .. } in architecture.parameters() {
            bytes.clear();
            bytes.extend(values(source, &name, &shape)?.iter().flat_map(|v| v.to_le_bytes()));
            hasher.update(&bytes);
        }
        Ok(Self(hasher.finalize().into()))
    }

    /// The 32 bytes of the SHA-256.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a fingerprint of 64 hexadecimal digits")]
#[non_exhaustive]
pub struct ParseFingerprintError;

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, ParseFingerprintError> {
        let digit = |letter: u8| char::from(letter).to_digit(16);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(ParseFingerprintError);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let value = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low);
            let value = value.and_then(|value| u8::try_from(value).ok());
            *byte = value.ok_or(ParseFingerprintError)?;
        }
        Ok(Self(bytes))
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = ParseFingerprintError;

    fn try_from(text: String) -> Result<Self, ParseFingerprintError> {
        text.parse()
    }
}

//! Names of photos and sessions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::problem::{Code, Problem};

/// What a photo's file is called: by the SHA-256 of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ImageHash(String);

const PREFIX: &str = "sha256:";

impl ImageHash {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// The digits alone: a file's name.
    pub(crate) fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl From<ImageHash> for String {
    fn from(hash: ImageHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for ImageHash {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl FromStr for ImageHash {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text.strip_prefix(PREFIX).filter(|digits| is_hex(digits, 64)) {
            Some(digits) => Ok(Self(digits.to_owned())),
            None => Err(Problem::invalid(
                "image: expected \"sha256:\" and 64 hexadecimal digits, as an upload answers",
            )),
        }
    }
}

/// What a session is called: 128 random bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(String);

impl SessionId {
    /// A name that nobody can guess.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub(crate) fn random() -> Result<Self, Problem> {
        let mut bits = [0u8; 16];
        getrandom::fill(&mut bits)
            .map_err(|error| Problem::new(Code::Fault, format!("no random numbers: {error}")))?;
        Ok(Self(hex(&bits)))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match is_hex(text, 32) {
            true => Ok(Self(text.to_owned())),
            false => Err(Problem::new(Code::UnknownSession, "there is no session of this name")),
        }
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

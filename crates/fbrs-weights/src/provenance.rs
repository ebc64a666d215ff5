use std::io::{self, Read};
use std::path::Path;

use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::WeightsError;
use crate::entry::Opened;

/// Where weights come from. A native file carries it; a checkpoint knows its own file at most.
///
/// The texts are as they are in the file, for programs: whoever made the file chose them. Print
/// those of [`Provenance::printable`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Provenance {
    /// Name of the file that was imported, without its folder.
    pub source_file: Option<String>,
    /// SHA-256 of that file, hexadecimal.
    pub source_sha256: Option<String>,
    /// What the network was trained on.
    pub training_set: Option<String>,
    /// Licence or terms of use.
    pub terms: Option<String>,
    /// The program that wrote the native file, with its version.
    pub created_by: Option<String>,
}

impl Provenance {
    /// The provenance of something imported from `path`: its name and its SHA-256.
    ///
    /// # Errors
    /// [`WeightsError::Io`] where the file cannot be read, [`WeightsError::Unsupported`] where it is no
    /// plain file.
    pub fn of_file(path: &Path) -> Result<Self, WeightsError> {
        Ok(Self {
            source_file: file_name(path),
            source_sha256: Some(sha256_of_file(path)?),
            ..Self::default()
        })
    }

    /// The same with texts that are safe to print: each in one line, without control characters,
    /// not too long ([`printable`]).
    #[must_use]
    pub fn printable(&self) -> Self {
        let safe = |text: &Option<String>| text.as_deref().map(printable);
        Self {
            source_file: safe(&self.source_file),
            source_sha256: safe(&self.source_sha256),
            training_set: safe(&self.training_set),
            terms: safe(&self.terms),
            created_by: safe(&self.created_by),
        }
    }
}

pub(crate) fn file_name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// SHA-256 of a plain file, hexadecimal in lower case.
fn sha256_of_file(path: &Path) -> Result<String, WeightsError> {
    let mut opened = Opened::open(path)?;
    let mut hasher = Sha256::new();
    match hash_into(&mut hasher, &mut opened.file) {
        Ok(()) => Ok(hex(&hasher.finalize())),
        Err(source) => Err(WeightsError::Io { operation: "read", file: opened.name, source }),
    }
}

/// Feeds everything that is left in `source` to the hash.
pub(crate) fn hash_into(hasher: &mut Sha256, source: &mut impl Read) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(()),
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// Bytes in hexadecimal, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

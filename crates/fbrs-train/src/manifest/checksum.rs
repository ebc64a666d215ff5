use std::io::{self, Read};
use std::path::Path;

use fbrs_data::files::open;
use sha2::{Digest, Sha256};

use super::hexadecimal;
use crate::Result;
use crate::error::shown;
use fbrs_data::files::ReadError;

/// The SHA-256 of a file, hexadecimal.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read).
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    add_file(&mut hasher, path)?;
    Ok(hexadecimal(&hasher.finalize()))
}

/// The SHA-256 of texts in their order, hexadecimal.
pub(crate) fn of_texts<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    texts.for_each(|text| add_text(&mut hasher, text));
    hexadecimal(&hasher.finalize())
}

fn add_text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text);
}

fn add_file(hasher: &mut Sha256, path: &Path) -> Result<()> {
    let mut file = open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(|error| unreadable(path, error))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        hasher.update(bytes);
    }
}

fn unreadable(path: &Path, source: io::Error) -> crate::Error {
    ReadError::Io { file: shown(path), source }.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_has_its_usual_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_file(&path).unwrap(), sha256);
    }
}

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

/// The format of a file of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// PyTorch's zip archive (1.6 and later).
    Zip,
    /// PyTorch's stream of pickles (before 1.6).
    Stream,
    /// safetensors, the format of native files.
    Safetensors,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Zip => "PyTorch zip archive",
            Self::Stream => "older PyTorch stream",
            Self::Safetensors => "safetensors",
        })
    }
}

/// Bytes at a file's beginning that tell the formats apart.
pub(crate) const OPENING: u64 = 512;

/// The number that opens the older stream, 0x1950a86a20f9469cfc6c, as its pickle holds it.
const STREAM_MAGIC: [u8; 12] =
    [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// How files begin that people take for weights: packed ones above all.
const OTHERS: [(&[u8], &str); 8] = [
    (b"\x1f\x8b", "a gzip file (unpack it first)"),
    (b"\xfd7zXZ\0", "an xz file (unpack it first)"),
    (b"BZh", "a bzip2 file (unpack it first)"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file (unpack it first)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive (unpack it first)"),
    (b"Rar!\x1a\x07", "a RAR archive (unpack it first)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"version https://git-lfs", "a Git LFS pointer (fetch the file itself with `git lfs pull`)"),
];

/// The format that a file's first bytes announce, or what they look like instead.
pub(crate) fn recognize(start: &[u8]) -> Result<Container, String> {
    let opening = start.get(..64).unwrap_or(start);
    if start.is_empty() {
        Err("an empty file".to_owned())
    } else if start.starts_with(b"PK\x03\x04") {
        Ok(Container::Zip)
    } else if start.get(257..262) == Some(b"ustar") {
        Err("a tar archive (PyTorch before 0.1.10 wrote such; save it again with a newer one)"
            .to_owned())
    } else if opening.windows(STREAM_MAGIC.len()).any(|bytes| bytes == STREAM_MAGIC) {
        Ok(Container::Stream)
    } else if start.get(8) == Some(&b'{') {
        Ok(Container::Safetensors)
    } else if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        Err((*what).to_owned())
    } else if start.trim_ascii_start().starts_with(b"<") {
        Err("a web page (was the download address right?)".to_owned())
    } else if start.first() == Some(&0x80) {
        Err("a Python pickle that is no PyTorch checkpoint".to_owned())
    } else {
        let shown = start.get(..8).unwrap_or(start).escape_ascii();
        Err(format!("a file that begins with \"{shown}\""))
    }
}

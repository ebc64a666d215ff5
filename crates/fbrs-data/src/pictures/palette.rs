//! A PNG's palette, looked at before its decoder believes it.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// Bytes before the first chunk.
const SIGNATURE: u64 = 8;
/// Bytes of a chunk beside its data: length and type before, a checksum behind.
const CHECKSUM: i64 = 4;
/// Bytes of the largest palette: 256 colors.
const LARGEST: u32 = 3 * 256;
/// Chunks before the pixels. A sound file has a dozen.
const MOST_CHUNKS: usize = 10_000;

/// Whether a palette has a part of a color, or more of them than an index can name. The source is
/// where it was afterwards: at its beginning.
pub(super) fn is_broken(source: &mut (impl BufRead + Seek)) -> io::Result<bool> {
    source.seek(SeekFrom::Start(SIGNATURE))?;
    let mut broken = false;
    for _ in 0..MOST_CHUNKS {
        let mut start = [0; 8];
        if read_all(source, &mut start)? < start.len() {
            break;
        }
        let [a, b, c, d, kind @ ..] = start;
        let length = u32::from_be_bytes([a, b, c, d]);
        if &kind == b"IDAT" {
            break;
        }
        if &kind == b"PLTE" && (length == 0 || length > LARGEST || !length.is_multiple_of(3)) {
            broken = true;
            break;
        }
        source.seek_relative(i64::from(length).saturating_add(CHECKSUM))?;
    }
    source.rewind()?;
    Ok(broken)
}

/// Fills the buffer as far as there is something.
fn read_all(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let wanted = buffer.len() as u64;
    let mut found = Vec::new();
    let count = source.by_ref().take(wanted).read_to_end(&mut found)?;
    for (to, from) in buffer.iter_mut().zip(found) {
        *to = from;
    }
    Ok(count)
}

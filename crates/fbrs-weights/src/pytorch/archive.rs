//! What a zip archive must be before it is read.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use fbrs_data::text::printable;
use zip::read::{ArchiveOffset, Config};
use zip::{CompressionMethod, ZipArchive};

use crate::entry::is_of_machine;
use crate::pickle::{self, Inspected, Refusal};

/// Entries of an archive. The largest network takes 2,000.
const MAX_ENTRIES: u64 = 20_000;

/// Bytes of the archive's directory, which is held in memory while it is read.
const MAX_DIRECTORY: u64 = 8 << 20;

/// What the check of an archive found.
pub(super) struct Checked {
    pub(super) found: Inspected,
    pub(super) end: End,
}

/// What the end of an archive tells a reader that finds out itself where the archive begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// What it tells this check.
    Clear,
    /// Something else; but there is a wide record that does not.
    Misleading,
}

/// Makes sure that an archive holds one checkpoint, all of it stored as it is, whose pickle calls
/// nothing but what rebuilds tensors.
pub(super) fn check(file: &File, length: u64) -> Result<Checked, Refusal> {
    let wide = check_directory(file, length)?;
    // The file begins with an entry, so the archive begins with the file: nothing is to be guessed.
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    let mut archive = ZipArchive::with_config(config, BufReader::new(file)).map_err(from_zip)?;
    if archive.has_duplicate_names() {
        return Err(Refusal::Damaged("its archive has two entries of one name".to_owned()));
    }
    let pickle = find_pickle(&archive)?;
    let mut size = 0_u64;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(from_zip)?;
        if entry.compression() != CompressionMethod::Stored {
            let name = entry.name().map_err(from_zip)?;
            return Err(Refusal::Unsupported(format!(
                "its entry {} is compressed, which torch.save never does: save it again with \
                 torch.save",
                printable(&name)
            )));
        }
        size = size.saturating_add(entry.size());
    }
    if size > length {
        return Err(Refusal::Damaged("its entries together are larger than the file".to_owned()));
    }
    let mut entry = BufReader::new(archive.by_index(pickle).map_err(from_zip)?);
    let found = pickle::inspect(&mut entry)?;
    drop(entry);
    let end = match (is_same_when_guessed(file, &archive), wide) {
        (true, _) => End::Clear,
        (false, true) => End::Misleading,
        (false, false) => return Err(lost()),
    };
    Ok(Checked { found, end })
}

/// The index of the checkpoint's pickle.
fn find_pickle<R: Read + Seek>(archive: &ZipArchive<R>) -> Result<usize, Refusal> {
    let (mut pickle, mut other) = (None, None);
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(from_zip)?;
        let name = entry.name().map_err(from_zip)?;
        if (name == "data.pkl" || name.ends_with("/data.pkl")) && pickle.replace(index).is_some() {
            return Err(Refusal::Damaged("its archive holds two checkpoints".to_owned()));
        }
        let lower = name.to_ascii_lowercase();
        if [".pth", ".pt", ".safetensors"].iter().any(|ending| lower.ends_with(ending)) {
            other.get_or_insert_with(|| printable(&name));
        }
    }
    match (pickle, other) {
        (Some(index), _) => Ok(index),
        (None, Some(name)) => Err(Refusal::Unsupported(format!(
            "it is a zip archive that holds {name}: unpack it first and give that file"
        ))),
        (None, None) => Err(Refusal::Damaged("its archive holds no data.pkl".to_owned())),
    }
}

/// Whether a reader that finds out itself where the archive begins reads the same directory.
fn is_same_when_guessed<R: Read + Seek>(file: &File, checked: &ZipArchive<R>) -> bool {
    ZipArchive::new(BufReader::new(file)).is_ok_and(|guessed| {
        guessed.offset() == checked.offset()
            && guessed.central_directory_start() == checked.central_directory_start()
            && guessed.len() == checked.len()
    })
}

/// What an archive is refused for whose directory two readers would look for in two places.
pub(super) fn lost() -> Refusal {
    Refusal::Damaged("its archive's directory is not where it says".to_owned())
}

/// Bounds the archive's directory before it is read into memory. The record that describes it
/// lies at the very end of what `torch.save` writes, with a wide form of it before. Tells whether
/// there is a wide one.
fn check_directory(file: &File, length: u64) -> Result<bool, Refusal> {
    let record: [u8; 22] = read_at(file, length, length.checked_sub(22))?;
    if !record.starts_with(b"PK\x05\x06") {
        return Err(Refusal::Damaged("its archive has no directory at its end".to_owned()));
    }
    let entries = u64::from(u16::from_le_bytes([record[10], record[11]]));
    let size = u64::from(u32::from_le_bytes([record[12], record[13], record[14], record[15]]));
    // A field of all ones refers to the wide record.
    let (no_entries, no_size) = (entries == u64::from(u16::MAX), size == u64::from(u32::MAX));
    bound_directory(if no_entries { 0 } else { entries }, if no_size { 0 } else { size })?;

    let locator: [u8; 20] = read_at(file, length, length.checked_sub(42))?;
    if locator.starts_with(b"PK\x06\x07") {
        let [.., a, b, c, d, e, f, g, h, _, _, _, _] = locator;
        let offset = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let wide: [u8; 48] = read_at(file, length, Some(offset))?;
        let (words, _) = wide.as_chunks::<8>();
        if let (true, [.., entries, size]) = (wide.starts_with(b"PK\x06\x06"), words) {
            bound_directory(u64::from_le_bytes(*entries), u64::from_le_bytes(*size))?;
        } else {
            return Err(lost());
        }
        return Ok(true);
    }
    if no_entries || no_size {
        return Err(Refusal::Damaged("its archive's directory has no size".to_owned()));
    }
    Ok(false)
}

fn bound_directory(entries: u64, size: u64) -> Result<(), Refusal> {
    if entries > MAX_ENTRIES || size > MAX_DIRECTORY {
        let reason = format!("its archive's directory is absurd: {entries} entries, {size} bytes");
        return Err(Refusal::Damaged(reason));
    }
    Ok(())
}

/// `N` bytes of a file that has `length`.
fn read_at<const N: usize>(
    mut file: &File,
    length: u64,
    offset: Option<u64>,
) -> Result<[u8; N], Refusal> {
    let inside = |offset: &u64| offset.checked_add(N as u64).is_some_and(|end| end <= length);
    let Some(offset) = offset.filter(inside) else {
        return Err(Refusal::Damaged("its archive ends too early".to_owned()));
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn from_zip(error: zip::result::ZipError) -> Refusal {
    match error {
        zip::result::ZipError::Io(error) if is_of_machine(&error) => Refusal::Io(error),
        error => Refusal::Damaged(printable(&error.to_string())),
    }
}

//! Archives whose end misleads a reader.
//!
//! `torch.save` ends every archive with a wide record of its directory (zip64), however small the
//! archive, and with a narrow one that is valid too. A reader that finds the narrow one valid may
//! look for the directory right before it, where the wide record lies. In between are 76 bytes; so
//! where the directory's first entry has 76 bytes (the name of `data.pkl` with its folder has 30,
//! a checkpoint's file name 21), the directory's second entry is found and taken for its first.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io::{self, Read, Seek, SeekFrom, Write};

use tempfile::NamedTempFile;

use crate::entry::Opened;
use crate::pickle::Refusal;

/// Bytes of the narrow record, the file's last.
const RECORD: u64 = 22;

/// Where its size and offset of the directory lie, 4 bytes each.
const SIZE_AND_OFFSET: i64 = 12;

/// A copy whose narrow record refers to the wide one, as it would in a large archive. It lies in
/// the system's folder of temporary files and takes as much room there as the file.
pub(super) fn repaired(opened: &Opened) -> Result<NamedTempFile, Refusal> {
    let mut source = &opened.file;
    source.rewind()?;
    let mut copy = NamedTempFile::with_prefix("fbrs-")?;
    let copied = io::copy(&mut source.take(opened.length), &mut copy)?;
    if copied < opened.length.max(RECORD) {
        return Err(Refusal::Damaged("its archive ends too early".to_owned()));
    }
    let back = SIZE_AND_OFFSET.saturating_sub_unsigned(RECORD);
    copy.seek(SeekFrom::End(back))?;
    copy.write_all(&[0xff; 8])?;
    copy.flush()?;
    Ok(copy)
}

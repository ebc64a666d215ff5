//! The archive that a checkpoint is.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fbrs_data::files::{Destination, Draft};
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::WeightsError;
use crate::error::cannot_write;

/// Bytes to which PyTorch aligns what lies in its archives.
const ALIGNMENT: u16 = 64;

/// What PyTorch calls the bytes that align.
const PADDING: u16 = u16::from_le_bytes(*b"FB");

/// The archive's one folder.
const FOLDER: &str = "archive";

/// An archive that is being written. Dropped, it leaves nothing behind.
pub(super) struct Archive {
    zip: ZipWriter<StreamWriter<Out>>,
    path: PathBuf,
}

impl Archive {
    pub(super) fn new(path: &Path) -> Result<Self, WeightsError> {
        let draft = Destination::new(path).and_then(|there| there.draft());
        let draft = draft.map_err(|source| cannot_write(path, source))?;
        let out = Out { draft, is_lost: false };
        Ok(Self { zip: ZipWriter::new_stream(out), path: path.to_owned() })
    }

    /// Adds a file.
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), WeightsError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .with_alignment_and_header_id(ALIGNMENT, PADDING);
        let started = self.zip.start_file(format!("{FOLDER}/{name}"), options);
        let written = started.and_then(|()| Ok(self.zip.write_all(bytes)?));
        written.map_err(|error| cannot_write(&self.path, source(error)))
    }

    /// Puts the archive in its place.
    pub(super) fn commit(self) -> Result<(), WeightsError> {
        let Self { zip, path } = self;
        let finished = zip.finish().map(StreamWriter::into_inner).map_err(source);
        let committed = finished.and_then(|out| match out.is_lost {
            false => out.draft.commit(),
            true => Err(io::Error::other("an earlier part of it could not be written")),
        });
        committed.map_err(|source| cannot_write(&path, source))
    }
}

fn source(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(source) => source,
        other => other.into(),
    }
}

/// The archive's bytes. Once one of them could not be written, the rest goes nowhere: a writer of
/// archives that is dropped completes its archive, and tells the terminal where it cannot.
struct Out {
    draft: Draft,
    is_lost: bool,
}

impl Out {
    /// Does what has to be done with the file, unless it is lost.
    fn tried<T>(
        &mut self,
        otherwise: T,
        act: impl FnOnce(&mut Draft) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.is_lost {
            return Ok(otherwise);
        }
        let done = act(&mut self.draft);
        self.is_lost = done.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        done
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tried(bytes.len(), |draft| draft.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tried((), Draft::flush)
    }
}

//! Places that files are written to: tried out before any work is done, then written completely or
//! not at all, and all together or none.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use fbrs_data::files::{Destination, Draft, commit_all};

use crate::exit::Exit;
use crate::interrupt;

/// A place that will be written to; it was possible when this was made.
#[derive(Debug)]
pub(crate) struct Place {
    /// As the user wrote it.
    asked: PathBuf,
    destination: Destination,
}

/// What writes a file's bytes.
pub(crate) type Writing<'a> = Box<dyn FnOnce(&mut Draft) -> io::Result<()> + 'a>;

impl Place {
    /// Tries whether a file can be written there, and leaves everything as it was.
    pub(crate) fn try_out(path: &Path) -> Result<Self> {
        let _uninterrupted = interrupt::hold_off();
        let destination = Destination::new(path)
            .and_then(|destination| destination.try_out().map(|()| destination));
        let destination = destination.map_err(|error| cannot_write(path, &error))?;
        Ok(Self { asked: path.to_owned(), destination })
    }

    /// As the user wrote it.
    pub(crate) fn asked(&self) -> &Path {
        &self.asked
    }

    /// Whether writing here would change that file.
    pub(crate) fn is(&self, path: &Path) -> bool {
        self.destination.is(path)
    }

    /// Whether both are one place.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.destination == other.destination
    }
}

/// Writes all files; where one cannot be written, all are as they were. Signals wait.
pub(crate) fn write_all(files: Vec<(&Place, Writing<'_>)>) -> Result<()> {
    let _uninterrupted = interrupt::hold_off();
    let mut drafts = Vec::new();
    let mut names = Vec::new();
    for (place, write) in files {
        let written = place.destination.draft().and_then(|mut draft| {
            write(&mut draft)?;
            // What does not fit any more is told here, where the file is known.
            draft.flush()?;
            Ok(draft)
        });
        drafts.push(written.map_err(|error| cannot_write(&place.asked, &error))?);
        names.push(place.asked.display().to_string());
    }
    commit_all(drafts).map_err(|error| {
        Exit::Output.because(format!("cannot write {}: {error}", names.join(", ")))
    })
}

fn cannot_write(path: &Path, error: &io::Error) -> anyhow::Error {
    Exit::Output.because(format!("cannot write {}: {error}", path.display()))
}

/// The ending of a file's name in lower case; empty where there is none.
pub(crate) fn ending(path: &Path) -> String {
    path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase()
}

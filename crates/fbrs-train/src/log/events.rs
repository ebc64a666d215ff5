use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::At;
use super::event::{Content, event, version};
use super::record::record;
use crate::{Error, Result};

/// What names of event files begin with, which is how TensorBoard finds them.
pub(super) const PREFIX: &str = "events.out.tfevents.";

/// An event file that is being written. Every event goes to the system whole and at once.
#[derive(Debug)]
pub(super) struct EventFile {
    file: File,
    path: PathBuf,
    name: String,
    bytes: u64,
}

impl EventFile {
    /// Begins a new file, named by time and machine.
    pub(super) fn create(folder: &Path, now: SystemTime) -> Result<Self> {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let host: String =
            gethostname::gethostname().to_string_lossy().chars().map(plain).collect();
        let mut name = format!("{PREFIX}{:010}.{host}", seconds(now) as u64);
        // A run may be resumed within a second; then names go on.
        let mut attempt = 0;
        let (file, path) = loop {
            let path = folder.join(&name);
            match File::options().append(true).create_new(true).open(&path) {
                Ok(file) => break (file, path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && attempt < 9 => {
                    attempt += 1;
                    name = format!("{PREFIX}{:010}.{host}.{attempt}", seconds(now) as u64);
                }
                Err(error) => return Err(Error::write(&path)(error)),
            }
        };
        let mut events = Self { file, path, name, bytes: 0 };
        events.append(&version(seconds(now)))?;
        Ok(events)
    }

    pub(super) fn write(
        &mut self,
        now: SystemTime,
        at: At,
        tag: &str,
        content: Content<'_>,
    ) -> Result<()> {
        self.append(&event(seconds(now), at, tag, content))
    }

    /// The file's name and length; what was written is on the disk.
    pub(super) fn position(&mut self) -> Result<(String, u64)> {
        self.file.sync_data().map_err(Error::write(&self.path))?;
        Ok((self.name.clone(), self.bytes))
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        let record = record(payload);
        self.file.write_all(&record).map_err(Error::write(&self.path))?;
        self.bytes += record.len() as u64;
        Ok(())
    }
}

/// Seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

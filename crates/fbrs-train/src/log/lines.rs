use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::At;
use super::events::seconds;
use crate::{Error, Result};

/// The file of a log's folder.
pub(super) const FILE: &str = "log.jsonl";

/// A number as a line.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    tag: &'a str,
    value: f64,
    time: f64,
}

impl<'a> Line<'a> {
    pub(super) fn new(now: SystemTime, at: At, tag: &'a str, value: f64) -> Self {
        let (step, epoch) = match at {
            At::Step(step) => (Some(step), None),
            At::Epoch(epoch) => (None, Some(epoch)),
        };
        Self { step, epoch, tag, value, time: seconds(now) }
    }
}

/// The file of lines. Every line goes to the system whole and at once.
#[derive(Debug)]
pub(super) struct LineFile {
    file: File,
    path: PathBuf,
}

impl LineFile {
    /// Goes on at the end of the file, if there is one.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let file = File::options().append(true).create(true).open(&path);
        Ok(Self { file: file.map_err(Error::write(&path))?, path })
    }

    pub(super) fn write(&mut self, line: &Line<'_>) -> Result<()> {
        let io = Error::write(&self.path);
        let mut text = serde_json::to_vec(line).map_err(|error| io(error.into()))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(io)
    }

    /// Its length; what was written is on the disk.
    pub(super) fn position(&mut self) -> Result<u64> {
        let end = self.file.sync_data().and_then(|()| self.file.seek(SeekFrom::End(0)));
        end.map_err(Error::write(&self.path))
    }
}

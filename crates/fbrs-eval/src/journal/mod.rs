//! Results of runs, in files of JSON lines.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod read;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fbrs_data::files::{self, Destination, ReadError};
use fbrs_data::sets::{ObjectKey, Problem};
use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};

use self::read::{Contents, FORM, Fault, NO_JOURNAL};
use crate::error::{Error, Result, cannot_write};
use crate::result::ObjectResult;
use crate::settings::Configuration;
use crate::shard::Shard;

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    fbrs_eval: u32,
    shard: Shard,
    configuration: Configuration,
}

/// What became of one object: a line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Number of the object over all data sets, from 0.
    pub number: usize,
    /// Name of its data set.
    pub data: String,
    /// Its name there.
    #[serde(flatten)]
    pub key: ObjectKey,
    /// Clicks and answers; none where there was a problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ObjectResult>,
    /// What kept it from being evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// Results of a run, in a file of JSON lines.
///
/// The first line is the configuration; then one line per object, each forced onto the disk before
/// the next object begins. What is on a line that was cut short by a crash is done again. Objects
/// are known by their names: one whose photo or mask was changed keeps the result that it has.
///
/// A file that is no journal is never written to: only an empty one, or one that starts as a journal
/// does, is taken over.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

/// A journal's contents.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// What was run.
    pub configuration: Configuration,
    /// Which part of it.
    pub shard: Shard,
    /// What became of each object, by its number.
    pub records: BTreeMap<usize, Record>,
}

impl Results {
    /// Reads a journal.
    ///
    /// # Errors
    /// [`Error::Read`], and [`Error::Journal`] for a file that is damaged or no journal.
    pub fn read(path: &Path) -> Result<Self> {
        let contents = contents(path, &files::open(path)?)?;
        contents.map(|contents| contents.results).ok_or_else(|| damaged(path, "it is empty"))
    }

    /// Reads a journal that lies in memory; `None` where it is cut short in its first line.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read_bytes(bytes: &[u8]) -> Result<Option<Self>, String> {
        match read::read(bytes) {
            Ok(contents) => Ok(contents.map(|contents| contents.results)),
            Err(Fault::Journal(reason)) => Err(reason),
            Err(Fault::Io(error)) => Err(error.to_string()),
        }
    }

    /// Objects that have been evaluated.
    pub fn evaluated(&self) -> impl Iterator<Item = (&Record, &ObjectResult)> {
        self.records.values().filter_map(|record| Some((record, record.result.as_ref()?)))
    }

    /// Objects of this shard of which the journal says nothing yet.
    pub fn missing(&self) -> usize {
        let objects = self.shard.holds_of(self.configuration.objects());
        objects.saturating_sub(self.records.len())
    }

    /// Writes them as a journal, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::Journal`] where there is a file that is no journal, or a journal
    /// that another process is writing.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = cannot_write(path);
        let destination = Destination::new(path).map_err(&failed)?;
        // Held until the new file is in its place.
        let _there = match destination.target().exists() {
            true => Some(take_over(path, false)?),
            false => None,
        };
        let write = |draft: &mut files::Draft| {
            line(draft, &self.header())?;
            self.records.values().try_for_each(|record| line(draft, record))
        };
        destination.replace(write).map_err(&failed)
    }

    fn header(&self) -> Header {
        Header { fbrs_eval: FORM, shard: self.shard, configuration: self.configuration.clone() }
    }
}

fn damaged(path: &Path, reason: impl Into<String>) -> Error {
    Error::Journal { path: path.to_owned(), reason: reason.into() }
}

fn contents(path: &Path, file: &File) -> Result<Option<Contents>> {
    read::read(BufReader::new(file)).map_err(|fault| match fault {
        Fault::Journal(reason) => damaged(path, reason),
        Fault::Io(source) => unreadable(path, source),
    })
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    ReadError::Io { file: printable(&path.display().to_string()), source }.into()
}

/// Opens a file that is to become, or is, this process's journal, and locks it; a new one where
/// there is none and `create` asks for it.
fn take_over(path: &Path, create: bool) -> Result<File> {
    // A pipe or a device is not opened for writing.
    if fs::metadata(path).is_ok() {
        files::open(path)?;
    }
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(create).truncate(false);
    let mut file = options.open(path).map_err(cannot_write(path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(damaged(path, "another process is writing it"));
        }
        // Some network file systems know no locks.
        Err(TryLockError::Error(_)) => {}
    }
    let beginning = read::beginning_of(&file).and_then(|beginning| {
        file.seek(SeekFrom::Start(0))?;
        Ok(beginning)
    });
    match read::may_begin(&beginning.map_err(|source| unreadable(path, source))?) {
        true => Ok(file),
        false => Err(damaged(path, NO_JOURNAL)),
    }
}

fn line(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    writer.write_all(&line)
}

impl Journal {
    /// Opens a journal to continue it, or begins one, and returns what it holds. A last line that
    /// was cut short is taken off.
    ///
    /// # Errors
    /// [`Error::OtherConfiguration`] where it was begun with another configuration or shard,
    /// [`Error::Journal`] where it is damaged, is no journal or another process is writing it,
    /// [`Error::Read`], [`Error::Write`].
    pub fn open(
        path: &Path,
        configuration: &Configuration,
        shard: Shard,
    ) -> Result<(Self, Results)> {
        let file = take_over(path, true)?;
        let Some(Contents { results, sound }) = contents(path, &file)? else {
            return Self::begin(path, file, configuration, shard);
        };
        let mut differences = configuration.differences(&results.configuration);
        if results.shard != shard {
            differences.push(format!("shard: {} there, {shard} here", results.shard));
        }
        if !differences.is_empty() {
            return Err(Error::OtherConfiguration { path: path.to_owned(), differences });
        }
        let mut journal = Self { path: path.to_owned(), file };
        journal.cut(sound)?;
        Ok((journal, results))
    }

    /// Begins a journal, whatever results the file holds; damaged ones as well.
    ///
    /// # Errors
    /// As [`Journal::open`], but for the configuration.
    pub fn begin_anew(
        path: &Path,
        configuration: &Configuration,
        shard: Shard,
    ) -> Result<(Self, Results)> {
        Self::begin(path, take_over(path, true)?, configuration, shard)
    }

    fn begin(
        path: &Path,
        file: File,
        configuration: &Configuration,
        shard: Shard,
    ) -> Result<(Self, Results)> {
        let configuration = configuration.clone();
        let results = Results { configuration, shard, records: BTreeMap::new() };
        let mut journal = Self { path: path.to_owned(), file };
        journal.cut(0)?;
        journal.append_line(&results.header())?;
        journal.sync_folder();
        Ok((journal, results))
    }

    /// Takes off all beyond the sound part and goes on there.
    fn cut(&mut self, sound: u64) -> Result<()> {
        let mut cut = || {
            self.file.set_len(sound)?;
            self.file.seek(SeekFrom::Start(sound))
        };
        cut().map(drop).map_err(cannot_write(&self.path))
    }

    /// Appends what became of one object; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn append(&mut self, record: &Record) -> Result<()> {
        self.append_line(record)
    }

    fn append_line(&mut self, value: &impl Serialize) -> Result<()> {
        let mut append = || {
            line(&mut self.file, value)?;
            self.file.sync_data()
        };
        append().map_err(cannot_write(&self.path))
    }

    /// Makes the file's name last as well; not every system can.
    fn sync_folder(&self) {
        if let Some(folder) = self.path.parent()
            && let Ok(folder) =
                File::open(if folder == Path::new("") { Path::new(".") } else { folder })
        {
            let _ = folder.sync_all();
        }
    }
}

/// Puts the journals of shards together, in any order.
///
/// # Errors
/// [`Error::OtherConfiguration`] where they are not of one run, [`Error::Journal`] where two hold
/// the same object or there is none; as [`Results::read`].
pub fn merge(paths: &[PathBuf]) -> Result<Results> {
    let mut merged: Option<Results> = None;
    for path in paths {
        let results = Results::read(path)?;
        let Some(merged) = &mut merged else {
            merged = Some(Results { shard: Shard::default(), ..results });
            continue;
        };
        let differences = merged.configuration.differences(&results.configuration);
        if !differences.is_empty() {
            return Err(Error::OtherConfiguration { path: path.clone(), differences });
        }
        for (number, record) in results.records {
            if merged.records.contains_key(&number) {
                let key = &record.key;
                return Err(damaged(path, format!("another journal holds {key} as well")));
            }
            merged.records.insert(number, record);
        }
    }
    merged.ok_or_else(|| damaged(Path::new(""), "there is nothing to merge"))
}

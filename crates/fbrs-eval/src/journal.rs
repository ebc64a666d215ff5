use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data::{ObjectKey, Problem};
use crate::error::{Error, Result, io_error};
use crate::result::ObjectResult;
use crate::settings::Configuration;
use crate::shard::Shard;

/// Version of the journal's form.
const FORM: u32 = 1;
/// How every journal begins.
const BEGINNING: &[u8] = b"{\"fbrs_eval\":";

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
/// the next object begins. What is on a line that was cut short by a crash is done again.
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
    /// [`Error::Io`], and [`Error::Journal`] for a file that is damaged or no journal.
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(io_error("read", path))?;
        let read = read(path, BufReader::new(file))?;
        read.map(|(results, _)| results).ok_or_else(|| damaged(path, "it is empty"))
    }

    /// Objects that have been evaluated.
    pub fn evaluated(&self) -> impl Iterator<Item = (&Record, &ObjectResult)> {
        self.records.values().filter_map(|record| Some((record, record.result.as_ref()?)))
    }

    /// Objects of this shard of which the journal says nothing yet.
    pub fn missing(&self) -> usize {
        let objects = 0..self.configuration.objects();
        objects
            .filter(|number| self.shard.holds(*number))
            .count()
            .saturating_sub(self.records.len())
    }
}

fn damaged(path: &Path, reason: impl Into<String>) -> Error {
    Error::Journal { path: path.to_owned(), reason: reason.into() }
}

/// A journal's contents and the length of its sound part; `None` for a file without a whole line.
fn read(path: &Path, mut reader: impl BufRead) -> Result<Option<(Results, u64)>> {
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        let length = reader.read_until(b'\n', line).map_err(io_error("read", path))?;
        // A line without an end was cut short.
        Ok::<_, Error>((line.pop() == Some(b'\n')).then_some(length as u64))
    };
    let Some(mut sound) = next(&mut line)? else { return Ok(None) };
    let header: Header = serde_json::from_slice(&line)
        .map_err(|error| damaged(path, format!("line 1 is no configuration: {error}")))?;
    if header.fbrs_eval != FORM {
        let found = header.fbrs_eval;
        return Err(damaged(path, format!("expected form {FORM}, found {found}")));
    }
    let (configuration, shard) = (header.configuration, header.shard);
    let mut results = Results { configuration, shard, records: BTreeMap::new() };
    let objects = results.configuration.objects();
    for number in 2.. {
        let Some(length) = next(&mut line)? else { break };
        let record: Record = serde_json::from_slice(&line)
            .map_err(|error| damaged(path, format!("line {number} is no result: {error}")))?;
        if record.number >= objects || record.result.is_some() == record.problem.is_some() {
            return Err(damaged(path, format!("line {number} is no result of this run")));
        }
        results.records.insert(record.number, record);
        sound += length;
    }
    Ok(Some((results, sound)))
}

impl Journal {
    /// Opens a journal to continue it, or begins one, and returns what it holds. A last line that
    /// was cut short is taken off.
    ///
    /// # Errors
    /// [`Error::OtherConfiguration`] where it was begun with another configuration or shard,
    /// [`Error::Journal`] where it is damaged, is no journal or another process is writing it,
    /// [`Error::Io`].
    pub fn open(
        path: &Path,
        configuration: &Configuration,
        shard: Shard,
    ) -> Result<(Self, Results)> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(io_error("open", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(damaged(path, "another process is writing it"));
            }
            // Some network file systems know no locks.
            Err(TryLockError::Error(_)) => {}
        }
        let found = read(path, BufReader::new(&file))?;
        let (results, sound) = match found {
            Some((results, sound)) => {
                let mut differences = configuration.differences(&results.configuration);
                if results.shard != shard {
                    differences.push(format!("shard: {} there, {shard} here", results.shard));
                }
                if !differences.is_empty() {
                    return Err(Error::OtherConfiguration { path: path.to_owned(), differences });
                }
                (results, sound)
            }
            None => {
                let configuration = configuration.clone();
                (Results { configuration, shard, records: BTreeMap::new() }, 0)
            }
        };
        let write = io_error("write", path);
        let mut prepare = || {
            file.set_len(sound)?;
            file.seek(SeekFrom::Start(sound))
        };
        prepare().map_err(write)?;
        let mut journal = Self { path: path.to_owned(), file };
        if sound == 0 {
            let configuration = configuration.clone();
            journal.line(&Header { fbrs_eval: FORM, shard, configuration })?;
            journal.sync_folder();
        }
        Ok((journal, results))
    }

    /// Removes a journal, damaged or not; where there is none, nothing happens.
    ///
    /// # Errors
    /// [`Error::Journal`] for a file that is no journal, [`Error::Io`].
    pub fn discard(path: &Path) -> Result<()> {
        let mut start = Vec::new();
        let read = File::open(path).map(|file| file.take(BEGINNING.len() as u64));
        let read = read.and_then(|mut file| file.read_to_end(&mut start));
        match read {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error("read", path)(error)),
            Ok(_) if BEGINNING.starts_with(&start) => {
                std::fs::remove_file(path).map_err(io_error("write", path))
            }
            Ok(_) => Err(damaged(path, "it is no journal and is left alone")),
        }
    }

    /// Appends what became of one object; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn append(&mut self, record: &Record) -> Result<()> {
        self.line(record)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(value)
            .map_err(|error| damaged(&self.path, format!("a line cannot be written: {error}")))?;
        line.push(b'\n');
        let mut write = || {
            self.file.write_all(&line)?;
            self.file.sync_data()
        };
        write().map_err(io_error("write", &self.path))
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

impl Results {
    /// Writes them as a journal: beside `path`, then renamed to it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".tmp");
        let beside = path.with_file_name(name);
        // What an interrupted merge left is not continued.
        File::create(&beside).map_err(io_error("write", &beside))?;
        let (mut journal, _) = Journal::open(&beside, &self.configuration, self.shard)?;
        for record in self.records.values() {
            journal.append(record)?;
        }
        std::fs::rename(&beside, path).map_err(io_error("write", path))
    }
}

//! A document on disk: its file, and a journal of what is newer.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fbrs_data::files;
use fbrs_data::text::printable;
use serde_json::Value;

use crate::annotation::{Annotation, Line};
use crate::columns;
use crate::document::PhotoRecord;
use crate::error::{Error, Result};
use crate::file;

/// Bytes of a journal that are read.
const LONGEST: u64 = 1 << 30;

/// Keeps a photo's document on disk, so that no change is lost that was made.
///
/// Every change is appended to the journal as one line, before anything is computed from it. Now and
/// then the document is written anew, whole, and the journal emptied. Opening takes the document and
/// what the journal has of later changes; a line that was torn by a crash is dropped.
#[derive(Debug)]
pub struct Keeper {
    document: PathBuf,
    journal_path: PathBuf,
    journal: Journal,
    /// Lines that could not be written yet.
    pending: Vec<u8>,
    /// Bytes of the journal that are whole lines.
    sound: u64,
    lines: usize,
    /// The last change that is in the document's file.
    saved: u64,
    /// Whether there is a file of the document.
    is_there: bool,
    is_synced: bool,
}

#[derive(Debug)]
enum Journal {
    Held(File),
    /// Somebody else works on this document, or it cannot be written here.
    ReadOnly(String),
}

/// What was found when a document was opened.
#[derive(Debug)]
pub struct Opened {
    /// Keeps it on disk.
    pub keeper: Keeper,
    /// The document, with everything that the journal knew.
    pub annotation: Annotation,
    /// What somebody ought to know of it, one sentence each.
    pub remarks: Vec<String>,
}

impl Keeper {
    /// Opens the document at `path` (`NAME.EXT.fbrs.json`), or begins one for the photo.
    ///
    /// # Errors
    /// [`Error`] for a document that cannot be read, and for one of a photo of another size: both are
    /// left as they are.
    pub fn open(path: &Path, photo: &PhotoRecord) -> Result<Opened> {
        // Before anything is read, so that nobody writes in between.
        let journal_path = journal_path(path);
        let journal = Self::hold(&journal_path, 8);
        let mut keeper = Self {
            document: path.to_owned(),
            journal_path,
            journal,
            pending: Vec::new(),
            sound: 0,
            lines: 0,
            saved: 0,
            is_there: is_there(path)?,
            is_synced: true,
        };
        let mut remarks = Vec::new();
        let mut annotation = match keeper.is_there {
            true => file::read(path)?,
            false => Annotation::new(photo.clone()),
        };
        let known = annotation.document().photo.clone();
        if known.size() != photo.size() {
            let reason = format!(
                "it belongs to a photo of {} pixels, {} has {}: move it away to begin anew",
                known.size(),
                printable(&photo.file),
                photo.size()
            );
            return Err(Error::Damaged { file: printable(&path.display().to_string()), reason });
        }
        if keeper.is_there && known.sha256 != photo.sha256 {
            let name = printable(&photo.file);
            remarks.push(format!("{name} has changed since it was annotated; its size has not"));
        }
        annotation.set_photo(photo.clone());
        keeper.saved = annotation.seq();
        keeper.follow_journal(&mut annotation, &mut remarks)?;
        Ok(Opened { keeper, annotation, remarks })
    }

    /// Makes the changes that only the journal knows of, and leaves in it what can be followed.
    fn follow_journal(
        &mut self,
        annotation: &mut Annotation,
        remarks: &mut Vec<String>,
    ) -> Result<()> {
        let path = &self.journal_path;
        let Some(bytes) = journal_bytes(path)? else { return Ok(()) };
        let (sound, is_damaged) = follow(&bytes, annotation, &mut self.lines);
        self.sound = sound;
        let Journal::Held(file) = &mut self.journal else { return Ok(()) };
        if is_damaged {
            // More than a torn end: what is behind it is put aside rather than lost.
            let aside = (1..)
                .map(|number| path.with_extension(format!("journal.damaged{number}")))
                .find(|aside| !aside.exists())
                .unwrap_or_else(|| path.with_extension("journal.damaged"));
            fs::copy(path, &aside).map_err(|source| write_error(&aside, source))?;
            let [from, to] = [path, &aside].map(|path| path.display().to_string());
            remarks.push(format!(
                "{}: a line in its middle is damaged; what follows it was put aside in {}",
                printable(&from),
                printable(&to)
            ));
        }
        file.set_len(sound).map_err(|source| write_error(path, source))
    }

    /// The journal, for this process alone; else why it cannot be had.
    fn hold(path: &Path, tries: usize) -> Journal {
        let file = match OpenOptions::new().create(true).append(true).read(true).open(path) {
            Ok(file) => file,
            Err(error) => {
                let folder = printable(&path.parent().unwrap_or(path).display().to_string());
                return Journal::ReadOnly(format!("nothing can be saved in {folder}: {error}"));
            }
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                Journal::ReadOnly("another window works on this photo".to_owned())
            }
            Ok(()) if !is_named(&file, path) && tries > 0 => Self::hold(path, tries - 1),
            // Some file systems know no locks.
            Ok(()) | Err(TryLockError::Error(_)) => Journal::Held(file),
        }
    }

    /// Why changes are not kept; `None` where they are.
    pub fn read_only(&self) -> Option<&str> {
        match &self.journal {
            Journal::Held(_) => None,
            Journal::ReadOnly(reason) => Some(reason),
        }
    }

    /// Where the document is.
    pub fn path(&self) -> &Path {
        &self.document
    }

    /// Appends a change to the journal. What cannot be written is kept and written with the next
    /// call.
    ///
    /// # Errors
    /// [`Error::Write`]; nothing is lost as long as the process lives.
    pub fn append(&mut self, line: &Line) -> Result<()> {
        self.pending.extend_from_slice(line.text().as_bytes());
        self.lines += 1;
        self.retry()
    }

    /// Writes what could not be written.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn retry(&mut self) -> Result<()> {
        let Journal::Held(file) = &mut self.journal else { return Ok(()) };
        if self.pending.is_empty() {
            return Ok(());
        }
        let error = |source| write_error(&self.journal_path, source);
        // Half a line that an earlier failure left.
        if file.metadata().map_err(error)?.len() > self.sound {
            file.set_len(self.sound).map_err(error)?;
        }
        let written = file.write_all(&self.pending);
        if let Err(source) = written {
            let _ = file.set_len(self.sound);
            return Err(error(source));
        }
        self.sound += self.pending.len() as u64;
        self.pending.clear();
        self.is_synced = false;
        Ok(())
    }

    /// Whether something could not be written yet.
    pub fn is_behind(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Forces the journal onto the disk.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn sync(&mut self) -> Result<()> {
        self.retry()?;
        let Journal::Held(file) = &self.journal else { return Ok(()) };
        if !self.is_synced {
            file.sync_data().map_err(|source| write_error(&self.journal_path, source))?;
            self.is_synced = true;
        }
        Ok(())
    }

    /// Lines in the journal.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Writes the document whole and empties the journal. `annotation` has every line that was
    /// appended.
    ///
    /// # Errors
    /// [`Error::Write`]; document and journal are then as they were.
    pub fn save(&mut self, annotation: &Annotation) -> Result<()> {
        let Journal::Held(journal) = &self.journal else { return Ok(()) };
        // Nothing was ever done: no file is left beside the photo.
        if annotation.seq() == self.saved && (self.is_there || annotation.seq() == 0) {
            return Ok(());
        }
        file::write(annotation, &self.document)?;
        // The journal is not emptied before the document is sure to be found.
        sync_folder(&self.document);
        self.saved = annotation.seq();
        self.is_there = true;
        self.pending.clear();
        (self.lines, self.sound) = (0, 0);
        journal.set_len(0).map_err(|source| write_error(&self.journal_path, source))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // A journal without lines is of no use to anybody.
        if let Journal::Held(file) = &self.journal
            && file.metadata().is_ok_and(|metadata| metadata.len() == 0)
        {
            let _ = fs::remove_file(&self.journal_path);
        }
    }
}

/// The journal of a document.
pub(crate) fn journal_path(document: &Path) -> PathBuf {
    document.with_extension("journal")
}

/// A document as it is on disk, with what only its journal knows; `None` where there is neither.
/// Nothing is changed, and somebody may be working on it. `photo` is asked where there is a journal
/// alone.
pub(crate) fn peek(
    path: &Path,
    photo: impl FnOnce() -> Result<PhotoRecord>,
) -> Result<Option<Annotation>> {
    // The journal first: what is saved in between is in the document then, and not followed twice.
    let journal = journal_bytes(&journal_path(path))?;
    let mut annotation = match (is_there(path)?, &journal) {
        (true, _) => file::read(path)?,
        (false, Some(_)) => Annotation::new(photo()?),
        (false, None) => return Ok(None),
    };
    follow(&journal.unwrap_or_default(), &mut annotation, &mut 0);
    Ok(Some(annotation))
}

/// Makes the changes of a journal. Returns how many of its bytes are sound, and whether what comes
/// behind them is more than a torn line.
fn follow(bytes: &[u8], annotation: &mut Annotation, lines: &mut usize) -> (u64, bool) {
    let mut sound = 0;
    let mut rest = bytes;
    let mut room = columns::MOST;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, behind) = rest.split_at(end + 1);
        let Ok(value) = serde_json::from_slice::<Value>(line) else { break };
        let Some(left) = room.checked_sub(columns::cost(&value)) else { break };
        room = left;
        let Ok(line) = serde_json::from_value::<Line>(value) else { break };
        let before = annotation.clone();
        annotation.follow(&line);
        if annotation.document().fault().is_some() {
            *annotation = before;
            break;
        }
        *lines += 1;
        sound += end as u64 + 1;
        rest = behind;
    }
    (sound, rest.contains(&b'\n'))
}

/// Whether there is a file. A disk that does not answer is no disk without it.
fn is_there(path: &Path) -> Result<bool> {
    let shown = || printable(&path.display().to_string());
    path.try_exists().map_err(|source| Error::List { folder: shown(), source })
}

/// What a journal holds; `None` where there is none.
fn journal_bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    if !is_there(path)? {
        return Ok(None);
    }
    let shown = path.display().to_string();
    Ok(Some(files::read_from(files::open(path)?, &shown, LONGEST)?))
}

/// Forces a folder's list of names onto the disk, where systems do that.
fn sync_folder(of: &Path) {
    #[cfg(unix)]
    if let Some(folder) = of.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = of;
}

/// Whether a file is the one that its name leads to: another process may have removed it between the
/// opening and the lock.
pub(crate) fn is_named(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (own, named) = (file.metadata(), fs::metadata(path));
        own.is_ok_and(|own| {
            named.is_ok_and(|named| (own.dev(), own.ino()) == (named.dev(), named.ino()))
        })
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

fn write_error(path: &Path, source: io::Error) -> Error {
    Error::Write { file: printable(&path.display().to_string()), source }
}

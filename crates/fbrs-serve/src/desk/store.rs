//! Photos and logs on the disk: what outlives the process.
//!
//! A folder that several servers may share. Photos and masks lie under the hash of their bytes and
//! never change; a session's log is replaced as a whole, and whoever changes a session holds its
//! lock meanwhile.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use fbrs_data::files::Destination;

use super::log::{Change, Log};
use super::names::{ImageHash, SessionId};
use crate::problem::{Code, Problem, Result};

/// What nobody asked for in this time is removed.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A file that is being written takes less; one that is older was left by a server that was killed.
const DRAFT: Duration = Duration::from_secs(60 * 60);

/// The largest log that is read: 200 clicks on some hundred objects are far below.
const MAX_LOG: u64 = 64 << 20;

/// How often a lock that another server holds is tried.
const BETWEEN_LOCKS: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Store {
    images: PathBuf,
    sessions: PathBuf,
}

impl Store {
    /// Opens a folder, which is made where it is not there.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let store = Self { images: folder.join("images"), sessions: folder.join("sessions") };
        fs::create_dir_all(&store.images)?;
        fs::create_dir_all(&store.sessions)?;
        // Where nothing can be written it is better to know now.
        Destination::new(&store.sessions.join("try"))?.try_out()?;
        Ok(store)
    }

    pub(crate) fn keep_image(&self, name: &ImageHash, bytes: &[u8]) -> Result<()> {
        let path = self.image_path(name);
        let is_whole = fs::metadata(&path).is_ok_and(|data| data.len() == bytes.len() as u64);
        if is_whole && touch(&path) {
            return Ok(());
        }
        write(&path, bytes)
    }

    /// A photo's or mask's bytes; `None` where there is none of this name.
    pub(crate) fn image(&self, name: &ImageHash) -> Result<Option<Vec<u8>>> {
        let path = self.image_path(name);
        match fs::read(&path) {
            // A file that was damaged is not what was asked for.
            Ok(bytes) if ImageHash::of(&bytes) == *name => {
                touch(&path);
                Ok(Some(bytes))
            }
            Ok(_) => {
                // Gone, so that it can be sent again.
                let _ = fs::remove_file(&path);
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &error)),
        }
    }

    /// Waits until no other server changes a session, and keeps them from it.
    ///
    /// # Errors
    /// [`Code::Busy`] where another one holds it until nobody waits any more.
    pub(crate) fn lock(
        &self,
        session: &SessionId,
        is_over: impl Fn() -> bool,
    ) -> Result<Locked<'_>> {
        let lock = self.lock_path(session);
        let file = File::options().create(true).truncate(false).write(true).open(&lock);
        let file = file.map_err(|error| failed("lock", &error))?;
        // In use, and so not old.
        let _ = file.set_modified(SystemTime::now());
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if is_over() => {
                    let why = "another server works on the session; try again in a moment";
                    return Err(Problem::new(Code::Busy, why).retry_after(BETWEEN_LOCKS));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_LOCKS),
                Err(TryLockError::Error(error)) => return Err(failed("lock", &error)),
            }
        }
        Ok(Locked { store: self, lock, path: self.log_path(session), _file: file })
    }

    /// A session's log as it is now; `None` where there is none.
    pub(crate) fn log(&self, session: &SessionId) -> Result<Option<Log>> {
        read_log(&self.log_path(session))
    }

    /// Removes what nobody asked for in a week, and drafts that no server writes any more.
    pub(crate) fn clean(&self) {
        for folder in [&self.images, &self.sessions] {
            let files = fs::read_dir(folder).into_iter().flatten().flatten();
            let is_over = |file: &fs::DirEntry| {
                let name = file.file_name();
                let is_draft = name.as_encoded_bytes().starts_with(b".");
                let kept = if is_draft { DRAFT } else { KEPT };
                file.metadata().is_ok_and(|data| is_older(&data, kept))
            };
            for file in files.filter(is_over) {
                // What cannot be removed now is tried again the next time.
                let _ = fs::remove_file(file.path());
            }
        }
    }

    fn image_path(&self, name: &ImageHash) -> PathBuf {
        self.images.join(name.digits())
    }

    fn lock_path(&self, session: &SessionId) -> PathBuf {
        self.sessions.join(format!("{session}.lock"))
    }

    fn log_path(&self, session: &SessionId) -> PathBuf {
        self.sessions.join(format!("{session}.json"))
    }
}

/// A session that no other server changes while this lives.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    store: &'a Store,
    lock: PathBuf,
    path: PathBuf,
    _file: File,
}

impl Locked<'_> {
    pub(crate) fn log(&self) -> Result<Option<Log>> {
        read_log(&self.path)
    }

    pub(crate) fn write(&self, log: &Log) -> Result<()> {
        let text = serde_json::to_vec(log)
            .map_err(|error| Problem::new(Code::Fault, format!("cannot write a log: {error}")))?;
        // What it needs is kept as long as the session is.
        touch(&self.store.image_path(&log.image));
        for change in log.done.iter().chain(&log.undone) {
            if let Change::StartMask(name) = change {
                touch(&self.store.image_path(name));
            }
        }
        write(&self.path, &text)
    }

    /// Removes the session. Its photo stays, for others may use it.
    pub(crate) fn forget(self) -> Result<()> {
        for path in [&self.path, &self.lock] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", &error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn read_log(path: &Path) -> Result<Option<Log>> {
    let too_long = |length: u64| length > MAX_LOG;
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(data) if too_long(data.len()) => {
            return Err(Problem::new(Code::Gone, "the session's log is damaged: it is too long"));
        }
        _ => {}
    }
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", &error)),
    };
    let damaged =
        |error| Problem::new(Code::Gone, format!("the session's log is damaged: {error}"));
    serde_json::from_slice(&text).map(Some).map_err(damaged)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = Destination::new(path).and_then(|to| to.replace(|draft| draft.write_all(bytes)));
    written.map_err(|error| failed("write", &error))
}

/// Marks a file as asked for; says whether it is there.
fn touch(path: &Path) -> bool {
    let file = File::options().append(true).open(path);
    // A file that cannot be marked is removed a little early at worst.
    file.map(|file| file.set_modified(SystemTime::now())).is_ok()
}

fn is_older(data: &fs::Metadata, time: Duration) -> bool {
    let age = data.modified().ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age > time)
}

/// The names of files are the server's own business.
fn failed(what: &str, error: &io::Error) -> Problem {
    tracing::error!(%error, "cannot {what} a file of the store");
    let why = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "its disk is full".to_owned(),
        kind => kind.to_string(),
    };
    Problem::new(Code::Fault, format!("the server cannot {what} a file of its store: {why}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_what_is_damaged_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let name = ImageHash::of(b"a photo");
        assert!(store.image(&name).unwrap().is_none());
        store.keep_image(&name, b"a photo").unwrap();
        store.keep_image(&name, b"a photo").unwrap();
        assert_eq!(store.image(&name).unwrap().unwrap(), b"a photo");
        fs::write(store.image_path(&name), b"another").unwrap();
        assert!(store.image(&name).unwrap().is_none());
        store.keep_image(&name, b"a photo").unwrap();
        assert_eq!(store.image(&name).unwrap().unwrap(), b"a photo");
    }

    #[test]
    fn a_lock_that_is_held_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let session = SessionId::random().unwrap();
        let held = store.lock(&session, || true).unwrap();
        assert_eq!(store.lock(&session, || true).unwrap_err().code, Code::Busy);
        held.forget().unwrap();
        assert!(store.lock(&session, || true).is_ok());
    }

    #[test]
    fn old_files_go_and_new_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (old, new) = (ImageHash::of(b"old"), ImageHash::of(b"new"));
        store.keep_image(&old, b"old").unwrap();
        store.keep_image(&new, b"new").unwrap();
        let file = File::options().append(true).open(store.image_path(&old)).unwrap();
        file.set_modified(SystemTime::now() - KEPT - Duration::from_secs(60)).unwrap();
        let draft = store.sessions.join(".fbrs-killed.tmp");
        let file = File::create(&draft).unwrap();
        store.clean();
        assert!(draft.exists());
        file.set_modified(SystemTime::now() - DRAFT - Duration::from_secs(60)).unwrap();
        store.clean();
        assert!(!draft.exists());
        assert!(store.image(&old).unwrap().is_none());
        assert!(store.image(&new).unwrap().is_some());
    }

    #[test]
    fn a_damaged_log_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let session = SessionId::random().unwrap();
        assert!(store.log(&session).unwrap().is_none());
        fs::write(store.log_path(&session), b"{\"image\": 3").unwrap();
        assert_eq!(store.log(&session).unwrap_err().code, Code::Gone);
        for _ in 0..2 {
            store.lock(&session, || true).unwrap().forget().unwrap();
        }
        assert!(store.log(&session).unwrap().is_none());
    }
}

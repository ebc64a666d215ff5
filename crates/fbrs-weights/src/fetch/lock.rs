//! A file that one process at a time has.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use crate::identity::Identity;

/// Opens and locks the file at `path`, which is created where it is not there; `None` where
/// somebody else has it.
///
/// Whoever has a lock may remove the file: what is returned is locked *and* still at `path`. So
/// nobody writes to a file that has no name any more.
pub(super) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    open_locked(path, |file| match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        // A file system without locks: the user is trusted to do one thing at a time.
        Err(TryLockError::Error(_)) => Ok(true),
    })
}

/// The same, waiting until nobody else has it.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let locked = open_locked(path, |file| {
        // As above.
        let _ = file.lock();
        Ok(true)
    })?;
    locked.ok_or_else(|| io::ErrorKind::WouldBlock.into())
}

fn open_locked(path: &Path, lock: impl Fn(&File) -> io::Result<bool>) -> io::Result<Option<File>> {
    loop {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        if !lock(&file)? {
            return Ok(None);
        }
        let mine = Identity::of(&file.metadata()?);
        match fs::metadata(path) {
            Ok(there) if Identity::of(&there).is_same_file(&mine) => return Ok(Some(file)),
            // Removed by the one who had it before.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_waits_gets_a_file_that_has_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        let first = lock(&path).unwrap();
        assert!(try_lock(&path).unwrap().is_none());
        thread::scope(|scope| {
            let second = scope.spawn(|| {
                // Opens the file that is about to be removed, and waits for it.
                let mut file = lock(&path).unwrap();
                file.write_all(b"second").unwrap();
            });
            thread::sleep(Duration::from_millis(100));
            fs::remove_file(&path).unwrap();
            drop(first);
            second.join().unwrap();
        });
        assert_eq!(fs::read(&path).unwrap(), b"second");
    }

    #[test]
    fn a_removed_part_is_begun_anew_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        let old = try_lock(&path).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        // The old one is locked still, but is at no path any more.
        let new = try_lock(&path).unwrap().unwrap();
        assert!(path.is_file());
        drop((old, new));
    }
}

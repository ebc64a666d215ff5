use std::fs;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Bytes held back before they go to the system.
const BUFFER: usize = 1 << 18;

/// Where a file will be written.
///
/// Behind a link, dangling or not, it is the file that the link names: links stay links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Absolute, without links.
    target: PathBuf,
}

impl Destination {
    /// Looks where `path` leads; nothing is created.
    ///
    /// # Errors
    /// Where `path` names no file, its folder does not exist, or something is in the way that is
    /// no plain file or is write-protected. The error's text says which.
    pub fn new(path: &Path) -> io::Result<Self> {
        let target = resolve(path)?;
        let other = |kind, reason: &str| Err(io::Error::new(kind, reason.to_owned()));
        match fs::metadata(&target) {
            Ok(there) if there.is_dir() => {
                other(io::ErrorKind::IsADirectory, "it is a folder, expected the name of a file")
            }
            Ok(there) if !there.is_file() => {
                other(io::ErrorKind::InvalidInput, "it is no plain file")
            }
            Ok(there) if there.permissions().readonly() => {
                other(io::ErrorKind::PermissionDenied, "it is write-protected")
            }
            _ => Ok(Self { target }),
        }
    }

    /// Tries whether a file can be created there, and leaves everything as it was.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn try_out(&self) -> io::Result<()> {
        self.beside()?.close()
    }

    /// The file itself: absolute, without links.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Whether writing here would change the file at `path`.
    pub fn is(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|path| path == self.target)
    }

    /// Begins to write: into a file beside the destination, with a name that nobody can know
    /// beforehand.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn draft(&self) -> io::Result<Draft> {
        let file = BufWriter::with_capacity(BUFFER, self.beside()?);
        Ok(Draft { file, target: self.target.clone() })
    }

    /// Writes the whole file.
    ///
    /// # Errors
    /// What `write` or the system says; the destination is then as it was.
    pub fn replace(&self, write: impl FnOnce(&mut Draft) -> io::Result<()>) -> io::Result<()> {
        let mut draft = self.draft()?;
        write(&mut draft)?;
        draft.commit()
    }

    fn beside(&self) -> io::Result<NamedTempFile> {
        let mut beside = tempfile::Builder::new();
        beside.prefix(".fbrs-").suffix(".tmp");
        // Readable to whom the user's mask allows, like any file; a temporary file is private else.
        #[cfg(unix)]
        beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        beside.tempfile_in(self.target.parent().unwrap_or(Path::new(".")))
    }
}

/// A file that is being written beside its destination. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
}

impl Draft {
    /// Forces the contents onto the disk and puts the file in its place: whoever looks there sees
    /// the old file or the new one.
    ///
    /// # Errors
    /// Whatever the system says; the destination is then as it was.
    pub fn commit(self) -> io::Result<()> {
        commit_all([self])
    }

    fn complete(self) -> io::Result<(NamedTempFile, PathBuf)> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        Ok((file, self.target))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Draft {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Puts several files in their places. All are complete and on the disk before the first is moved;
/// where a later one cannot be moved, the earlier ones are put back.
///
/// # Errors
/// Whatever the system says; all destinations are then as they were.
pub fn commit_all(drafts: impl IntoIterator<Item = Draft>) -> io::Result<()> {
    let complete: Vec<_> = drafts.into_iter().map(Draft::complete).collect::<io::Result<_>>()?;
    let single = complete.len() == 1;
    let mut moved: Vec<Moved> = Vec::new();
    for (file, target) in complete {
        let before = if single { Before::Unknown } else { Before::remember(&target) };
        if let Err(error) = file.persist(&target) {
            moved.into_iter().rev().for_each(Moved::undo);
            return Err(error.error);
        }
        moved.push(Moved { target, before });
    }
    Ok(())
}

/// A file that was put in its place.
struct Moved {
    target: PathBuf,
    before: Before,
}

/// What was there.
enum Before {
    /// Nothing.
    Nothing,
    /// This file; the name is removed when it is dropped.
    Kept(tempfile::TempPath),
    /// It cannot be brought back.
    Unknown,
}

impl Before {
    /// Gives what is at `target` a second name, where the file system can do that.
    fn remember(target: &Path) -> Self {
        if !target.exists() {
            return Self::Nothing;
        }
        let mut beside = tempfile::Builder::new();
        beside.prefix(".fbrs-").suffix(".tmp");
        let folder = target.parent().unwrap_or(Path::new("."));
        let linked = beside.make_in(folder, |name| fs::hard_link(target, name));
        linked.map_or(Self::Unknown, |linked| Self::Kept(linked.into_temp_path()))
    }
}

impl Moved {
    fn undo(self) {
        // There is nobody left to tell: the error that led here is told.
        let _ = match self.before {
            Before::Nothing => fs::remove_file(&self.target),
            Before::Kept(name) => name.persist(&self.target).map_err(|error| error.error),
            Before::Unknown => Ok(()),
        };
    }
}

/// Links that lead to links; more is a circle.
const MOST_LINKS: usize = 40;

/// The file that `path` names, behind all links: absolute. It need not exist, its folder must.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "expected the name of a file");
        let name = path.file_name().ok_or_else(no_name)?.to_owned();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let folder = fs::canonicalize(folder).map_err(|error| {
            io::Error::new(error.kind(), format!("its folder, {}: {error}", folder.display()))
        })?;
        path = folder.join(name);
        match fs::read_link(&path) {
            Ok(linked) => path = folder.join(linked),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "its links lead in a circle"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_seen_before_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let destination = Destination::new(&path).unwrap();
        let mut draft = destination.draft().unwrap();
        draft.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(draft);
        assert_eq!(names(folder.path()), ["a"]);
        let failed = destination.replace(|draft| {
            draft.write_all(b"half")?;
            Err(io::Error::other("the writer gave up"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        destination.replace(|draft| draft.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_later_file_that_cannot_be_moved_puts_the_earlier_ones_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "old").unwrap();
        let draft = |name: &str| {
            let mut draft = Destination::new(&path(name)).unwrap().draft().unwrap();
            draft.write_all(b"new").unwrap();
            draft
        };
        let drafts = [draft("a"), draft("b"), draft("c")];
        // A folder came in the way.
        fs::create_dir(path("c")).unwrap();
        assert!(commit_all(drafts).is_err());
        assert_eq!(fs::read(path("a")).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a", "c"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("inner")).unwrap();
        symlink("inner/file", path("dangling")).unwrap();
        symlink("dangling", path("second")).unwrap();
        symlink("circle", path("circle")).unwrap();
        let destination = Destination::new(&path("second")).unwrap();
        destination.replace(|draft| draft.write_all(b"new")).unwrap();
        assert_eq!(fs::read(path("inner/file")).unwrap(), b"new");
        assert!(path("second").is_symlink() && path("dangling").is_symlink());
        assert!(destination.is(&path("second")));
        assert!(Destination::new(&path("circle")).is_err());
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = Destination::new(folder.path()).unwrap_err();
        assert!(error.to_string().contains("folder"), "{error}");
        let error = Destination::new(&folder.path().join("none/file")).unwrap_err();
        assert!(error.to_string().contains("none"), "{error}");
        assert!(Destination::new(Path::new("")).is_err());
        assert!(Destination::new(Path::new("..")).is_err());
    }
}

//! The folder of a run: `runs/FAMILY/MODEL/NNN[_name]/{checkpoints,logs,pictures}`.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use fbrs_data::files::Destination;

use crate::config::{Config, Layers};
use crate::manifest::Manifest;
use crate::{Error, Result};

const CONFIG: &str = "config.toml";
const MANIFEST: &str = "manifest.json";
const LOCK: &str = ".lock";
const FOLDERS: [&str; 3] = ["checkpoints", "logs", "pictures"];

/// The folder of a run, held by this program alone.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl RunFolder {
    /// Creates the folder of a new run, with the next free number, and saves in it what the run is.
    /// Runs that begin at the same time get numbers of their own.
    ///
    /// `architecture` names the folder where the configuration gives no name.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Folder`] where another program has just taken it.
    pub fn create(config: &Config, architecture: &str, manifest: &Manifest) -> Result<Self> {
        let run = &config.run;
        let model = if run.model.is_empty() { architecture } else { &run.model };
        let parent = Path::new(&run.root).join(&run.family).join(model);
        fs::create_dir_all(&parent).map_err(Error::write(&parent))?;
        let path = next(&parent, &run.name).map_err(Error::write(&parent))?;
        let folder = Self { _lock: lock(&path)?, path };
        for name in FOLDERS {
            let path = folder.path.join(name);
            fs::create_dir(&path).map_err(Error::write(&path))?;
        }
        write(&folder.path.join(MANIFEST), &manifest.to_json())?;
        // Last: a folder with a configuration is complete.
        write(&folder.path.join(CONFIG), &config.to_toml()?)?;
        Ok(folder)
    }

    /// Opens the folder of a run that is to go on.
    ///
    /// # Errors
    /// [`Error::Folder`] where it is none or another program trains in it.
    pub fn open(path: &Path) -> Result<Self> {
        let folder =
            |reason: &str| Error::Folder { path: path.to_owned(), reason: reason.to_owned() };
        if !path.is_dir() {
            return Err(folder("expected the folder of a run, it is no folder"));
        }
        if !path.join(CONFIG).is_file() {
            return Err(folder(
                "expected the folder of a run, with a config.toml in it; runs are in \
                 runs/FAMILY/MODEL/NUMBER",
            ));
        }
        for name in FOLDERS {
            let path = path.join(name);
            fs::create_dir_all(&path).map_err(Error::write(&path))?;
        }
        Ok(Self { _lock: lock(path)?, path: path.to_owned() })
    }

    /// The configuration that the run began with.
    ///
    /// # Errors
    /// As [`Layers::resolve`].
    pub fn config(&self) -> Result<Config> {
        Layers::new().file(&self.path.join(CONFIG)).resolve()
    }

    /// What the run was made of when it began.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Folder`] where it is damaged.
    pub fn manifest(&self) -> Result<Manifest> {
        Manifest::read(&self.path.join(MANIFEST))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For weights and training files.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// For event files and JSON lines.
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// For what an encoder that does not learn gives.
    pub(crate) fn features(&self) -> PathBuf {
        self.path.join("features")
    }

    /// For pictures of samples.
    pub fn pictures(&self) -> PathBuf {
        self.path.join("pictures")
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let destination = Destination::new(path).map_err(Error::write(path))?;
    let written = destination.replace(|draft| draft.write_all(text.as_bytes()));
    written.map_err(Error::write(path))
}

fn lock(path: &Path) -> Result<File> {
    let name = path.join(LOCK);
    let file = File::create(&name).map_err(Error::write(&name))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Folder {
            path: path.to_owned(),
            reason: "another program trains in it; wait for it or begin a run of its own"
                .to_owned(),
        }),
        // Some file systems know no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Creates the folder of the next number that nobody has.
fn next(parent: &Path, name: &str) -> io::Result<PathBuf> {
    loop {
        let number = numbers(parent)?.last().map_or(0, |last| last + 1);
        // The bare number is what is fought for: only one can create it.
        let bare = parent.join(format!("{number:03}"));
        match fs::create_dir(&bare) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        // Somebody may have taken the number, and its name, since it was looked up.
        if numbers(parent)?.iter().filter(|&&taken| taken == number).count() > 1 {
            fs::remove_dir(&bare)?;
            continue;
        }
        if name.is_empty() {
            return Ok(bare);
        }
        let named = parent.join(format!("{number:03}_{name}"));
        fs::rename(&bare, &named)?;
        return Ok(named);
    }
}

/// Numbers that are taken, in order; those of several entries several times.
fn numbers(parent: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(parent)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let digits = name.split('_').next().unwrap_or_default();
        // Longer ones are no numbers of runs.
        let is_number =
            (3..=9).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
        numbers.extend(digits.parse::<u64>().ok().filter(|_| is_number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::preset;
    use std::collections::BTreeSet;

    fn config(root: &Path, name: &str) -> Config {
        let mut config = preset("tiny").unwrap();
        config.run.root = root.to_str().unwrap().to_owned();
        config.run.name = name.to_owned();
        config
    }

    fn manifest() -> Manifest {
        Manifest { began: 7, ..Manifest::new(&preset("tiny").unwrap(), "cpu").unwrap() }
    }

    #[test]
    fn a_run_has_its_own_number_and_what_it_is() {
        let root = tempfile::tempdir().unwrap();
        let create = |name: &str| {
            RunFolder::create(&config(root.path(), name), "hrnet8s_ocr8", &manifest()).unwrap()
        };
        let first = create("");
        assert_eq!(first.path(), root.path().join("tiny/hrnet8s_ocr8/000"));
        assert!(first.checkpoints().is_dir() && first.logs().is_dir() && first.pictures().is_dir());
        assert_eq!(first.config().unwrap(), config(root.path(), ""));
        assert_eq!(first.manifest().unwrap(), manifest());
        fs::create_dir(root.path().join("tiny/hrnet8s_ocr8/041_mine")).unwrap();
        fs::create_dir(root.path().join("tiny/hrnet8s_ocr8/notes")).unwrap();
        assert!(create("second").path().ends_with("042_second"));

        let path = first.path().to_owned();
        let error = RunFolder::open(&path).unwrap_err().to_string();
        assert!(error.contains("another program trains in it"), "{error}");
        drop(first);
        RunFolder::open(&path).unwrap();
        let error = RunFolder::open(root.path()).unwrap_err().to_string();
        assert!(error.contains("with a config.toml in it"), "{error}");
        let error = RunFolder::open(&path.join("none")).unwrap_err().to_string();
        assert!(error.contains("it is no folder"), "{error}");
    }

    #[test]
    fn runs_that_begin_together_do_not_share_a_number() {
        let root = tempfile::tempdir().unwrap();
        let begin = |starter: usize| {
            let name =
                if starter.is_multiple_of(2) { String::new() } else { format!("n{starter}") };
            let config = config(root.path(), &name);
            RunFolder::create(&config, "x", &manifest()).unwrap().path().to_owned()
        };
        let paths: Vec<_> = std::thread::scope(|scope| {
            let starters: Vec<_> =
                (0..16).map(|starter| scope.spawn(move || begin(starter))).collect();
            starters.into_iter().map(|starter| starter.join().unwrap()).collect()
        });
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap()[..3].to_owned();
        let numbers: BTreeSet<_> = paths.iter().map(name).collect();
        assert_eq!(numbers.len(), 16, "{paths:?}");
        assert!(paths.iter().all(|path| path.join(CONFIG).is_file()));
    }
}

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::average::Averages;
use super::events::PREFIX;
use super::lines::FILE;
use crate::{Error, Result};

/// How far a log had come when a run was saved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPosition {
    /// Event files and their lengths.
    pub(super) events: BTreeMap<String, u64>,
    /// Length of the JSON lines.
    pub(super) lines: u64,
    /// Means that were not complete.
    pub(super) averages: Averages,
}

impl LogPosition {
    /// Removes from a log's folder what was logged behind the position.
    pub(super) fn cut_back(&self, folder: &Path) -> Result<()> {
        let of_folder = Error::write(folder);
        for entry in fs::read_dir(folder).map_err(&of_folder)? {
            let entry = entry.map_err(&of_folder)?;
            let is_file = entry.file_type().map_err(&of_folder)?.is_file();
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = entry.path();
            let kept = match self.events.get(&name) {
                Some(&length) => Some(length),
                None if name == FILE => Some(self.lines),
                None => None,
            };
            let done = match kept {
                _ if !is_file => Ok(()),
                Some(length) if name == FILE => {
                    line_end(&path, length).and_then(|end| shorten(&path, end))
                }
                Some(length) => shorten(&path, length),
                None if name.starts_with(PREFIX) => fs::remove_file(&path),
                None => Ok(()),
            };
            done.map_err(Error::write(&path))?;
        }
        Ok(())
    }
}

/// The end of the last whole line before `length`: somebody may have worked on the file.
fn line_end(path: &Path, length: u64) -> io::Result<u64> {
    let mut end = 0;
    let mut lines = BufReader::new(File::open(path)?.take(length));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        end += line.len() as u64;
        line.clear();
    }
    Ok(end)
}

fn shorten(path: &Path, length: u64) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    if file.metadata()?.len() > length { file.set_len(length) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_files_of_the_log_are_touched_and_lines_stay_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path(FILE), "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n").unwrap();
        fs::write(path("notes.txt"), "mine").unwrap();
        fs::write(path("events.out.tfevents.7.here"), "of later").unwrap();
        fs::create_dir(path("events.out.tfevents.folder")).unwrap();
        let position = LogPosition { lines: 19, ..LogPosition::default() };
        position.cut_back(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(path(FILE)).unwrap(), "{\"a\":1}\n{\"b\":2}\n");
        assert!(path("notes.txt").is_file() && path("events.out.tfevents.folder").is_dir());
        assert!(!path("events.out.tfevents.7.here").exists());
    }
}

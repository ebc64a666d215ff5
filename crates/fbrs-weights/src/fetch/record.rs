//! The SHA-256 of every name that was fetched into a cache folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use fbrs_data::files::{self, Destination, ReadError};
use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};

use super::lock;
use crate::WeightsError;
use crate::error::{cannot_write, shown};

const FILE: &str = "sha256.toml";

/// Held while the file is changed, and gone afterwards.
const LOCK: &str = "sha256.toml.lock";

/// Bytes of the file: room for 10,000 names.
const LARGEST: u64 = 1 << 20;

#[derive(Default, Serialize, Deserialize)]
struct Record {
    sha256: BTreeMap<String, String>,
}

/// What is recorded: names and their SHA-256.
pub(crate) fn read(cache: &Path) -> Result<BTreeMap<String, String>, WeightsError> {
    let path = cache.join(FILE);
    let text = match files::read_text(&path, LARGEST) {
        Ok(text) => text,
        Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(BTreeMap::new());
        }
        Err(ReadError::Io { source, .. }) => {
            return Err(WeightsError::Io { operation: "read", file: shown(&path), source });
        }
        Err(error) => return Err(unsupported(&path, &error.to_string())),
    };
    match toml::from_str::<Record>(&text) {
        Ok(record) => Ok(record.sha256),
        Err(error) => Err(unsupported(&path, error.message())),
    }
}

fn unsupported(path: &Path, found: &str) -> WeightsError {
    WeightsError::Unsupported {
        file: shown(path),
        reason: format!(
            "expected the SHA-256 of fetched weights, found something else ({}); remove it to \
             record them anew",
            printable(found)
        ),
    }
}

/// Records the SHA-256 of a name; another process that records another one waits.
pub(crate) fn write(cache: &Path, name: &str, sha256: &str) -> Result<(), WeightsError> {
    let path = cache.join(FILE);
    let io = |error| cannot_write(&path, error);
    let lock_path = cache.join(LOCK);
    let lock = lock::lock(&lock_path).map_err(io)?;
    let written = (|| {
        let mut record = Record { sha256: read(cache)? };
        record.sha256.insert(name.to_owned(), sha256.to_owned());
        let text = toml::to_string(&record).map_err(|error| io(io::Error::other(error)))?;
        let destination = Destination::new(&path).map_err(io)?;
        destination.replace(|draft| draft.write_all(text.as_bytes())).map_err(io)
    })();
    // One that stays does no harm.
    let _ = fs::remove_file(&lock_path);
    drop(lock);
    written
}

//! The SHA-256 of every name that was fetched into a cache folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::WeightsError;
use crate::replace::{cannot_write, replace};

const FILE: &str = "sha256.toml";

#[derive(Default, Serialize, Deserialize)]
struct Record {
    sha256: BTreeMap<String, String>,
}

/// What is recorded: names and their SHA-256.
pub(crate) fn read(cache: &Path) -> Result<BTreeMap<String, String>, WeightsError> {
    let path = cache.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => {
            let file = path.display().to_string();
            return Err(WeightsError::Io { operation: "read", file, source });
        }
    };
    match toml::from_str::<Record>(&text) {
        Ok(record) => Ok(record.sha256),
        Err(error) => Err(WeightsError::Unsupported {
            file: path.display().to_string(),
            reason: format!(
                "expected the SHA-256 of fetched weights, found something else ({}); remove it to \
                 record them anew",
                error.message()
            ),
        }),
    }
}

/// Records the SHA-256 of a name.
pub(crate) fn write(cache: &Path, name: &str, sha256: &str) -> Result<(), WeightsError> {
    let path = cache.join(FILE);
    let mut record = Record { sha256: read(cache)? };
    record.sha256.insert(name.to_owned(), sha256.to_owned());
    let io = |error| cannot_write(&path, error);
    let text = toml::to_string(&record).map_err(|error| io(io::Error::other(error)))?;
    replace(&path, |mut file| file.write_all(text.as_bytes()).map_err(io))
}

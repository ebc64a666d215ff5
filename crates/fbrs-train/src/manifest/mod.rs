//! What a run was made of: program, machine, checksums of data and weights.

mod checksum;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use fbrs_data::files::read_text;
use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};

pub(crate) use checksum::{of_file, of_texts};

use crate::config::Config;
use crate::{Error, Result};

/// Bytes of a manifest.
const LIMIT: u64 = 1 << 20;

/// What a run was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this program.
    pub version: String,
    /// Operating system and processor.
    pub system: String,
    /// What computed.
    pub device: String,
    /// The preset that the configuration began with.
    pub preset: String,
    /// SHA-256 of the configuration's decisive values.
    pub config_sha256: String,
    /// When the run began, in seconds since 1970.
    pub began: u64,
    /// What was learned from and judged by, in the configuration's order.
    pub data: Vec<DataRecord>,
    /// SHA-256 of the file that the weights started from, of built-in ones their fingerprint; empty where
    /// all were drawn.
    pub init_sha256: String,
}

/// A set as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// Its layout.
    pub kind: String,
    /// Where it was.
    pub path: String,
    /// Its photos.
    pub photos: usize,
    /// SHA-256, hexadecimal, of its photos and labels, their names, and their scores.
    pub sha256: String,
}

impl Manifest {
    /// That of a run that begins now; data and weights are still to be filled in.
    ///
    /// # Errors
    /// As [`Config::checksum`].
    pub fn new(config: &Config, device: &str) -> Result<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            device: device.to_owned(),
            preset: config.preset.clone(),
            config_sha256: config.checksum()?,
            began: since.map_or(0, |since| since.as_secs()),
            data: Vec::new(),
            init_sha256: String::new(),
        })
    }

    /// One checksum of all data.
    pub fn data_checksum(&self) -> String {
        of_texts(self.data.iter().map(|data| data.sha256.as_str()))
    }

    pub(crate) fn to_json(&self) -> String {
        // Texts and numbers alone: this cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        serde_json::from_str(&read_text(path, LIMIT)?).map_err(|error| Error::Folder {
            path: path.to_owned(),
            reason: format!("it is damaged: {}", printable(&error.to_string())),
        })
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

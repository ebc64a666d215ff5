//! Fetching published weights: download, check, import into the cache folder.
//!
//! A download goes to `NAME.pth.part` and survives being stopped: the next call goes on where it
//! stopped, if the far end still has the same file. The SHA-256 of what came is checked against
//! the manifest's or, where that is not known yet, against the one recorded in the cache folder
//! when the name was first fetched.

mod download;
mod lock;
mod record;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use self::download::Part;
use crate::error::cannot_write;
use crate::{Checkpoint, ExtraKeys, Fault, Precision, Provenance, Published, WeightsError};

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are here, those of earlier calls included.
    pub done: u64,
    /// Bytes of the whole file, where the far end said so.
    pub total: Option<u64>,
}

/// Weights that are in the cache folder now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The native file.
    pub path: PathBuf,
    /// SHA-256 of the published file it was made from, hexadecimal.
    pub sha256: String,
    /// Whether it was there before and nothing was downloaded.
    pub was_there: bool,
}

/// Fetches published weights into the folder `cache`, as a native file in single precision.
///
/// `progress` is told of every piece that arrives, and stops the download by breaking: what came
/// so far is kept for the next call. A process that is killed loses nothing either.
///
/// # Errors
/// [`WeightsError::Download`] where there is no network or the far end fails, which says what to do
/// by hand; [`WeightsError::Checksum`] where something else came than expected;
/// [`WeightsError::Cancelled`]; [`WeightsError::Write`] where the cache folder cannot be written
/// to; whatever opening what came meets. What came is thrown away only where it is itself at fault.
pub fn fetch(
    published: &Published,
    cache: &Path,
    mut progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Fetched, WeightsError> {
    let name = &published.name;
    let path = cache.join(format!("{name}.safetensors"));
    fs::create_dir_all(cache).map_err(|error| cannot_write(cache, error))?;
    let expected = expected_sha256(published, cache)?;

    if let Some(sha256) = already_there(&path, expected.as_ref().map(|(sha256, _)| sha256)) {
        // A process that ended between importing and recording left this to be done.
        if expected.is_none() {
            record::write(cache, name, &sha256)?;
        }
        return Ok(Fetched { path, sha256, was_there: true });
    }
    let part = Part::open(published, cache)?;
    let sha256 = part.download(&mut progress)?;
    if let Some((expected, origin)) = expected
        && expected != sha256
    {
        part.remove();
        return Err(WeightsError::Checksum {
            name: name.clone(),
            url: published.url.clone(),
            expected,
            found: sha256,
            origin,
        });
    }
    match import(published, part.path(), &sha256, &path) {
        Ok(()) => part.remove(),
        // A file that is no such network is of no use to the next call. A full disk is not the
        // file's fault, and the next call goes on from what is here.
        Err(error) => {
            if error.fault() == Fault::File {
                part.remove();
            }
            return Err(error);
        }
    }
    record::write(cache, name, &sha256)?;
    Ok(Fetched { path, sha256, was_there: false })
}

/// The SHA-256 that a download must have, and where that is known from.
fn expected_sha256(
    published: &Published,
    cache: &Path,
) -> Result<Option<(String, &'static str)>, WeightsError> {
    if !published.sha256.is_empty() {
        return Ok(Some((published.sha256.to_ascii_lowercase(), "from the manifest")));
    }
    let recorded = record::read(cache)?.remove(&published.name);
    Ok(recorded.map(|sha256| (sha256, "recorded when it was first fetched")))
}

/// The source's SHA-256 of a native file that is there, sound, and made from what is expected.
fn already_there(path: &Path, expected: Option<&String>) -> Option<String> {
    let checkpoint = Checkpoint::open(path, ExtraKeys::Refuse).ok()?;
    let sha256 = checkpoint.provenance().source_sha256.clone()?;
    expected.is_none_or(|expected| *expected == sha256).then_some(sha256)
}

fn import(
    published: &Published,
    part: &Path,
    sha256: &str,
    path: &Path,
) -> Result<(), WeightsError> {
    // Published files were written by other programs; what they hold beside the network does no
    // harm.
    let mut checkpoint = Checkpoint::open(part, ExtraKeys::Ignore)?;
    if checkpoint.architecture().to_string() != published.architecture {
        let reason = format!(
            "expected {} as {}, found {}",
            published.architecture,
            published.name,
            checkpoint.architecture()
        );
        return Err(WeightsError::Unrecognized { file: published.url.clone(), reason });
    }
    let provenance = Provenance {
        source_file: Some(format!("{}.pth", published.name)),
        source_sha256: Some(sha256.to_owned()),
        training_set: Some(published.training_set.clone()),
        terms: Some(published.terms.clone()),
        created_by: None,
    };
    checkpoint.save_native(path, Precision::F32, &provenance)
}

use std::fs::File;
use std::io;
use std::path::Path;

use crate::WeightsError;

/// Writes a file beside `path` and moves it there when it is complete: whoever looks at `path`
/// sees the old file or the new one, never a part.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&File) -> Result<(), WeightsError>,
) -> Result<(), WeightsError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut beside = tempfile::Builder::new();
    beside.prefix(".fbrs-").suffix(".tmp");
    // Readable to whom the user's mask allows, like any file; a temporary file is private else.
    #[cfg(unix)]
    beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = beside
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| cannot_write(path, error))?;
    write(file.as_file())?;
    file.as_file().sync_all().map_err(|error| cannot_write(path, error))?;
    file.persist(path).map_err(|error| cannot_write(path, error.error))?;
    Ok(())
}

/// The error of a write to `path`.
pub(crate) fn cannot_write(path: &Path, source: io::Error) -> WeightsError {
    WeightsError::Io { operation: "write", file: path.display().to_string(), source }
}

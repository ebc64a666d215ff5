use std::fs::Metadata;
use std::time::SystemTime;

/// What tells whether two looks at a path found the same file, unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    place: Place,
    length: u64,
    modified: Option<SystemTime>,
}

/// Where the file is on the machine: its device and its number there, where the system has such.
#[cfg(unix)]
type Place = (u64, u64);
#[cfg(not(unix))]
type Place = Option<SystemTime>;

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        Self { place: place(metadata), length: metadata.len(), modified }
    }

    /// Whether it is the same file, changed or not.
    #[cfg(feature = "fetch")]
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

#[cfg(unix)]
fn place(metadata: &Metadata) -> Place {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn place(metadata: &Metadata) -> Place {
    metadata.created().ok()
}

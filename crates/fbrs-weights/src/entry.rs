//! A file of weights that has been opened, and its table of tensors.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use fbrs_data::files::{self, ReadError};
use pytorch_reader::Tensor;

use crate::container::OPENING;
use crate::error::shown;
use crate::identity::Identity;
use crate::{Container, Element, Provenance, WeightsError};

/// A file, how it is called in messages, and what it was when it was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) name: String,
    /// In bytes.
    pub(crate) length: u64,
    identity: Identity,
}

impl Opened {
    pub(crate) fn open(path: &Path) -> Result<Self, WeightsError> {
        let name = shown(path);
        let io = |source| WeightsError::Io { operation: "open", file: name.clone(), source };
        let file = match files::open(path) {
            Ok(file) => file,
            Err(ReadError::Io { source, .. }) => return Err(io(source)),
            Err(ReadError::NotPlain { found, .. }) => {
                let reason = format!("expected a file of weights, found {found}");
                return Err(WeightsError::Unsupported { file: name, reason });
            }
            Err(error) => {
                let reason = error.to_string();
                return Err(WeightsError::Unsupported { file: name, reason });
            }
        };
        let metadata = file.metadata().map_err(io)?;
        Ok(Self { file, length: metadata.len(), identity: Identity::of(&metadata), name })
    }

    /// The bytes that tell the formats apart.
    pub(crate) fn start(&mut self) -> Result<Vec<u8>, WeightsError> {
        let mut start = Vec::new();
        let read = self
            .file
            .rewind()
            .and_then(|()| self.file.by_ref().take(OPENING).read_to_end(&mut start));
        read.map_err(|source| self.unread(source))?;
        Ok(start)
    }

    /// Makes sure that `path` still leads to this file, and that nobody has written to it since
    /// it was opened.
    pub(crate) fn is_still(&self, path: &Path) -> Result<(), WeightsError> {
        let there = path.metadata().map_err(|source| self.unread(source))?;
        let here = self.file.metadata().map_err(|source| self.unread(source))?;
        if [there, here].iter().any(|metadata| Identity::of(metadata) != self.identity) {
            return Err(WeightsError::Changed { file: self.name.clone() });
        }
        Ok(())
    }

    fn unread(&self, source: io::Error) -> WeightsError {
        WeightsError::Io { operation: "read", file: self.name.clone(), source }
    }
}

/// Where the bytes of a file are.
#[derive(Debug)]
pub(crate) enum Source {
    File(Opened),
    Memory(&'static [u8]),
}

impl Source {
    /// The bytes `start..start + length`.
    pub(crate) fn read(&mut self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::File(opened) => {
                opened.file.seek(SeekFrom::Start(start))?;
                let mut bytes = vec![0; length];
                opened.file.read_exact(&mut bytes)?;
                Ok(bytes)
            }
            Self::Memory(bytes) => usize::try_from(start)
                .ok()
                .and_then(|start| bytes.get(start..start.checked_add(length)?))
                .map(<[u8]>::to_vec)
                .ok_or_else(|| io::ErrorKind::UnexpectedEof.into()),
        }
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::File(opened) => opened.length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }
}

/// One tensor of a file, its values not read yet.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) element: Element,
    pub(crate) shape: Vec<usize>,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Pytorch(Tensor),
    Range { start: u64, length: usize },
}

impl Entry {
    /// A tensor whose bytes are `start..start + length` of the file, in little endian.
    pub(crate) fn in_range(
        name: String,
        element: Element,
        shape: Vec<usize>,
        start: u64,
        length: usize,
    ) -> Self {
        Self { name, element, shape, data: Data::Range { start, length } }
    }

    /// A tensor that the reader of PyTorch's containers reads.
    pub(crate) fn of_pytorch(tensor: Tensor, element: Element) -> Self {
        let (name, shape) = (tensor.name.clone(), tensor.shape().to_vec());
        Self { name, element, shape, data: Data::Pytorch(tensor) }
    }

    /// The tensor's bytes, row-major, in the machine's byte order.
    pub(crate) fn read(&self, source: &mut Source) -> io::Result<Vec<u8>> {
        match &self.data {
            Data::Pytorch(tensor) => tensor.read(),
            Data::Range { start, length } => {
                let mut bytes = source.read(*start, *length)?;
                if cfg!(target_endian = "big") {
                    let size = length.checked_div(self.shape.iter().product()).unwrap_or(1);
                    bytes.chunks_mut(size.max(1)).for_each(<[u8]>::reverse);
                }
                Ok(bytes)
            }
        }
    }
}

/// What a file says of itself. All but the configuration is in native files alone.
#[derive(Debug, Default)]
pub(crate) struct Header {
    /// What a PyTorch checkpoint has under `config`.
    pub(crate) config: Option<serde_json::Value>,
    pub(crate) architecture: Option<String>,
    pub(crate) norm_radius: Option<f32>,
    /// Mean and deviation of the colors.
    pub(crate) colors: Option<([f32; 3], [f32; 3])>,
    pub(crate) provenance: Provenance,
}

/// What a file holds, before anyone asks whether it is a network.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) container: Container,
    pub(crate) source: Source,
    pub(crate) entries: Vec<Entry>,
    pub(crate) header: Header,
}

/// Whether reading failed in the machine (a disk, a network folder), and not for what the file
/// holds. Readers in between keep an error's kind and lose the system's own number.
pub(crate) fn is_of_machine(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        // A place or a length that makes no sense is the file's, whoever noticed it.
        io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::Unsupported
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::Other
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_failing_disk_is_told_from_a_damaged_file() {
        for system in [libc_eio(), io::Error::from(io::ErrorKind::TimedOut)] {
            assert!(is_of_machine(&system), "{system:?}");
            // As the reader of PyTorch's containers passes it on.
            let passed_on = io::Error::new(system.kind(), format!("tensor 'x': {system}"));
            assert!(is_of_machine(&passed_on), "{passed_on:?}");
        }
        for kind in [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof] {
            assert!(!is_of_machine(&io::Error::new(kind, "Invalid checksum")));
        }
        assert!(!is_of_machine(&io::Error::other("an archive's own words")));
    }

    /// "Input/output error", as a failing disk gives it.
    fn libc_eio() -> io::Error {
        io::Error::from_raw_os_error(5)
    }

    #[test]
    fn another_file_under_the_same_path_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.pth");
        std::fs::write(&path, "one").unwrap();
        let opened = Opened::open(&path).unwrap();
        opened.is_still(&path).unwrap();
        let other = folder.path().join("other");
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &path).unwrap();
        let error = opened.is_still(&path).unwrap_err();
        assert!(matches!(error, WeightsError::Changed { .. }), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(opened.is_still(&path).unwrap_err(), WeightsError::Io { .. }));
    }

    #[test]
    fn a_file_that_grows_while_it_is_opened_is_noticed() {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let opened = Opened::open(file.path()).unwrap();
        file.write_all(b"more").unwrap();
        assert!(matches!(opened.is_still(file.path()), Err(WeightsError::Changed { .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_read_is_no_damaged_one() {
        // A plain file whose first byte cannot be read: address 0 of this process.
        let error = Opened::open(Path::new("/proc/self/mem")).unwrap().start().unwrap_err();
        assert!(matches!(error, WeightsError::Io { operation: "read", .. }), "{error}");
    }
}

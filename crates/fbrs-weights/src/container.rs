use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use pytorch_reader::Tensor;

use crate::native::Header;
use crate::{Element, WeightsError, native, pytorch};

/// The format of a file of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// PyTorch's zip archive (1.6 and later).
    Zip,
    /// PyTorch's stream of pickles (before 1.6).
    Stream,
    /// safetensors, the format of native files.
    Safetensors,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Zip => "PyTorch zip archive",
            Self::Stream => "older PyTorch stream",
            Self::Safetensors => "safetensors",
        })
    }
}

/// A file, how it is called in messages, and its length in bytes.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) name: String,
    pub(crate) length: u64,
}

impl Opened {
    fn open(path: &Path) -> Result<Self, WeightsError> {
        let name = path.display().to_string();
        let io = |source| WeightsError::Io { operation: "open", file: name.clone(), source };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            let reason = "expected a file of weights, found a folder or a device".to_owned();
            return Err(WeightsError::Unsupported { file: name, reason });
        }
        Ok(Self { file, name, length: metadata.len() })
    }

    fn start(&mut self) -> Result<Vec<u8>, WeightsError> {
        let mut start = Vec::new();
        let read = self
            .file
            .rewind()
            .and_then(|()| self.file.by_ref().take(HEADER_BYTES).read_to_end(&mut start));
        read.map_err(|source| WeightsError::Io {
            operation: "read",
            file: self.name.clone(),
            source,
        })?;
        Ok(start)
    }
}

/// Where the bytes of a native file are.
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
    pub(crate) fn in_range(
        name: String,
        element: Element,
        shape: Vec<usize>,
        start: u64,
        length: usize,
    ) -> Self {
        Self { name, element, shape, data: Data::Range { start, length } }
    }

    fn of_pytorch(tensor: Tensor) -> Self {
        let (name, element) = (tensor.name.clone(), pytorch::element(&tensor));
        Self { name, element, shape: tensor.shape().to_vec(), data: Data::Pytorch(tensor) }
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

/// What a file holds, before anyone asks whether it is a network.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) container: Container,
    pub(crate) source: Source,
    pub(crate) entries: Vec<Entry>,
    /// What a native file says of itself.
    pub(crate) header: Header,
}

/// Bytes that tell the formats apart.
const HEADER_BYTES: u64 = 512;

/// The number that opens the older stream, 0x1950a86a20f9469cfc6c, as its pickle holds it.
const STREAM_MAGIC: [u8; 12] =
    [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

impl Contents {
    /// Opens a file of any known format.
    pub(crate) fn open(path: &Path) -> Result<Self, WeightsError> {
        let mut opened = Opened::open(path)?;
        let start = opened.start()?;
        let container = recognize(&start)
            .map_err(|found| WeightsError::UnknownFormat { file: opened.name.clone(), found })?;
        if container == Container::Safetensors {
            let name = opened.name.clone();
            return native::read(&name, Source::File(opened));
        }
        let tensors = pytorch::open(path, container, &opened)?;
        Ok(Self {
            container,
            source: Source::File(opened),
            entries: tensors.into_iter().map(Entry::of_pytorch).collect(),
            header: Header::default(),
        })
    }

    /// Opens a native file that lies in memory and is called `name` in messages.
    pub(crate) fn in_memory(name: &str, bytes: &'static [u8]) -> Result<Self, WeightsError> {
        native::read(name, Source::Memory(bytes))
    }
}

/// The format that a file's first bytes announce, or what they look like instead.
fn recognize(start: &[u8]) -> Result<Container, String> {
    let opening = start.get(..64).unwrap_or(start);
    if start.is_empty() {
        Err("an empty file".to_owned())
    } else if start.starts_with(b"PK\x03\x04") {
        Ok(Container::Zip)
    } else if start.get(257..262) == Some(b"ustar") {
        Err("a tar archive (PyTorch before 0.1.10 wrote such; save it again with a newer one)"
            .to_owned())
    } else if opening.windows(STREAM_MAGIC.len()).any(|bytes| bytes == STREAM_MAGIC) {
        Ok(Container::Stream)
    } else if start.get(8) == Some(&b'{') {
        Ok(Container::Safetensors)
    } else if start.starts_with(b"version https://git-lfs") {
        Err("a Git LFS pointer (fetch the file itself with `git lfs pull`)".to_owned())
    } else if start.trim_ascii_start().starts_with(b"<") {
        Err("a web page (was the download address right?)".to_owned())
    } else if start.first() == Some(&0x80) {
        Err("a Python pickle that is no PyTorch checkpoint".to_owned())
    } else if start.starts_with(b"\x89HDF") {
        Err("an HDF5 file".to_owned())
    } else {
        let shown = start.get(..8).unwrap_or(start).escape_ascii();
        Err(format!("a file that begins with \"{shown}\""))
    }
}

//! PyTorch checkpoints: the zip archive (1.6 and later) and the stream of pickles before it.
//!
//! The containers are read by the `pytorch-reader` crate, lazily. Before it sees a file, the
//! checks here make sure that its pickle calls nothing but what rebuilds tensors, that no part of
//! it is compressed (`torch.save` compresses nothing, so only a bomb would be), and afterwards
//! that its tensors together are no larger than the file: no small file can ask for much memory.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use pytorch_reader::{DType, PytorchError, PytorchReader, Tensor};
use zip::{CompressionMethod, ZipArchive};

use crate::container::Opened;
use crate::error::printable;
use crate::pickle::{self, Refusal};
use crate::{Container, Element, WeightsError};

/// Entries of an archive. The largest network takes 2,000.
const MAX_ENTRIES: u64 = 20_000;

/// Bytes of the archive's directory, which is held in memory while it is read.
const MAX_DIRECTORY: u64 = 8 << 20;

/// Opens a checkpoint whose first bytes say `container`.
pub(crate) fn open(
    path: &Path,
    container: Container,
    file: &Opened,
) -> Result<Vec<Tensor>, WeightsError> {
    let name = || file.name.clone();
    let checked = match container {
        Container::Zip => check_zip(&file.file, file.length),
        _ => check_stream(&file.file),
    };
    checked.map_err(|refusal| match refusal {
        Refusal::Forbidden(request) => WeightsError::Forbidden { file: name(), request },
        Refusal::Damaged(reason) => WeightsError::Damaged { file: name(), container, reason },
        Refusal::Unsupported(reason) => WeightsError::Unsupported { file: name(), reason },
        Refusal::Io(source) => WeightsError::Io { operation: "read", file: name(), source },
    })?;

    let reader = PytorchReader::new(path).map_err(|error| match error {
        PytorchError::Io(source) if source.raw_os_error().is_some() => {
            WeightsError::Io { operation: "read", file: name(), source }
        }
        error => {
            WeightsError::Damaged { file: name(), container, reason: printable(&error.to_string()) }
        }
    })?;
    let mut tensors: Vec<_> = reader.into_tensors().into_values().collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let bytes = tensors.iter().try_fold(0_u64, |sum, tensor| sum.checked_add(byte_length(tensor)?));
    if bytes.is_none_or(|bytes| bytes > file.length) {
        let reason = "its tensors together are larger than the file".to_owned();
        return Err(WeightsError::Damaged { file: name(), container, reason });
    }
    Ok(tensors)
}

fn byte_length(tensor: &Tensor) -> Option<u64> {
    let size = tensor.dtype().size() as u64;
    tensor.shape().iter().try_fold(size, |bytes, &extent| bytes.checked_mul(extent as u64))
}

/// The type of a tensor's elements.
pub(crate) fn element(tensor: &Tensor) -> Element {
    match tensor.dtype() {
        DType::F64 => Element::F64,
        DType::F32 => Element::F32,
        DType::F16 => Element::F16,
        DType::BF16 => Element::BF16,
        DType::I64 => Element::Other("i64"),
        DType::I32 => Element::Other("i32"),
        DType::I16 => Element::Other("i16"),
        DType::I8 => Element::Other("i8"),
        DType::U64 => Element::Other("u64"),
        DType::U32 => Element::Other("u32"),
        DType::U16 => Element::Other("u16"),
        DType::U8 => Element::Other("u8"),
        DType::Bool => Element::Other("bool"),
    }
}

/// Walks the pickles of the older container: magic number, protocol, system, state dict, keys.
fn check_stream(file: &File) -> Result<(), Refusal> {
    let mut source = BufReader::new(file);
    source.rewind()?;
    (0..5).try_for_each(|_| pickle::inspect(&mut source))
}

fn check_zip(file: &File, length: u64) -> Result<(), Refusal> {
    check_directory(file, length)?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(from_zip)?;
    if archive.has_duplicate_names() {
        return Err(Refusal::Damaged("its archive has two entries of one name".to_owned()));
    }
    let mut size = 0_u64;
    let mut pickle = None;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(from_zip)?;
        let name = entry.name().map_err(from_zip)?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(Refusal::Unsupported(format!(
                "its entry {} is compressed, which torch.save never does: save it again with \
                 torch.save",
                printable(&name)
            )));
        }
        size = size.saturating_add(entry.size());
        if (name == "data.pkl" || name.ends_with("/data.pkl")) && pickle.replace(index).is_some() {
            return Err(Refusal::Damaged("its archive holds two checkpoints".to_owned()));
        }
    }
    if size > length {
        return Err(Refusal::Damaged("its entries together are larger than the file".to_owned()));
    }
    let Some(index) = pickle else {
        return Err(Refusal::Damaged("its archive holds no data.pkl".to_owned()));
    };
    let mut entry = BufReader::new(archive.by_index(index).map_err(from_zip)?);
    pickle::inspect(&mut entry)
}

/// Bounds the archive's directory before it is read into memory. The record that describes it
/// lies at the very end of what `torch.save` writes; a large file has a wide form of it before.
fn check_directory(file: &File, length: u64) -> Result<(), Refusal> {
    let record: [u8; 22] = read_at(file, length, length.checked_sub(22))?;
    if !record.starts_with(b"PK\x05\x06") {
        return Err(Refusal::Damaged("its archive has no directory at its end".to_owned()));
    }
    let entries = u64::from(u16::from_le_bytes([record[10], record[11]]));
    let size = u64::from(u32::from_le_bytes([record[12], record[13], record[14], record[15]]));
    bound_directory(entries, size)?;

    let locator: [u8; 20] = read_at(file, length, length.checked_sub(42))?;
    if locator.starts_with(b"PK\x06\x07") {
        let [.., a, b, c, d, e, f, g, h, _, _, _, _] = locator;
        let offset = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let wide: [u8; 48] = read_at(file, length, Some(offset))?;
        let (words, _) = wide.as_chunks::<8>();
        if let (true, [.., entries, size]) = (wide.starts_with(b"PK\x06\x06"), words) {
            bound_directory(u64::from_le_bytes(*entries), u64::from_le_bytes(*size))?;
        } else {
            return Err(Refusal::Damaged(
                "its archive's directory is not where it says".to_owned(),
            ));
        }
    } else if entries == u64::from(u16::MAX) || size == u64::from(u32::MAX) {
        return Err(Refusal::Damaged("its archive's directory has no size".to_owned()));
    }
    Ok(())
}

fn bound_directory(entries: u64, size: u64) -> Result<(), Refusal> {
    if entries > MAX_ENTRIES || size > MAX_DIRECTORY {
        let reason = format!("its archive's directory is absurd: {entries} entries, {size} bytes");
        return Err(Refusal::Damaged(reason));
    }
    Ok(())
}

/// `N` bytes of a file that has `length`.
fn read_at<const N: usize>(
    mut file: &File,
    length: u64,
    offset: Option<u64>,
) -> Result<[u8; N], Refusal> {
    let inside = |offset: &u64| offset.checked_add(N as u64).is_some_and(|end| end <= length);
    let Some(offset) = offset.filter(inside) else {
        return Err(Refusal::Damaged("its archive ends too early".to_owned()));
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn from_zip(error: zip::result::ZipError) -> Refusal {
    match error {
        zip::result::ZipError::Io(error) if error.raw_os_error().is_some() => Refusal::Io(error),
        error => Refusal::Damaged(printable(&error.to_string())),
    }
}

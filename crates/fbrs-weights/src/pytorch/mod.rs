//! PyTorch checkpoints: the zip archive (1.6 and later) and the stream of pickles before it.
//!
//! The containers are read by the `pytorch-reader` crate, lazily. Before it sees a file, the
//! checks here make sure that its pickle calls nothing but what rebuilds tensors, that no part of
//! it is compressed (`torch.save` compresses nothing, so only a bomb would be), and afterwards
//! that its tensors together are no larger than the file: no small file can ask for much memory.
//! It takes a path and opens it anew, so that the two looks are made sure to be at one file.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod archive;
mod repair;

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Seek};
use std::path::Path;

use fbrs_data::text::printable;
use pytorch_reader::{DType, PytorchError, PytorchReader, Tensor};
use tempfile::NamedTempFile;

use self::archive::End;
use crate::entry::{Contents, Entry, Header, Opened, Source, is_of_machine};
use crate::pickle::{self, Inspected, Refusal, Root};
use crate::{Container, Element, WeightsError};

/// Opens a checkpoint whose first bytes say `container`.
pub(crate) fn open(
    path: &Path,
    container: Container,
    opened: Opened,
) -> Result<Contents, WeightsError> {
    let refused = |refusal| told(refusal, &opened.name, container);
    let (Inspected { root, config }, copy) = match container {
        Container::Zip => check_zip(&opened).map_err(refused)?,
        _ => (check_stream(&opened.file).map_err(refused)?, None),
    };
    let reader = PytorchReader::new(copy.as_ref().map_or(path, |copy| copy.path()));
    // The reader holds what it has opened; the copy's name may go.
    drop(copy);
    opened.is_still(path)?;
    let reader = reader.map_err(|error| refused(unreadable(error, root)))?;

    let mut tensors: Vec<_> = reader.into_tensors().into_values().collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let bytes = tensors.iter().try_fold(0_u64, |sum, tensor| sum.checked_add(byte_length(tensor)?));
    if bytes.is_none_or(|bytes| bytes > opened.length) {
        let reason = "its tensors together are larger than the file".to_owned();
        return Err(refused(Refusal::Damaged(reason)));
    }
    let entry = |tensor: Tensor| {
        let element = element(tensor.dtype());
        Entry::of_pytorch(tensor, element)
    };
    Ok(Contents {
        container,
        entries: tensors.into_iter().map(entry).collect(),
        source: Source::File(opened),
        header: Header { config, ..Header::default() },
    })
}

fn told(refusal: Refusal, name: &str, container: Container) -> WeightsError {
    let file = name.to_owned();
    match refusal {
        Refusal::Forbidden(request) => WeightsError::Forbidden { file, request },
        Refusal::Damaged(reason) => WeightsError::Damaged { file, container, reason },
        Refusal::Unsupported(reason) => WeightsError::Unsupported { file, reason },
        Refusal::Io(source) => WeightsError::Io { operation: "read", file, source },
    }
}

/// What the reader's error means, of a file that passed the checks.
fn unreadable(error: PytorchError, root: Root) -> Refusal {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>().filter(|error| is_of_machine(error))
        {
            return Refusal::Io(io::Error::new(error.kind(), error.to_string()));
        }
        cause = error.source();
    }
    match error {
        PytorchError::InvalidFormat(_) if root == Root::List => Refusal::Unsupported(
            "it holds a list, expected a state dict (a dictionary of tensors): save each network of \
             the list in a file of its own"
                .to_owned(),
        ),
        PytorchError::InvalidFormat(_) if root != Root::Dictionary => {
            Refusal::Unsupported(format!(
                "it holds {root}, expected a state dict (a dictionary of tensors): save it with \
                 torch.save(model.state_dict(), …)"
            ))
        }
        error => Refusal::Damaged(printable(&error.to_string())),
    }
}

fn byte_length(tensor: &Tensor) -> Option<u64> {
    let size = tensor.dtype().size() as u64;
    tensor.shape().iter().try_fold(size, |bytes, &extent| bytes.checked_mul(extent as u64))
}

/// The type of a tensor's elements.
fn element(dtype: DType) -> Element {
    match dtype {
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

/// Checks an archive. Returns what its pickle is, and a copy to read where the archive's end
/// would mislead the reader: what is read is what was checked.
fn check_zip(opened: &Opened) -> Result<(Inspected, Option<NamedTempFile>), Refusal> {
    let checked = archive::check(&opened.file, opened.length)?;
    if checked.end == End::Clear {
        return Ok((checked.found, None));
    }
    let copy = repair::repaired(opened)?;
    let checked = archive::check(copy.as_file(), opened.length)?;
    match checked.end {
        End::Clear => Ok((checked.found, Some(copy))),
        End::Misleading => Err(archive::lost()),
    }
}

/// Walks the pickles of the older container: magic number, protocol, system, state dict, keys.
/// Returns what the one with the state dict is.
fn check_stream(file: &File) -> Result<Inspected, Refusal> {
    let mut source = BufReader::new(file);
    source.rewind()?;
    (0..3).try_for_each(|_| pickle::inspect(&mut source).map(drop))?;
    let found = pickle::inspect(&mut source)?;
    pickle::inspect(&mut source)?;
    Ok(found)
}

//! Native files: safetensors with a description of the network in its metadata.
//!
//! Only the header is read on opening; values are read tensor by tensor.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use half::f16;
use half::slice::HalfFloatSliceExt;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::Serialize;

use crate::container::{Contents, Entry, Source};
use crate::error::printable;
use crate::replace::{cannot_write, replace};
use crate::{Checkpoint, Container, Element, Provenance, WeightsError};

/// Version of what the metadata says; a file of a later version is refused.
const VERSION: u32 = 1;

/// Bytes of a header. That of the largest network has 300,000.
const MAX_HEADER: u64 = 4 << 20;

/// Number format of a native file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Everything as it was, in single precision.
    F32,
    /// Convolution kernels in half precision. Vectors (biases, BatchNorm) stay in single
    /// precision: they are a hundredth of the file, and a variance suffers most from rounding.
    F16,
}

/// What a native file says of itself; all absent in any other.
#[derive(Debug, Default)]
pub(crate) struct Header {
    pub(crate) architecture: Option<String>,
    pub(crate) norm_radius: Option<f32>,
    pub(crate) provenance: Provenance,
}

/// Reads the header of the safetensors file in `source`, which is called `name` in messages.
pub(crate) fn read(name: &str, mut source: Source) -> Result<Contents, WeightsError> {
    let damaged = |reason: String| WeightsError::Damaged {
        file: name.to_owned(),
        container: Container::Safetensors,
        reason,
    };
    let io = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it ends too early".to_owned()),
        _ => WeightsError::Io { operation: "read", file: name.to_owned(), source: error },
    };

    let length = source.read(0, 8).map_err(io)?;
    let length = length.try_into().map_or(u64::MAX, u64::from_le_bytes);
    if length > MAX_HEADER {
        return Err(damaged(format!(
            "its header claims {length} bytes, at most {MAX_HEADER} are read"
        )));
    }
    let header_bytes =
        usize::try_from(length).map_err(|_| damaged("its header is absurd".into()))?;
    let header = source.read(8, header_bytes).map_err(io)?;
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| {
        damaged(format!("its header makes no sense: {}", printable(&error.to_string())))
    })?;

    let data = length.saturating_add(8);
    let expected = data.saturating_add(metadata.data_len() as u64);
    if expected != source.length() {
        return Err(damaged(format!(
            "its header describes {expected} bytes, the file has {}",
            source.length()
        )));
    }
    let mut entries = Vec::new();
    for tensor in metadata.offset_keys() {
        let Some(info) = metadata.info(&tensor) else { continue };
        let (start, end) = info.data_offsets;
        let (Some(start), Some(length)) = (data.checked_add(start as u64), end.checked_sub(start))
        else {
            return Err(damaged(format!("its tensor {} has an absurd place", printable(&tensor))));
        };
        entries.push(Entry::in_range(
            tensor,
            element(info.dtype),
            info.shape.clone(),
            start,
            length,
        ));
    }
    let header = describe(name, &metadata)?;
    Ok(Contents { container: Container::Safetensors, source, entries, header })
}

fn describe(name: &str, metadata: &Metadata) -> Result<Header, WeightsError> {
    let empty = Default::default();
    let texts = metadata.metadata().as_ref().unwrap_or(&empty);
    let text = |key: &str| texts.get(key).cloned();
    let unsupported = |reason: String| WeightsError::Unsupported { file: name.to_owned(), reason };

    // A safetensors file that someone else made says nothing of this, and is read all the same.
    if let Some(version) = text("fbrs_format")
        && version.parse::<u32>().ok().is_none_or(|version| version > VERSION)
    {
        return Err(unsupported(format!(
            "its format is version \"{}\", this program reads up to {VERSION}: use a newer fbrs",
            printable(&version)
        )));
    }
    let norm_radius = text("norm_radius").map(|radius| {
        let value = radius.parse::<f32>().ok();
        value.filter(|radius| radius.is_finite() && *radius > 0.0).ok_or_else(|| {
            unsupported(format!(
                "its norm_radius is \"{}\", expected a positive number of pixels",
                printable(&radius)
            ))
        })
    });
    Ok(Header {
        architecture: text("architecture"),
        norm_radius: norm_radius.transpose()?,
        provenance: Provenance {
            source_file: text("source_file"),
            source_sha256: text("source_sha256"),
            training_set: text("training_set"),
            terms: text("terms"),
            created_by: text("created_by"),
        },
    })
}

fn element(dtype: Dtype) -> Element {
    match dtype {
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::BF16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        Dtype::I64 => Element::Other("i64"),
        Dtype::I32 => Element::Other("i32"),
        Dtype::I16 => Element::Other("i16"),
        Dtype::I8 => Element::Other("i8"),
        Dtype::U8 => Element::Other("u8"),
        Dtype::BOOL => Element::Other("bool"),
        _ => Element::Other("other"),
    }
}

#[derive(Serialize)]
struct WrittenHeader {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<&'static str, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, TensorInfo>,
}

/// Writes the network of `checkpoint` beside `path` and moves it there when it is complete.
/// The same input gives the same bytes.
pub(crate) fn write(
    checkpoint: &mut Checkpoint,
    path: &Path,
    precision: Precision,
    provenance: &Provenance,
) -> Result<(), WeightsError> {
    let parameters: Vec<_> = checkpoint
        .tensors()
        .iter()
        .map(|tensor| (tensor.name.clone(), tensor.shape.clone()))
        .collect();
    let mut header =
        WrittenHeader { metadata: metadata(checkpoint, provenance), tensors: BTreeMap::new() };
    let mut end = 0_usize;
    for (name, shape) in &parameters {
        let dtype = stored_as(precision, shape);
        let start = end;
        // These shapes are a network's: a file held them, so their bytes can be counted.
        end = start
            .saturating_add(shape.iter().product::<usize>().saturating_mul(dtype.bitsize() / 8));
        let info = TensorInfo { dtype, shape: shape.clone(), data_offsets: (start, end) };
        header.tensors.insert(name.clone(), info);
    }

    let io = |source| cannot_write(path, source);
    let mut header = serde_json::to_vec(&header).map_err(|error| io(error.into()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    replace(path, |file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        out.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
        out.write_all(&header).map_err(io)?;
        for (name, shape) in &parameters {
            let values = checkpoint.values(name, shape)?;
            write_values(&mut out, name, &values, stored_as(precision, shape), &io)?;
        }
        out.flush().map_err(io)
    })
}

fn metadata(checkpoint: &Checkpoint, provenance: &Provenance) -> BTreeMap<&'static str, String> {
    let created_by = concat!("fbrs ", env!("CARGO_PKG_VERSION")).to_owned();
    let mut metadata = BTreeMap::from([
        ("fbrs_format", VERSION.to_string()),
        ("architecture", checkpoint.architecture().to_string()),
        ("norm_radius", checkpoint.norm_radius().to_string()),
        ("created_by", provenance.created_by.clone().unwrap_or(created_by)),
    ]);
    let texts = [
        ("source_file", &provenance.source_file),
        ("source_sha256", &provenance.source_sha256),
        ("training_set", &provenance.training_set),
        ("terms", &provenance.terms),
    ];
    metadata.extend(texts.into_iter().filter_map(|(key, text)| Some((key, text.clone()?))));
    metadata
}

fn stored_as(precision: Precision, shape: &[usize]) -> Dtype {
    match precision {
        Precision::F16 if shape.len() > 1 => Dtype::F16,
        _ => Dtype::F32,
    }
}

fn write_values(
    out: &mut BufWriter<&File>,
    name: &str,
    values: &[f32],
    dtype: Dtype,
    io: &impl Fn(io::Error) -> WeightsError,
) -> Result<(), WeightsError> {
    if dtype == Dtype::F32 {
        return values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes())).map_err(io);
    }
    let mut buffer = [f16::ZERO; 1024];
    for values in values.chunks(buffer.len()) {
        let Some(halves) = buffer.get_mut(..values.len()) else { continue };
        halves.convert_from_f32_slice(values);
        if let Some((_, value)) = halves.iter().zip(values).find(|(half, _)| !half.is_finite()) {
            return Err(WeightsError::Overflow { tensor: name.to_owned(), value: *value });
        }
        halves.iter().try_for_each(|half| out.write_all(&half.to_le_bytes())).map_err(io)?;
    }
    Ok(())
}

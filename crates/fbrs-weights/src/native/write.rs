#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use fbrs_data::files::{Destination, Draft};
use fbrs_models::{Architecture, ParameterShape, ParameterSource};
use half::f16;
use half::slice::HalfFloatSliceExt;
use safetensors::tensor::{Dtype, TensorInfo};
use serde::Serialize;

use super::{FIRST_VERSION, Precision, VERSION};
use crate::error::cannot_write;
use crate::values::values;
use crate::{InputScaling, Provenance, WeightsError};

#[derive(Serialize)]
struct WrittenHeader {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<&'static str, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, TensorInfo>,
}

/// Writes a network as a native file: whole or not at all, and behind `path` where that is a link.
///
/// `source` gives the values of every parameter of `architecture`
/// ([`Architecture::parameters`]), those that the network never reads included: a network in
/// memory, such as one that was just trained ([`InMemory`](crate::InMemory)), or an opened
/// [`Checkpoint`](crate::Checkpoint).
/// They are asked for one at a time, in network order. The same input always gives the same bytes.
///
/// ```
/// use fbrs_models::{Architecture, testing::Formula};
/// use fbrs_weights::{
///     Checkpoint, ExtraKeys, InputScaling, Precision, Provenance, save_native,
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("trained.safetensors");
/// let architecture: Architecture = "hrnet1s_ocr1".parse()?;
/// let mut provenance = Provenance::default();
/// provenance.training_set = Some("a formula".to_owned());
/// let scaling = InputScaling::PUBLISHED;
/// save_native(&path, &mut Formula, &architecture, &scaling, Precision::F32, &provenance)?;
/// let checkpoint = Checkpoint::open(&path, ExtraKeys::Refuse)?;
/// assert_eq!(checkpoint.architecture(), architecture);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`WeightsError::NormRadius`]; [`Source`](WeightsError::Source) where `source` fails or gives
/// another number of values; [`NotFinite`](WeightsError::NotFinite);
/// [`Overflow`](WeightsError::Overflow) where half precision cannot hold a value;
/// [`Write`](WeightsError::Write). What was at `path` is then as it was.
pub fn save_native(
    path: impl AsRef<Path>,
    source: &mut dyn ParameterSource,
    architecture: &Architecture,
    scaling: &InputScaling,
    precision: Precision,
    provenance: &Provenance,
) -> Result<(), WeightsError> {
    let path = path.as_ref();
    if !InputScaling::holds_radius(scaling.norm_radius) {
        return Err(WeightsError::NormRadius { value: scaling.norm_radius });
    }
    let parameters = architecture.parameters();
    let mut header = WrittenHeader {
        metadata: metadata(architecture, scaling, provenance),
        tensors: BTreeMap::new(),
    };
    let mut end = 0_usize;
    for ParameterShape { name, shape, .. } in &parameters {
        let dtype = stored_as(precision, shape);
        let start = end;
        let bytes = shape.iter().product::<usize>().saturating_mul(size_of_element(dtype));
        end = start.saturating_add(bytes);
        let info = TensorInfo { dtype, shape: shape.clone(), data_offsets: (start, end) };
        header.tensors.insert(name.clone(), info);
    }

    let io = |source| cannot_write(path, source);
    let mut header = serde_json::to_vec(&header).map_err(|error| io(error.into()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut out = Destination::new(path).and_then(|there| there.draft()).map_err(io)?;
    out.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
    out.write_all(&header).map_err(io)?;
    for ParameterShape { name, shape, .. } in &parameters {
        let values = values(source, name, shape)?;
        write_values(&mut out, name, &values, stored_as(precision, shape), &io)?;
    }
    out.commit().map_err(io)
}

fn metadata(
    architecture: &Architecture,
    scaling: &InputScaling,
    provenance: &Provenance,
) -> BTreeMap<&'static str, String> {
    let created_by = concat!("fbrs ", env!("CARGO_PKG_VERSION")).to_owned();
    // What says nothing new is readable for programs that know nothing newer.
    let is_new = architecture.guidance().is_some() || !scaling.has_usual_colors();
    let mut metadata = BTreeMap::from([
        ("fbrs_format", if is_new { VERSION } else { FIRST_VERSION }.to_string()),
        ("architecture", architecture.to_string()),
        ("norm_radius", scaling.norm_radius.to_string()),
        ("created_by", provenance.created_by.clone().unwrap_or(created_by)),
    ]);
    if !scaling.has_usual_colors() {
        let text = |numbers: [f32; 3]| numbers.map(|number| number.to_string()).join(" ");
        metadata.insert("image_mean", text(scaling.mean));
        metadata.insert("image_deviation", text(scaling.deviation));
    }
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

fn size_of_element(dtype: Dtype) -> usize {
    match dtype {
        Dtype::F16 => size_of::<f16>(),
        _ => size_of::<f32>(),
    }
}

fn write_values(
    out: &mut Draft,
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

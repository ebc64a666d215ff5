#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;

use fbrs_data::files::read;
use fbrs_data::text::printable;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::{
    AVERAGE, FIRST, Header, KEY, LossScale, ParameterState, SECOND, TrainingState, VALUE, VERSION,
};
use crate::{Error, Result};

/// Bytes of a training file. That of the largest network has 700 million.
const LIMIT: u64 = 16 << 30;

impl TrainingState {
    /// Reads a training file. All of it must make sense: nothing is skipped, nothing made up.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::State`] where it is damaged or is something else.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = read(path, LIMIT)?;
        parse(&bytes).map_err(|reason| Error::State { path: path.to_owned(), reason })
    }
}

fn parse(bytes: &[u8]) -> std::result::Result<TrainingState, String> {
    let damaged =
        |reason: &str| format!("it is damaged ({}); resume from an earlier one", printable(reason));
    let (length, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| damaged(&error.to_string()))?;
    let text = metadata.metadata().as_ref().and_then(|texts| texts.get(KEY));
    let text = text.ok_or("it is no training file: expected one that a run wrote, not weights")?;
    let raw: serde_json::Value =
        serde_json::from_str(text).map_err(|error| damaged(&error.to_string()))?;
    let version = raw.get("version").and_then(serde_json::Value::as_u64);
    if version != Some(VERSION.into()) {
        let version = version.map_or("none".to_owned(), |version| version.to_string());
        return Err(format!(
            "its version is {version}, expected {VERSION}; resume with the program that wrote it"
        ));
    }
    let header: Header =
        serde_json::from_value(raw).map_err(|error| damaged(&error.to_string()))?;

    let is_scale = |scale: LossScale| scale.factor.is_finite() && scale.factor > 0.0;
    if !header.position.loss_scale.is_none_or(is_scale) {
        return Err(damaged("its scale of gradients is no number above 0"));
    }

    // Sizes and places were checked by the reader.
    let data = length.checked_add(8).and_then(|start| bytes.get(start..)).unwrap_or_default();
    if crc32c::crc32c(data) != header.crc32c {
        return Err(damaged("its checksum is not that of its numbers"));
    }
    let mut parameters: BTreeMap<_, _> = header
        .parameters
        .into_iter()
        .map(|(name, it)| {
            let state = ParameterState { shape: it.shape, steps: it.steps, ..Default::default() };
            (name, state)
        })
        .collect();
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| damaged(&error.to_string()))?;
    for (name, tensor) in tensors.tensors() {
        let (state, values) = slot(&mut parameters, &name)
            .ok_or_else(|| damaged(&format!("its tensor {name} belongs to no parameter")))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != state {
            return Err(damaged(&format!("its tensor {name} has not its parameter's shape")));
        }
        *values = tensor.data().as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
    }
    for (name, state) in &parameters {
        if state.value.len() != state.shape.iter().product::<usize>() {
            return Err(damaged(&format!("the values of {name} are missing")));
        }
    }
    Ok(TrainingState { position: header.position, parameters })
}

/// Where a tensor's values belong, and the shape that it must have.
fn slot<'a>(
    parameters: &'a mut BTreeMap<String, ParameterState>,
    name: &str,
) -> Option<(&'a [usize], &'a mut Vec<f32>)> {
    let (kind, name) = [VALUE, FIRST, SECOND, AVERAGE]
        .into_iter()
        .find_map(|kind| Some((kind, name.strip_prefix(kind)?)))?;
    let state = parameters.get_mut(name)?;
    let values = match kind {
        VALUE => &mut state.value,
        FIRST => &mut state.first,
        SECOND => &mut state.second,
        _ => &mut state.average,
    };
    Some((&state.shape, values))
}

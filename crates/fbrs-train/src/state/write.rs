use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use fbrs_data::files::{Destination, Draft};
use safetensors::tensor::{Dtype, TensorInfo};
use serde::Serialize;

use super::{Header, KEY, Steps, TrainingState, VERSION};
use crate::{Error, Result};

#[derive(Serialize)]
struct WrittenHeader {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<&'static str, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, TensorInfo>,
}

impl TrainingState {
    /// Writes the training file: whole or not at all, so a full disk leaves the old one.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::State`] where a tensor has not its parameter's shape.
    pub fn save(&self, path: &Path) -> Result<()> {
        let io = Error::write(path);
        let header = self.header(path)?;
        Destination::new(path)
            .and_then(|there| there.replace(|draft| self.write(&header, draft)))
            .map_err(io)
    }

    /// Tensors in the order of the file, with their names.
    fn tensors(&self) -> impl Iterator<Item = (String, &[usize], &[f32])> {
        self.parameters.iter().flat_map(|(name, state)| {
            let used = state.tensors().into_iter().filter(|(_, values)| !values.is_empty());
            used.map(move |(kind, values)| (format!("{kind}{name}"), &*state.shape, values))
        })
    }

    fn header(&self, path: &Path) -> Result<Vec<u8>> {
        let mut tensors = BTreeMap::new();
        let (mut end, mut crc32c) = (0_usize, 0);
        for (name, shape, values) in self.tensors() {
            if shape.iter().product::<usize>() != values.len() {
                let reason = format!("{name} has {} values, its shape is {shape:?}", values.len());
                return Err(Error::State { path: path.to_owned(), reason });
            }
            crc32c = values
                .iter()
                .fold(crc32c, |crc, value| crc32c::crc32c_append(crc, &value.to_le_bytes()));
            let start = end;
            end += size_of_val(values);
            let (dtype, shape) = (Dtype::F32, shape.to_vec());
            tensors.insert(name, TensorInfo { dtype, shape, data_offsets: (start, end) });
        }
        let of = |state: &super::ParameterState| Steps {
            shape: state.shape.clone(),
            steps: state.steps,
        };
        let header = Header {
            version: VERSION,
            crc32c,
            position: self.position.clone(),
            parameters: self.parameters.iter().map(|(name, it)| (name.clone(), of(it))).collect(),
        };
        let io = |error: serde_json::Error| Error::write(path)(error.into());
        let metadata = BTreeMap::from([(KEY, serde_json::to_string(&header).map_err(io)?)]);
        let mut bytes = serde_json::to_vec(&WrittenHeader { metadata, tensors }).map_err(io)?;
        bytes.resize(bytes.len().next_multiple_of(8), b' ');
        Ok(bytes)
    }

    fn write(&self, header: &[u8], draft: &mut Draft) -> io::Result<()> {
        draft.write_all(&(header.len() as u64).to_le_bytes())?;
        draft.write_all(header)?;
        let mut tensors = self.tensors();
        tensors.try_for_each(|(_, _, values)| {
            values.iter().try_for_each(|value| draft.write_all(&value.to_le_bytes()))
        })
    }
}

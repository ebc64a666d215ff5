//! What several tests share.
#![allow(dead_code, clippy::unwrap_used, reason = "not every test needs everything")]

pub(crate) mod archive;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fbrs_models::{Architecture, testing};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorView, serialize};

use fbrs_weights::Element;

pub(crate) const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests");

/// A checkpoint among the golden data.
pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(TESTS).join("golden/checkpoints").join(name)
}

/// The formula's values after a stay in a file as `element`.
pub(crate) fn stored(name: &str, shape: &[usize], element: Element) -> Vec<f32> {
    let mut values = testing::values(name, shape);
    for value in &mut values {
        *value = match element {
            Element::F16 => f16::from_f32(*value).to_f32(),
            Element::BF16 => bf16::from_f32(*value).to_f32(),
            _ => *value,
        };
    }
    values
}

/// A network's tensors by name, for a test to spoil before they are written.
#[derive(Clone)]
pub(crate) struct Spoilt(pub(crate) BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

impl Spoilt {
    /// The formula's values in single precision.
    pub(crate) fn new(architecture: &str) -> Self {
        let architecture: Architecture = architecture.parse().unwrap();
        let tensors = architecture.parameters().into_iter().map(|parameter| {
            let values = testing::values(&parameter.name, &parameter.shape);
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (parameter.name, (Dtype::F32, parameter.shape, bytes))
        });
        Self(tensors.collect())
    }

    /// A tensor of zeros.
    pub(crate) fn put(&mut self, name: &str, dtype: Dtype, shape: &[usize]) {
        let bytes = vec![0; shape.iter().product::<usize>() * dtype.bitsize() / 8];
        self.0.insert(name.to_owned(), (dtype, shape.to_vec(), bytes));
    }

    /// Gives every tensor another name.
    pub(crate) fn rename(&mut self, rename: impl Fn(&str) -> String) {
        self.0 = std::mem::take(&mut self.0)
            .into_iter()
            .map(|(name, tensor)| (rename(&name), tensor))
            .collect();
    }

    /// Makes the first value of a tensor this one.
    pub(crate) fn set_first(&mut self, name: &str, value: f32) {
        self.0.get_mut(name).unwrap().2[..4].copy_from_slice(&value.to_le_bytes());
    }

    /// Writes them as safetensors with this metadata.
    pub(crate) fn write(&self, path: &Path, metadata: &[(&str, &str)]) {
        let views = self.0.iter().map(|(name, (dtype, shape, bytes))| {
            (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        let metadata = metadata.iter().map(|(key, text)| (key.to_string(), text.to_string()));
        std::fs::write(path, serialize(views, Some(metadata.collect())).unwrap()).unwrap();
    }
}

/// Writes half-precision zeros as safetensors: a hole in the disk, however large.
pub(crate) fn write_zeros(path: &Path, tensors: &[(String, Vec<usize>)]) {
    let mut end = 0;
    let mut header = serde_json::Map::new();
    for (name, shape) in tensors {
        let start = end;
        end += 2 * shape.iter().product::<usize>();
        let info =
            serde_json::json!({ "dtype": "F16", "shape": shape, "data_offsets": [start, end] });
        header.insert(name.clone(), info);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(&header);
    std::fs::write(path, &bytes).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len((bytes.len() + end) as u64).unwrap();
}

//! Native files: safetensors with a description of the network in its metadata.
//!
//! Only the header is read on opening; values are read tensor by tensor.

mod read;
mod write;

use serde::{Deserialize, Serialize};

pub(crate) use read::read;
pub use write::save_native;

/// Version of what the metadata says; a file of a later version is refused. The second one has
/// networks of RITM's kind and colors of their own.
const VERSION: u32 = 2;
/// Of files that say nothing newer.
const FIRST_VERSION: u32 = 1;

/// Number format of a native file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// Everything as it was, in single precision.
    F32,
    /// Convolution kernels in half precision. Vectors (biases, BatchNorm) stay in single
    /// precision: they are a hundredth of the file, and a variance suffers most from rounding.
    F16,
}

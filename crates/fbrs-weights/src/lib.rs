//! Weights for the networks of `fbrs-models`: PyTorch checkpoints, native files, the built-in
//! default, and where to find or fetch them.
//!
//! A [`Checkpoint`] is an opened file that is known to be exactly one network. The decision that
//! shaped this crate: a file is hostile until shown otherwise, and large. Opening one reads its
//! table of tensors alone, refuses whatever no sound file of weights has, and checks every name
//! and shape; values are then read one tensor at a time, so that a network never lies in memory
//! twice.
//!
//! ```
//! use fbrs_models::ParameterSource;
//! use fbrs_weights::{ExtraKeys, Places};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # if cfg!(not(feature = "built-in")) { return Ok(()) }
//! // "default", a path, or a name such as "resnet50_dh128_sbd".
//! let mut weights = Places::default().locate("default")?.open(ExtraKeys::Refuse)?;
//! assert_eq!(weights.architecture().to_string(), "lite0_dh64");
//! let tensor = weights.tensors()[0].clone();
//! let values = weights.read(&tensor.name, &tensor.shape)?;
//! assert_eq!(values.len(), tensor.shape.iter().product::<usize>());
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `container`, `open`, `pytorch`, `pickle`, `native`, `entry`, `reading` | from bytes to a table of tensors, and its values |
//! | `state_dict`, `recognize`, `config`, `scaling`, `checkpoint`, `fingerprint` | from a table of tensors to a network |
//! | `partial`, `backbone` | from a table of tensors to a part of a network |
//! | `in_memory`, `native`, `export` | from a network to a file |
//! | `built_in`, `manifest`, `places`, [`fetch`] | where weights are |
//!
//! The built-in weights are a crate of their own, `fbrs-default-weights`, with terms of their own;
//! without the feature `built-in` neither is part of a build.
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.

mod backbone;
mod built_in;
mod checkpoint;
mod config;
mod container;
mod element;
mod entry;
mod error;
mod export;
#[cfg(feature = "fetch")]
pub mod fetch;
mod fingerprint;
mod identity;
mod in_memory;
mod manifest;
mod mismatch;
mod native;
mod open;
mod partial;
mod pickle;
mod places;
mod provenance;
mod pytorch;
mod reading;
mod recognize;
mod scaling;
mod state_dict;
mod values;

pub use backbone::{Backbone, BackboneMismatch, LiteOrigin};
pub use built_in::built_in_names;
pub use checkpoint::{Checkpoint, ExtraKeys, TensorInfo};
pub use container::Container;
pub use element::Element;
pub use error::{Fault, WeightsError};
pub use export::{Flavor, save_pytorch};
/// Text from a file made safe to print: in one line, without control characters, not too long.
pub use fbrs_data::text::printable;
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use in_memory::InMemory;
pub use manifest::{Published, find_published, published};
pub use mismatch::{Mismatch, Misshaped};
pub use native::{Precision, save_native};
pub use partial::Partial;
pub use places::{Location, Places, cache_folder};
pub use provenance::Provenance;
pub use scaling::InputScaling;

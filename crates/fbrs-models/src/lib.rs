//! The networks of f-BRS on Burn: ResNet-DeepLabV3+, HRNetV2-OCR and the Lite family.
//!
//! A [`Network`] is built from an [`Architecture`] and any [`ParameterSource`]. The decision that
//! shaped this crate: refinement acts *inside* a network, so every network can be run in two
//! parts, up to a [`Cut`] and on from there. Both parts are differentiable on every backend, and
//! no parameter ever asks for a gradient. What depends on the image alone is a part of its own, so
//! that it can be kept from click to click ([`ImageFeatures`]).
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use fbrs_models::{
//!     Architecture, BoxError, ClickInput, ClickPoints, Cut, Network, ParameterSource,
//! };
//!
//! /// Parameters come from a checkpoint; these are all alike.
//! struct Even;
//!
//! impl ParameterSource for Even {
//!     fn read(&mut self, _name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
//!         Ok(vec![0.01; shape.iter().product()])
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = Device::flex();
//! let architecture: Architecture = "hrnet18s_ocr64".parse()?;
//! let network = Network::build(&architecture, &mut Even, &device)?;
//! let image = Tensor::zeros([1, 3, 64, 96], &device);
//! let told = ClickInput {
//!     maps: Tensor::ones([1, 2, 64, 96], &device),
//!     previous_mask: None,
//!     points: [ClickPoints::default()].into(),
//! };
//! let image = network.image_features(image);
//! let state = network.run_to(Cut::Late, &image, told);
//! assert_eq!(network.run_from(state).dims(), [1, 1, 64, 96]);
//! # Ok(())
//! # }
//! ```
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.

mod architecture;
mod aspp;
mod block;
mod build;
mod cancel;
mod channel_affine;
mod click_input;
mod conv;
mod cut;
mod deeplab;
mod family;
mod fusion;
#[cfg(feature = "cpu")]
mod host;
mod hrnet;
mod image_features;
mod learning;
mod lite;
mod network;
mod ocr;
mod resize;
mod resnet;
mod separable;
#[cfg(feature = "testing")]
pub mod testing;

pub use architecture::{
    Architecture, DeepLabConfig, Fusion, Guidance, GuidanceWay, HrNetConfig, LiteConfig,
    ParseArchitectureError, PreviousMask, ResNet,
};
pub use build::{BoxError, Observed, ParameterError, ParameterShape, ParameterSource};
pub use cancel::{CancelToken, Interrupt, Interrupted};
pub use channel_affine::channel_affine;
pub use click_input::{ClickInput, ClickPoints};
pub use cut::{Cut, CutState};
pub use image_features::ImageFeatures;
pub use learning::{
    BatchOfOne, Drops, Learned, LearningInput, LearningNetwork, LearningOptions, LearningOutput,
    Parameter, ParameterRole, Statistics, TRAINING_ONLY,
};
pub use lite::LiteTaps;
pub use network::Network;
pub use resize::{BilinearTap, bilinear_taps, resize_bilinear};

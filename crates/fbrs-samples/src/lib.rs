//! Samples to train interactive segmentation on: labelled photos become augmented crops with a target and
//! clicks.
//!
//! The decision that shaped this crate: every sample draws from streams of its own, named by seed, epoch,
//! position and purpose ([`Stream`]). So a run is the same whatever the number of threads and after a resume,
//! and any sample can be made by itself.
//!
//! ```
//! use std::num::NonZero;
//! use std::sync::Arc;
//!
//! use fbrs_data::sets::Problem;
//! use fbrs_data::training::{LabelMap, LabelledPhoto, Object, Region, TrainingSet};
//! use fbrs_samples::{Loader, Photos, Plan, SampleOptions};
//! use image::{Luma, RgbImage};
//!
//! #[derive(Debug)]
//! struct Squares;
//!
//! impl TrainingSet for Squares {
//!     fn len(&self) -> usize {
//!         8
//!     }
//!
//!     fn name(&self, index: usize) -> String {
//!         format!("square {index}")
//!     }
//!
//!     fn read(&self, _: usize, _: &mut dyn rand::Rng) -> Result<LabelledPhoto, Problem> {
//!         let is_inside = |x: u32, y: u32| (200..400).contains(&x) && (150..350).contains(&y);
//!         let layer = LabelMap::from_fn(600, 500, |x, y| Luma([u16::from(is_inside(x, y))]));
//!         let objects = vec![Object::alone(Region { layer: 0, value: 1 })];
//!         let photo = RgbImage::new(600, 500);
//!         Ok(LabelledPhoto { photo, layers: vec![layer], objects, ignored: Vec::new() })
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let photos = Photos::new(Arc::new(Squares), None)?;
//! let epoch = Arc::new(photos).epoch(7, 0);
//! let plan = Plan::new(NonZero::new(4).ok_or("no samples")?);
//! for batch in Loader::start(epoch, SampleOptions::fbrs(), plan)? {
//!     let batch = batch?;
//!     assert_eq!(batch.samples.len(), 4);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod augment;
mod clicks;
mod distance;
mod epoch;
mod loader;
mod next_click;
mod options;
mod preview;
mod sample;
mod scene;
mod stream;
#[cfg(test)]
mod testing;

pub use epoch::{BadSet, Epoch, Photos};
pub use loader::{Batch, Loader, LoaderError, Plan, Replaced};
pub use next_click::{NextClick, next_click, write_click};
pub use options::{
    Augmentation, BadOptions, ClickOptions, ClickRules, Colors, CropPlace, Erosion, FirstClick,
    Flips, SampleOptions, ShiftRotate, Strategies, Unlabelled, ValidationScale, ZoomIn,
};
pub use preview::preview;
pub use sample::{TrainingPoint, TrainingSample, View};
pub use stream::{Purpose, Stream};

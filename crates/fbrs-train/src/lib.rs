//! Training of networks for click-based segmentation.
//!
//! The decision that shaped this crate: a run is a folder, and the folder says everything about it.
//! The resolved [`Config`](config::Config) lies in it with every number that mattered, a
//! [`Manifest`](manifest::Manifest) with what it was trained on and by which program, and the
//! [`TrainingState`](state::TrainingState) beside the weights, from which the run goes on as if it
//! had never stopped.
//!
//! ```
//! use fbrs_train::config::Layers;
//!
//! # fn main() -> fbrs_train::Result<()> {
//! let config = Layers::new().preset("f-brs/hrnet18_ocr64").set("batch.size=8").resolve()?;
//! assert_eq!(config.batch.size, 8);
//! assert_eq!(config.optimizer.rate, 5e-4);
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | [`config`] | the configuration of a run, presets, and how they are laid over each other |
//! | [`folder`] | the folder of a run |
//! | [`groups`], [`init`] | which parameters learn slowly; initial weights |
//! | [`log`] | what is logged: TensorBoard's event files, JSON lines |
//! | [`losses`] | losses and their gradients |
//! | [`manifest`] | what a run was made of: versions, checksums |
//! | [`metric`] | the adaptive IoU and the running averages of the focal loss |
//! | [`optimizer`] | Burn's optimizers, parameter by parameter |
//! | [`progress`] | how fast it goes, and how long it will take |
//! | [`schedule`] | the learning rate at every step |
//! | [`state`] | what a run needs to go on; which checkpoints are kept |
//! | `trainer` | a run: photos, steps, validation, saving |
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.

mod average;
mod batch;
pub mod config;
mod error;
pub mod folder;
pub mod groups;
pub mod init;
mod iterative;
mod learner;
pub mod log;
pub mod losses;
pub mod manifest;
pub mod metric;
mod number;
pub mod optimizer;
pub mod progress;
pub mod schedule;
pub mod state;
mod trainer;

pub use error::{Error, Result};
pub use trainer::{Data, Ended, Event, Scored, Scoring, Training, Understood, Validated};

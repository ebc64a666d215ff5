//! What a run needs to go on as if it had never stopped, and which checkpoints are kept.

mod best;
mod checkpoints;
mod read;
mod write;

use std::collections::BTreeMap;

use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};

pub use best::Best;
pub use checkpoints::CheckpointFiles;

pub use crate::learner::LossScale;
use crate::log::LogPosition;
use crate::metric::{AdaptiveIou, FocalAverages};
use crate::{Error, Result};

/// The format's version. Files of newer ones are refused.
const VERSION: u32 = 1;
/// The key of the header in the file's metadata.
const KEY: &str = "fbrs_training";
/// Of a parameter's tensors, what their names begin with.
const VALUE: &str = "value.";
const FIRST: &str = "first.";
const SECOND: &str = "second.";
const AVERAGE: &str = "average.";

/// The training file: all that weights do not say about a run.
///
/// It lies beside the weights of the same epoch and belongs to them. In the file, which is
/// safetensors, moments and averages are tensors (`first.NAME`, `second.NAME`, `average.NAME`) and
/// the rest is JSON in the metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingState {
    /// All but the numbers of parameters.
    pub position: Position,
    /// The optimizer's memory, by the parameters' names.
    pub parameters: BTreeMap<String, ParameterState>,
}

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The network.
    pub architecture: String,
    /// Epochs that are complete.
    pub epoch: u64,
    /// Steps that were taken.
    pub step: u64,
    /// Steps of an epoch, which the schedule goes by.
    pub steps_per_epoch: u64,
    /// Samples that were taken from the stream of the epoch that has begun.
    pub sample: u64,
    /// Decides every random draw.
    pub seed: u64,
    /// Judges the network while it learns.
    pub training_iou: AdaptiveIou,
    /// Judges it between epochs.
    pub validation_iou: AdaptiveIou,
    /// The focal loss's running averages.
    pub focal: FocalAverages,
    /// The best validation.
    pub best: Best,
    /// Epochs that were judged, or were not to be.
    pub judged: u64,
    /// What the weights that the run began with were judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
    /// Samples that come again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// How many samples each device takes at once, where a batch was too much for its memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_once: Vec<Option<usize>>,
    /// What gradients are multiplied by, where they are computed in f16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
    /// How far the log had come.
    pub log: LogPosition,
    /// [`Config::checksum`](crate::config::Config::checksum).
    pub config_sha256: String,
    /// [`Manifest::data_checksum`](crate::manifest::Manifest::data_checksum).
    pub data_sha256: String,
}

/// A sample that comes again, with the clicks that it has by now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// The epoch that it was made in.
    pub epoch: u64,
    /// Its position there.
    pub position: u64,
    /// Clicks that it was given since.
    pub given: u32,
    /// All slots: row, column and order.
    pub points: Vec<Option<(f32, f32, u32)>>,
}

/// What the optimizer knows of a parameter. What it does not use is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParameterState {
    /// The parameter's shape.
    pub shape: Vec<usize>,
    /// Steps that it has taken.
    pub steps: u64,
    /// The parameter itself. Weights of a moving average are not those that learn.
    pub value: Vec<f32>,
    /// The gradient's running mean, or SGD's momentum.
    pub first: Vec<f32>,
    /// Its square's.
    pub second: Vec<f32>,
    /// The parameter's own.
    pub average: Vec<f32>,
}

impl ParameterState {
    fn tensors(&self) -> [(&'static str, &[f32]); 4] {
        [
            (VALUE, &self.value),
            (FIRST, &self.first),
            (SECOND, &self.second),
            (AVERAGE, &self.average),
        ]
    }
}

/// What is in the metadata.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    /// CRC-32C of all tensors, in the file's order.
    crc32c: u32,
    position: Position,
    /// Of every parameter, those without tensors too.
    parameters: BTreeMap<String, Steps>,
}

/// A parameter in the metadata.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    shape: Vec<usize>,
    steps: u64,
}

/// Mismatches that a message names; the rest is counted.
const NAMED: usize = 3;

impl TrainingState {
    /// Whether data and configuration are those of the saved run.
    ///
    /// # Errors
    /// [`Error::Resume`].
    pub fn check_origin(&self, config: &str, data: &str) -> Result<()> {
        if self.position.config_sha256 != config {
            return Err(Error::Resume(
                "config.toml is not as it was when it was trained with; bring it back, or begin a run \
                 of its own, with the checkpoint as init.file"
                    .to_owned(),
            ));
        }
        if self.position.data_sha256 != data {
            return Err(Error::Resume(
                "the data changed since: files were added, removed or edited; bring them back, or \
                 begin a run of its own with the checkpoint as init.file"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// Whether it belongs to a network with these parameters, by name and shape.
///
/// # Errors
/// [`Error::Resume`], which names the first that are missing, unknown, or of another shape.
pub(crate) fn check_parameters<'a>(
    states: &BTreeMap<String, ParameterState>,
    parameters: impl IntoIterator<Item = (&'a str, &'a [usize])>,
) -> Result<()> {
    let mut wrong = Vec::new();
    let mut unknown: BTreeMap<_, _> = states.iter().collect();
    for (name, shape) in parameters {
        match unknown.remove(&name.to_owned()) {
            None => wrong.push(format!("{} is missing", printable(name))),
            Some(state) if state.shape != shape => wrong.push(format!(
                "{} has the shape {:?}, expected {shape:?}",
                printable(name),
                state.shape
            )),
            Some(_) => {}
        }
    }
    wrong.extend(unknown.keys().map(|name| format!("{} is unknown", printable(name))));
    if wrong.is_empty() {
        return Ok(());
    }
    let more = match wrong.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    wrong.truncate(NAMED);
    Err(Error::Resume(format!(
        "the training file is of another network or another choice of what learns: {}{more}",
        wrong.join(", ")
    )))
}

#[cfg(test)]
mod tests;

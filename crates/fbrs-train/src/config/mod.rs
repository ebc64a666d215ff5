//! The configuration of a run: everything that decides what comes out.
//!
//! A configuration has no missing values: what is off says so (mostly by 0), so that the saved file
//! shows every number of the run. It comes about in [`Layers`]: a preset, a file over it, single
//! values over both. Unknown keys and values that make no sense are errors that name the key.

mod batch;
mod check;
mod checkpoints;
mod convert;
mod data;
mod decisive;
mod effect;
mod init;
mod layers;
mod loss;
mod merge;
mod network;
mod optimizer;
mod presets;
mod run;
mod schedule;
mod validation;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use check::Checks;

pub use batch::{Batch, Clicks, Freeze};
pub use checkpoints::{Checkpoints, Interval, Logs};
pub use data::{Data, DataSet, Mix};
pub use fbrs_samples::{
    Augmentation, BadOptions, ClickOptions, ClickRules, Colors, CropPlace, Erosion, FirstClick,
    Flips, SampleOptions, ShiftRotate, Strategies, Unlabelled, ValidationScale, ZoomIn,
};
pub use init::{Init, InitKind};
pub use layers::Layers;
pub use loss::{Loss, MainLoss};
pub use network::{Network, Precision};
pub use optimizer::{Optimizer, OptimizerKind};
pub use presets::{preset, preset_names};
pub use run::Run;
pub use schedule::{RateShape, ScheduleConfig};
pub use validation::Validation;

use crate::{Error, Result};

/// The whole configuration of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The preset that it began with.
    pub preset: String,
    /// The run's name, seed and machine.
    pub run: Run,
    /// The network.
    pub network: Network,
    /// What the weights start from.
    pub init: Init,
    /// What is learned from.
    pub data: Data,
    /// How samples are made of photos.
    pub samples: SampleOptions,
    /// Clicks on the network's own errors.
    pub clicks: Clicks,
    /// What is made small.
    pub loss: Loss,
    /// How it is made small.
    pub optimizer: Optimizer,
    /// The learning rate over time.
    pub schedule: ScheduleConfig,
    /// How many samples a step takes.
    pub batch: Batch,
    /// What does not learn.
    pub freeze: Freeze,
    /// How the network is judged between epochs.
    pub validation: Validation,
    /// Which checkpoints are written and kept.
    pub checkpoints: Checkpoints,
    /// What is logged.
    pub logs: Logs,
}

impl Config {
    /// Whether every value makes sense by itself; [`Layers::resolve`] has asked already.
    ///
    /// # Errors
    /// [`Error::Value`] for the first that does not.
    pub fn check(&self) -> Result<()> {
        let mut checks = Checks::default();
        self.run.check(&mut checks);
        self.network.check(&self.init, &mut checks);
        self.init.check(&mut checks);
        self.data.check(&mut checks);
        checks.options(self.samples.check());
        self.clicks.check(&mut checks);
        self.loss.check(&mut checks);
        self.optimizer.check(&mut checks);
        self.schedule.check(&mut checks);
        self.batch.check(&self.freeze, self.run.device_count(), &mut checks);
        self.validation.check(&mut checks);
        self.checkpoints.check(&mut checks);
        checks.result()
    }

    /// Whether it says where the data is.
    pub(crate) fn check_data(&self) -> Result<()> {
        let mut checks = Checks::default();
        self.data.check_ready(&mut checks);
        checks.result()
    }

    /// Whether nothing is missing that a run needs: where the data is, where the weights are.
    ///
    /// # Errors
    /// [`Error::Value`], which says how to give it.
    pub fn check_ready(&self) -> Result<()> {
        let mut checks = Checks::default();
        self.init.check_ready(&self.network, &mut checks);
        self.data.check_ready(&mut checks);
        checks.result()
    }

    /// As a TOML file, with every key.
    ///
    /// # Errors
    /// [`Error::Config`] where a number is too large for TOML; none that [`Self::check`] lets pass.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::Config {
            place: "the configuration".to_owned(),
            reason: check::one_line(&error.to_string()),
        })
    }

    /// SHA-256, hexadecimal, of what decides the numbers of a run. Two configurations with the same
    /// checksum train the same network.
    ///
    /// # Errors
    /// As [`Self::to_toml`].
    pub fn checksum(&self) -> Result<String> {
        let text = self.decisive().to_toml()?;
        Ok(crate::manifest::hexadecimal(&Sha256::digest(text)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use fbrs_data::training::Kind;

    use super::*;

    #[test]
    fn every_preset_makes_sense_and_resolves_to_itself() {
        let folder = tempfile::tempdir().unwrap();
        for name in preset_names() {
            let config = preset(&name).unwrap();
            config.check().unwrap();
            assert_eq!(config.preset, name);
            let sets = config.data.sets.iter().chain(&config.data.validation);
            for set in sets {
                assert!(Kind::ALL.iter().any(|kind| kind.name() == set.kind), "{name}: {set:?}");
            }
            assert_eq!(Layers::new().preset(&name).resolve().unwrap(), config, "{name}");
            let path = folder.path().join("config.toml");
            std::fs::write(&path, config.to_toml().unwrap()).unwrap();
            assert_eq!(Layers::new().file(&path).resolve().unwrap(), config, "{name}");
        }
    }

    #[test]
    fn the_checksum_is_of_what_decides() {
        let config = preset("tiny").unwrap();
        let mut other = config.clone();
        other.run.threads = 7;
        other.run.name = "second".to_owned();
        other.checkpoints.keep = 3;
        assert_eq!(other.checksum().unwrap(), config.checksum().unwrap());
        other.optimizer.rate = 1e-3;
        assert_ne!(other.checksum().unwrap(), config.checksum().unwrap());
        assert_eq!(config.checksum().unwrap().len(), 64);
    }
}

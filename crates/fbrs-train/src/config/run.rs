use fbrs::DeviceChoice;
use serde::{Deserialize, Serialize};

use super::check::Checks;
use crate::{Error, Result};

/// The run's name, seed and machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Where the folders of runs are.
    pub root: String,
    /// The first folder below it.
    pub family: String,
    /// The second; empty for the architecture's name.
    pub model: String,
    /// Stands behind the number of the run's own folder; may be empty.
    pub name: String,
    /// Decides every random draw.
    pub seed: u64,
    /// That prepare samples; 0 for as many as there are processors. The numbers do not depend on it.
    pub threads: usize,
    /// What computes: `auto`, `cpu`, `wgpu` or `cuda`; several, `cuda:0,cuda:1`, each learn from a part of
    /// every batch.
    pub device: String,
}

impl Run {
    pub(crate) fn of(family: &str, model: &str) -> Self {
        Self {
            root: "runs".to_owned(),
            family: family.to_owned(),
            model: model.to_owned(),
            name: String::new(),
            seed: 0,
            threads: 0,
            device: "auto".to_owned(),
        }
    }

    /// The devices, the one that leads first.
    pub(crate) fn devices(&self) -> Result<Vec<DeviceChoice>> {
        let parts = self.device.split(',').map(|part| part.trim().parse());
        let parts = parts.collect::<std::result::Result<_, fbrs::ParseDeviceError>>();
        parts.map_err(|error| Error::Device(format!("run.device: {error}")))
    }

    /// How many devices there are.
    pub(super) fn device_count(&self) -> usize {
        self.device.split(',').count()
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        checks.that(!self.root.is_empty(), "run.root", "the name of a folder", "nothing");
        checks.that(!self.family.is_empty(), "run.family", "a name", "nothing");
        checks.name("run.family", &self.family);
        checks.name("run.model", &self.model);
        checks.name("run.name", &self.name);
        let seed = i64::try_from(self.seed).is_ok();
        checks.that(seed, "run.seed", "a whole number below 2^63", self.seed);
        checks.that(self.threads <= 4096, "run.threads", "at most 4096", self.threads);
        checks.that(!self.device.is_empty(), "run.device", "\"auto\" or a device", "nothing");
    }
}

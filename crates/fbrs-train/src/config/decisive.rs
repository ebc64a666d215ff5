use toml::Table;

use super::{Checkpoints, Config, Logs, Run};
use crate::Result;

impl Config {
    /// What decides the numbers of a run, with the rest at fixed values.
    pub(super) fn decisive(&self) -> Self {
        let mut decisive = self.clone();
        decisive.preset.clear();
        let (seed, any) = (self.run.seed, Run::of("", ""));
        // Batch normalization has statistics of each device's part.
        let device = match self.run.device_count() {
            1 => any.device.clone(),
            count => format!("{count} devices"),
        };
        decisive.run = Run { seed, device, ..any };
        decisive.checkpoints = Checkpoints::every(&[]);
        decisive.logs = Logs { picture_steps: 0 };
        let data = &mut decisive.data;
        // Data may lie elsewhere; its checksums tell whether it is the same.
        for set in data.sets.iter_mut().chain(&mut data.validation) {
            set.path.clear();
            set.scores.clear();
        }
        decisive.init.file.clear();
        decisive
    }

    pub(super) fn to_table(&self) -> Result<Table> {
        Table::try_from(self).map_err(|error| crate::Error::Config {
            place: "the configuration".to_owned(),
            reason: super::check::one_line(&error.to_string()),
        })
    }
}

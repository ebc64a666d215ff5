mod f_brs;
mod own;
mod ritm;

use super::{
    Batch, Checkpoints, Clicks, Config, Data, Freeze, Init, InitKind, Logs, Loss, MainLoss,
    Network, Optimizer, Run, SampleOptions, ScheduleConfig, Validation,
};
use crate::{Error, Result};

/// The names of all presets: those of this program, then the published configurations of f-BRS and
/// of RITM.
pub fn preset_names() -> Vec<String> {
    all().into_iter().map(|config| config.preset).collect()
}

/// A preset by name.
///
/// # Errors
/// [`Error::Value`] where there is none of this name.
pub fn preset(name: &str) -> Result<Config> {
    let found = all().into_iter().find(|config| config.preset == name);
    found.ok_or_else(|| {
        let expected = format!("one of {}", preset_names().join(", "));
        Error::value("preset", &expected, name)
    })
}

fn all() -> Vec<Config> {
    own::all().into_iter().chain(f_brs::all()).chain(ritm::all()).collect()
}

/// What all published configurations have in common.
pub(super) fn published(preset: String, architecture: &str, dropout: f64, data: Data) -> Config {
    let mut parts = preset.rsplit('/');
    let model = parts.next().unwrap_or_default().to_owned();
    let family = parts.next().unwrap_or_default().to_owned();
    let aux_weight = if architecture.starts_with("hrnet") { 0.4 } else { 0.0 };
    Config {
        preset,
        run: Run::of(&family, &model),
        network: Network::of(architecture, dropout),
        init: Init::of(InitKind::Imagenet),
        data,
        samples: SampleOptions::fbrs(),
        clicks: Clicks::at_most(0),
        loss: Loss::of(MainLoss::Nfl, aux_weight),
        optimizer: Optimizer::published(),
        schedule: ScheduleConfig::steps(120, &[100]),
        batch: Batch::of(28),
        freeze: Freeze::nothing(),
        validation: Validation::of(0, 80),
        checkpoints: Checkpoints::every(&[(0, 5)]),
        logs: Logs { picture_steps: 200 },
    }
}

//! RITM: larger sets, discs, clicks on the network's own errors.

use super::published;
use crate::config::{
    Batch, Checkpoints, Clicks, Config, Data, DataSet, Logs, MainLoss, SampleOptions,
    ScheduleConfig, Validation, ValidationScale,
};

/// Samples of an epoch of the larger sets, and of a validation.
const EPOCH: usize = 30_000;
const VALIDATION: usize = 2_000;
/// Steps between pictures; published were 2,000 to 3,000.
const PICTURE_STEPS: u64 = 2_000;

pub(super) fn all() -> Vec<Config> {
    let baselines = |set| {
        ["hrnet18", "r34"].map(|network| baseline(&format!("baselines/{network}_{set}"), set))
    };
    let sets = ["cocolvis", "coco", "lvis", "openimages", "ade20k", "sbd", "vocsbd"];
    iterative().into_iter().chain(sets.into_iter().flat_map(baselines)).chain(ablation()).collect()
}

/// Networks that see their previous mask.
fn iterative() -> Vec<Config> {
    let cocolvis = |name: &str, architecture: &str, batch| Config {
        clicks: Clicks::at_most(3),
        schedule: ScheduleConfig::steps(230, &[200, 220]),
        batch: Batch::of(batch),
        checkpoints: Checkpoints::every(&[(0, 5), (200, 1)]),
        ..on(&format!("iter_mask/{name}"), architecture, "cocolvis")
    };
    let mut sbd = Config {
        clicks: Clicks::at_most(3),
        schedule: ScheduleConfig::steps(220, &[200, 215]),
        checkpoints: Checkpoints::every(&[(0, 5), (100, 1)]),
        samples: SampleOptions::ritm_sbd(),
        validation: Validation { scale: ValidationScale::AsInTraining, ..Validation::of(500, 80) },
        ..on("iter_mask/hrnet18_sbd_3p", "hrnet18_ocr64_itermask", "sbd")
    };
    sbd.data.epoch_length = 0;
    vec![
        cocolvis("hrnet18s_cocolvis_3p", "hrnet18s_ocr48_itermask", 32),
        cocolvis("hrnet18_cocolvis_3p", "hrnet18_ocr64_itermask", 28),
        cocolvis("hrnet32_cocolvis_3p", "hrnet32_ocr128_itermask", 32),
        sbd,
    ]
}

/// Networks without a previous mask.
fn baseline(name: &str, set: &str) -> Config {
    let is_resnet = name.contains("/r34");
    let architecture = if is_resnet { "resnet34_dh128_baseline" } else { "hrnet18_ocr64_baseline" };
    let mut config = on(name, architecture, set);
    config.schedule = match set {
        "cocolvis" if !is_resnet => ScheduleConfig::steps(230, &[200, 220]),
        "cocolvis" | "lvis" => ScheduleConfig::steps(160, &[140, 155]),
        "coco" | "openimages" => ScheduleConfig::steps(140, &[120, 135]),
        _ => ScheduleConfig::steps(120, &[100, 115]),
    };
    match set {
        "cocolvis" if !is_resnet => config.checkpoints = Checkpoints::every(&[(0, 5), (200, 1)]),
        "cocolvis" => with_background_dropped(&mut config, 80),
        "sbd" | "vocsbd" => {
            with_background_dropped(&mut config, 1000);
            config.data.epoch_length = 0;
            config.validation.length = 0;
        }
        "ade20k" => {
            config.samples.min_object_area = 80;
            config.validation.min_object_area = 80;
        }
        _ => {}
    }
    if ["coco", "openimages", "ade20k"].contains(&set) {
        config.validation.keep_background = 0.05;
    }
    config
}

/// The losses side by side.
fn ablation() -> Vec<Config> {
    let losses = [
        ("nfl", MainLoss::Nfl),
        ("bce", MainLoss::Bce),
        ("fl", MainLoss::Focal),
        ("softiou", MainLoss::SoftIou),
    ];
    losses
        .map(|(name, main)| {
            let name = format!("ablation/{name}");
            let mut config = on(&name, "hrnet18_ocr64_baseline", "cocolvis");
            config.loss.main = main;
            config.schedule = ScheduleConfig::steps(160, &[140, 155]);
            with_background_dropped(&mut config, 80);
            config
        })
        .into()
}

fn with_background_dropped(config: &mut Config, validation_area: usize) {
    config.samples.min_object_area = 80;
    config.samples.keep_background = 0.0;
    config.validation.min_object_area = validation_area;
}

/// What RITM's configurations have in common.
fn on(name: &str, architecture: &str, set: &str) -> Config {
    let dropout = if architecture.starts_with("hrnet") { 0.05 } else { 0.2 };
    let (sets, has_stuff) = match set {
        "cocolvis" => (&["coco-lvis"][..], true),
        "coco" => (&["coco-panoptic"][..], true),
        "lvis" => (&["lvis"][..], false),
        "openimages" => (&["openimages"][..], false),
        "ade20k" => (&["ade20k"][..], true),
        "vocsbd" => (&["voc", "sbd"][..], false),
        _ => (&["sbd"][..], false),
    };
    let of = |split| sets.iter().map(|kind| DataSet::of(kind, split)).collect::<Vec<_>>();
    // What is judged by is SBD alone where both are learned from.
    let validation = match set {
        "vocsbd" => vec![DataSet::of("sbd", "val")],
        _ => of("val"),
    };
    let mut data = Data::of(&of("train"), &validation);
    data.epoch_length = EPOCH;
    data.stuff_probability = if has_stuff { 0.3 } else { 0.0 };
    Config {
        samples: SampleOptions::ritm(),
        validation: Validation::of(VALIDATION, 1000),
        logs: Logs { picture_steps: PICTURE_STEPS },
        ..published(format!("ritm/{name}"), architecture, dropout, data)
    }
}

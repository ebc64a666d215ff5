//! What nobody published.

use fbrs_clicks::Size;

use super::published;
use crate::config::{
    Augmentation, Batch, Checkpoints, ClickOptions, Clicks, Config, Data, Freeze, Init, InitKind,
    Logs, Loss, MainLoss, Optimizer, OptimizerKind, RateShape, Run, SampleOptions, ScheduleConfig,
    Validation, ZoomIn,
};

pub(super) fn all() -> Vec<Config> {
    vec![fine_tune(), lite(), tiny()]
}

/// A trained network, on photos of one's own.
fn fine_tune() -> Config {
    // So that few photos make more than a step or two an epoch.
    let data = Data { hold_out: 0.1, epoch_length: 400, ..Data::of(&[], &[]) };
    Config {
        run: Run::of("fine-tune", ""),
        init: Init::of(InitKind::Checkpoint),
        // What people click on fills the view from the second click on.
        samples: SampleOptions {
            augmentation: Augmentation {
                zoom_in: Some(ZoomIn::as_inference()),
                ..Augmentation::ritm()
            },
            ..SampleOptions::fbrs()
        },
        clicks: Clicks::at_most(3),
        loss: Loss::of(MainLoss::Nfl, 0.4),
        optimizer: Optimizer { rate: 5e-5, ..Optimizer::published() },
        schedule: ScheduleConfig::constant(20),
        batch: Batch::of(8),
        freeze: Freeze { batch_norm: true, backbone: false },
        validation: Validation { noc_objects: 50, patience: 5, ..Validation::of(0, 80) },
        ..published("fine-tune".to_owned(), "", 0.05, data)
    }
}

/// The Lite family: the encoder stays, the decoder learns fast.
fn lite() -> Config {
    // About 47,650 samples in 3,400 steps.
    let data = Data { epoch_length: 4_765, hold_out: 0.04, ..Data::of(&[], &[]) };
    Config {
        run: Run::of("lite", "lite0_dh64"),
        samples: SampleOptions {
            crop: Size { height: 320, width: 320 },
            augmentation: Augmentation {
                fill_crop: true,
                zoom_in: Some(ZoomIn::as_inference()),
                ..Augmentation::ritm()
            },
            clicks: ClickOptions { slots: 16, gamma: 0.3, merge: 0.07, ..ClickOptions::fbrs() },
            ..SampleOptions::fbrs()
        },
        clicks: Clicks { returning: true, ..Clicks::at_most(9) },
        loss: Loss {
            // With α 0.5 half of a normalized focal loss that knows no classes.
            weight: 1.0,
            max_factor: 30.0,
            reduction: 2,
            dice_weight: 1.0,
            ..Loss::of(MainLoss::Nfl, 0.3)
        },
        optimizer: Optimizer {
            kind: OptimizerKind::Adamw,
            rate: 2e-3,
            beta2: 0.99,
            weight_decay: 1e-2,
            decay_all: false,
            clip_norm: 5.0,
            average: 0.998,
            ..Optimizer::published()
        },
        schedule: ScheduleConfig {
            shape: RateShape::Cosine,
            hold: 0.45,
            floor: 0.01,
            warmup_steps: 150,
            ..ScheduleConfig::constant(10)
        },
        batch: Batch::of(10),
        freeze: Freeze { batch_norm: false, backbone: true },
        validation: Validation::of(128, 80),
        checkpoints: Checkpoints::every(&[(0, 1)]),
        ..published("lite".to_owned(), "lite0_dh64", 0.0, data)
    }
}

/// A network that learns one object within a minute: for trying things out.
fn tiny() -> Config {
    let data = Data { hold_out: 0.2, ..Data::of(&[], &[]) };
    Config {
        run: Run::of("tiny", ""),
        init: Init::of(InitKind::None),
        samples: SampleOptions { crop: Size { height: 64, width: 96 }, ..SampleOptions::fbrs() },
        schedule: ScheduleConfig::constant(2),
        batch: Batch::of(2),
        checkpoints: Checkpoints::every(&[(0, 1)]),
        logs: Logs { picture_steps: 10 },
        ..published("tiny".to_owned(), "hrnet8s_ocr8", 0.0, data)
    }
}

//! f-BRS: SBD alone, sampled clicks, distance maps.

use super::published;
use crate::config::{Batch, Config, Data, DataSet, Logs, Validation, ValidationScale};

pub(super) fn all() -> Vec<Config> {
    [
        ("r34_dh128", "resnet34_dh128", 0.2, 28, 200),
        ("r50_dh128", "resnet50_dh128", 0.2, 28, 200),
        ("r101_dh256", "resnet101_dh256", 0.5, 28, 200),
        ("hrnet18_ocr64", "hrnet18_ocr64", 0.05, 32, 100),
        ("hrnet32_ocr128", "hrnet32_ocr128", 0.05, 32, 100),
        ("hrnet48_ocr128", "hrnet48_ocr128", 0.05, 32, 100),
    ]
    .map(|(name, architecture, dropout, batch, picture_steps)| {
        let data = Data::of(&[DataSet::of("sbd", "train")], &[DataSet::of("sbd", "val")]);
        Config {
            batch: Batch::of(batch),
            logs: Logs { picture_steps },
            validation: Validation {
                scale: ValidationScale::AsInTraining,
                ..Validation::of(0, 80)
            },
            ..published(format!("f-brs/{name}"), architecture, dropout, data)
        }
    })
    .into()
}

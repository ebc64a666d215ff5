use serde::{Deserialize, Serialize};

use super::check::Checks;
use super::{Init, InitKind};

/// The network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Its architecture by name: `hrnet18s_ocr64`, `resnet34_dh128`, `hrnet18s_ocr48_itermask`,
    /// `lite0_dh64`. Empty for that of the checkpoint that it starts from.
    pub architecture: String,
    /// Share of features that are dropped in front of the last layers.
    pub dropout: f64,
}

impl Network {
    pub(crate) fn of(architecture: &str, dropout: f64) -> Self {
        Self { architecture: architecture.to_owned(), dropout }
    }

    pub(super) fn check(&self, init: &Init, checks: &mut Checks) {
        let name = &self.architecture;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let key = "network.architecture";
        let expected = "the name of an architecture, such as hrnet18s_ocr64 or resnet34_dh128";
        checks.that(name.chars().all(plain), key, expected, format!("\"{name}\""));
        let from_checkpoint = init.kind == InitKind::Checkpoint;
        let expected = "the name of an architecture, or a checkpoint to take it from";
        checks.that(!name.is_empty() || from_checkpoint, key, expected, "nothing");
        let holds = (0.0..1.0).contains(&self.dropout);
        checks.that(holds, "network.dropout", "a number from 0, below 1", self.dropout);
    }
}

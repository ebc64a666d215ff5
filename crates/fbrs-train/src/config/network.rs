use std::fmt;

use burn::tensor::FloatDType;
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
    /// What convolutions compute with while they learn.
    pub precision: Precision,
}

/// What convolutions compute with; all else is f32, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    F32,
    /// 16 bits, ten of them digits: for GPUs. Gradients are scaled while they are computed
    /// ([`LossScale`](crate::state::LossScale)).
    F16,
    /// 16 bits with f32's range and seven digits, for GPUs that have it.
    Bf16,
}

impl Precision {
    pub(crate) fn arithmetic(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::F16 => FloatDType::F16,
            Self::Bf16 => FloatDType::BF16,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        })
    }
}

impl Network {
    pub(crate) fn of(architecture: &str, dropout: f64) -> Self {
        Self { architecture: architecture.to_owned(), dropout, precision: Precision::F32 }
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

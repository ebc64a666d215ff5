//! What `--json` and `--trace` say.

use std::path::Path;
use std::time::Duration;

use fbrs::{Click, ClickReport, Ending, ImageSpace, Region};
use serde::Serialize;

use super::mask::MaskSummary;
use crate::devices::DeviceName;

/// The object that `--json` prints.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) photo: String,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) mode: &'static str,
    pub(super) threshold: f32,
    pub(super) device: DeviceName,
    pub(super) weights: WeightsName,
    pub(super) mask: MaskSummary,
    pub(super) clicks: Vec<ClickCost<'a>>,
    pub(super) outputs: OutputNames,
    pub(super) seconds: Seconds,
}

#[derive(Serialize)]
pub(super) struct WeightsName {
    /// As asked for.
    pub(super) asked: String,
    /// What that was found to be.
    pub(super) file: String,
    pub(super) architecture: String,
}

#[derive(Serialize)]
pub(super) struct OutputNames {
    pub(super) mask: Option<String>,
    pub(super) overlay: Option<String>,
    pub(super) probabilities: Option<String>,
    pub(super) trace: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Seconds {
    /// Opening the device and loading the network.
    pub(super) load: f64,
    /// All clicks.
    pub(super) clicks: f64,
}

/// What a click cost.
#[derive(Serialize)]
pub(super) struct ClickCost<'a> {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) positive: bool,
    /// Part of the photo that the network saw; `None` for all of it.
    pub(super) region: Option<Region>,
    /// Width and height at which the network saw it.
    pub(super) crop: CropSize,
    pub(super) evaluations: usize,
    /// The smallest loss that refinement found; `None` where it did not run.
    pub(super) loss: Option<f64>,
    pub(super) seconds: f64,
    /// For `--trace` alone.
    #[serde(flatten)]
    pub(super) detail: Option<ClickDetail<'a>>,
}

#[derive(Serialize)]
pub(super) struct CropSize {
    width: usize,
    height: usize,
}

/// What a click did.
#[derive(Serialize)]
pub(super) struct ClickDetail<'a> {
    /// The loss at each evaluation.
    losses: &'a [f64],
    /// Whether the backbone's features of an earlier click were used.
    cached_features: bool,
    /// Norm of the refined quantity.
    z_norm: f64,
    /// Why refinement ended; `None` where it did not run.
    ending: Option<Ending>,
    seconds_per_part: Parts,
}

#[derive(Serialize)]
struct Parts {
    transforms: f64,
    backbone: f64,
    head_forward: f64,
    head_backward: f64,
    objective: f64,
    optimizer: f64,
}

impl<'a> ClickCost<'a> {
    pub(super) fn of(click: &Click<ImageSpace>, report: &'a ClickReport) -> Self {
        let losses = &report.refine.losses;
        Self {
            x: click.position.col,
            y: click.position.row,
            positive: click.is_positive(),
            region: report.region,
            crop: CropSize { width: report.crop.width, height: report.crop.height },
            evaluations: losses.len(),
            loss: losses.iter().copied().reduce(f64::min),
            seconds: seconds(report.total),
            detail: None,
        }
    }

    pub(super) fn with_detail(click: &Click<ImageSpace>, report: &'a ClickReport) -> Self {
        let trace = &report.refine;
        let detail = ClickDetail {
            losses: &trace.losses,
            cached_features: trace.cached_features,
            z_norm: trace.z_norm,
            ending: trace.ending,
            seconds_per_part: Parts {
                transforms: seconds(report.transforms),
                backbone: seconds(trace.backbone),
                head_forward: seconds(trace.head_forward),
                head_backward: seconds(trace.head_backward),
                objective: seconds(trace.objective),
                optimizer: seconds(trace.optimizer),
            },
        };
        Self { detail: Some(detail), ..Self::of(click, report) }
    }
}

/// A file's name, with U+FFFD where it is no Unicode.
pub(super) fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// To the microsecond, so that a report stays readable.
pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

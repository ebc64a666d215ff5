use serde::{Deserialize, Serialize};

use super::ValidationScale;
use super::check::Checks;

/// How the network is judged between epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// After every so many epochs; 0 for never.
    pub every: u64,
    /// Samples; 0 for as many as there are photos.
    pub length: usize,
    /// Scale of its photos.
    pub scale: ValidationScale,
    /// Objects with fewer pixels in the crop are not asked for.
    pub min_object_area: usize,
    /// How likely a crop without any object is kept.
    pub keep_background: f64,
    /// Objects whose clicks are counted by the simulated user; 0 for none.
    pub noc_objects: usize,
    /// The IoU that the count ends at.
    pub noc_iou: f64,
    /// Most clicks of an object.
    pub noc_clicks: usize,
    /// Validations without a better one after which the run ends; 0 for never. By the number of
    /// clicks where they are counted, else by the loss.
    pub patience: u64,
}

impl Validation {
    pub(crate) fn of(length: usize, min_object_area: usize) -> Self {
        Self {
            every: 1,
            length,
            scale: ValidationScale::Original,
            min_object_area,
            keep_background: 0.0,
            noc_objects: 0,
            noc_iou: 0.9,
            noc_clicks: 20,
            patience: 0,
        }
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        checks.share("validation.keep_background", self.keep_background);
        let iou = self.noc_iou > 0.0 && self.noc_iou < 1.0;
        checks.that(iou, "validation.noc_iou", "a number above 0, below 1", self.noc_iou);
        checks.count("validation.noc_clicks", self.noc_clicks, 1000);
        let judged = self.patience == 0 || self.every > 0;
        let expected = "0 where validation.every is 0";
        checks.that(judged, "validation.patience", expected, self.patience);
    }
}

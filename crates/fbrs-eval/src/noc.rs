//! The numbers of an evaluation, from each object's IoU after each click.

/// Number of clicks (NoC): the first click after which the IoU is at least `threshold`, `max_clicks`
/// where there is none.
pub fn clicks_needed(ious: &[f64], threshold: f64, max_clicks: usize) -> usize {
    let reached = ious.iter().take(max_clicks).position(|iou| *iou >= threshold);
    reached.map_or(max_clicks, |index| index + 1)
}

/// NoC and how many objects count as much as the maximum, at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Noc {
    /// The IoU that counts as good.
    pub threshold: f64,
    /// Mean number of clicks; 0 where there are no objects.
    pub mean: f64,
    /// Objects that count `max_clicks`, those included that reach the threshold only then.
    pub at_maximum: usize,
}

impl Noc {
    /// Over all objects.
    pub fn new<'a>(
        ious: impl IntoIterator<Item = &'a [f64]>,
        threshold: f64,
        max_clicks: usize,
    ) -> Self {
        let (mut objects, mut clicks, mut at_maximum) = (0usize, 0usize, 0usize);
        for ious in ious {
            let needed = clicks_needed(ious, threshold, max_clicks);
            objects += 1;
            clicks += needed;
            at_maximum += usize::from(needed == max_clicks);
        }
        Self { threshold, mean: clicks as f64 / objects.max(1) as f64, at_maximum }
    }
}

/// Mean IoU after `clicks` clicks. An object whose clicking ended earlier keeps its last IoU.
pub fn mean_iou_after<'a>(ious: impl IntoIterator<Item = &'a [f64]>, clicks: usize) -> f64 {
    let (mut objects, mut sum) = (0usize, 0.0);
    for ious in ious {
        let after = ious.get(clicks.saturating_sub(1)).or(ious.last());
        objects += 1;
        sum += after.copied().unwrap_or(0.0);
    }
    sum / objects.max(1) as f64
}

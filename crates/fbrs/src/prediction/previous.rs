//! What a network sees of the answer before: cropped and resized as the photo is.

use fbrs_clicks::CropTransform;
use fbrs_models::bilinear_taps;
use rayon::prelude::*;

use super::Prediction;
use super::rows::Rows;

impl Prediction {
    /// The probabilities of a region of the photo at a crop's size, `height · width` of them,
    /// row-major: bilinear with align_corners.
    pub(crate) fn crop(&self, transform: &CropTransform) -> Vec<f32> {
        let (region, size) = (transform.region(), transform.crop());
        let rows = Rows::new(self);
        let vertical = bilinear_taps(region.size().height, size.height);
        let horizontal = bilinear_taps(region.size().width, size.width);
        let mut values = vec![0.0f32; size.area()];
        let lines = || [vec![0.0f32; region.size().width], vec![0.0f32; region.size().width]];
        let out = values.par_chunks_mut(size.width.max(1)).zip(&vertical);
        out.for_each_init(lines, |[low, high], (out, tap)| {
            rows.read(region.top() + tap.low, region.cols(), low);
            rows.read(region.top() + tap.high, region.cols(), high);
            for (out, col) in out.iter_mut().zip(&horizontal) {
                let at = |line: &[f32]| {
                    let value = |at: usize| line.get(at).copied().unwrap_or(0.0);
                    col.mix(value(col.low), value(col.high))
                };
                *out = tap.mix(at(low), at(high));
            }
        });
        values
    }
}

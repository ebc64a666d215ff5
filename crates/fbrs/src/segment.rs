use fbrs_clicks::{Click, ImageSpace};
use image::RgbImage;

use crate::error::{Error, Result};
use crate::options::Options;
use crate::prediction::Prediction;
use crate::segmenter::Segmenter;

impl Segmenter {
    /// From clicks to a prediction in one call: the clicks one after the other, each refining the
    /// answer to those before.
    ///
    /// # Errors
    /// [`Error::State`] without a positive click; else as [`Segmenter::session`] and
    /// [`crate::Session::click`].
    pub fn segment(
        &self,
        image: impl Into<RgbImage>,
        clicks: &[Click<ImageSpace>],
        options: &Options,
    ) -> Result<Prediction> {
        const NO_OBJECT: Error = Error::State("expected at least one positive click");
        if !clicks.iter().any(Click::is_positive) {
            return Err(NO_OBJECT);
        }
        let mut session = self.session(image, options.clone())?;
        for click in clicks {
            session.click(*click)?;
        }
        session.prediction().cloned().ok_or(NO_OBJECT)
    }
}

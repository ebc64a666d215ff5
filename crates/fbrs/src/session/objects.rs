//! Objects: begun from a mask, finished in part or wholly, put aside and gone on with.

use std::sync::Arc;

use fbrs_clicks::{Region, Size};
use image::GrayImage;

use super::history::{Finished, Moment};
use super::object::{Base, Object};
use super::work::Work;
use super::{LabelMask, NOTHING_TO_FINISH, Session};
use crate::error::{Error, Result};
use crate::options::check_threshold;
use crate::prediction::{Floor, MaskBits};

impl Session {
    /// Forgets the current object: its clicks, its finished parts and the mask that it started from.
    pub fn reset(&mut self) {
        if !self.history.now().object.is_untouched() {
            let moment = Moment { object: Object::default(), ..self.history.now().clone() };
            self.set(moment);
        }
    }

    /// Starts the current object from a mask of the photo's size: what is above 127 is object.
    ///
    /// The mask is part of the object, and tells the first clicks where to zoom in once zoom-in
    /// begins. Negative clicks reduce it: after each click, the mask's pixels at or below the
    /// threshold of the ending tests ([`crate::RefineOptions::threshold`]) in the network's answer
    /// that are connected with a negative click (by 4 neighbors, over such pixels) leave it.
    ///
    /// # Errors
    /// [`Error::State`] while an object is in progress, [`Error::Image`] for another size.
    pub fn start_from_mask(&mut self, mask: &GrayImage) -> Result<()> {
        self.expect_untouched("finish or reset the object in hand before starting from a mask")?;
        let expected = self.size();
        let (width, height) = mask.dimensions();
        let size = Size { height: height as usize, width: width as usize };
        if size != expected {
            let reason = format!("expected a mask of the photo's size, {expected}");
            return Err(Error::Image { size, reason });
        }
        let Some(bits) = MaskBits::new(mask) else {
            let reason = "expected a mask with a pixel above 127, found none".to_owned();
            return Err(Error::Image { size, reason });
        };
        let start = bits.bounds();
        let base = Base { floor: Some(Arc::new(Floor::Mask(bits))), start };
        let object = Object { base, ..Object::default() };
        self.set(Moment { object, ..self.history.now().clone() });
        Ok(())
    }

    /// Keeps the current prediction as a part of the object while new clicks start a refinement of
    /// their own: from now on the object's probability is the larger of both.
    ///
    /// # Errors
    /// [`Error::State`] where there is no prediction yet.
    pub fn finish_partially(&mut self) -> Result<()> {
        let part = self.prediction().ok_or(NOTHING_TO_FINISH)?;
        let base = Base { floor: Some(Arc::new(Floor::Part(part))), start: None };
        let object = Object { base, ..Object::default() };
        self.set(Moment { object, ..self.history.now().clone() });
        Ok(())
    }

    /// Gives the current object's mask the next number in the label mask, and returns that number.
    /// Where masks overlap, the later object holds.
    ///
    /// # Errors
    /// [`Error::State`] where there is no prediction yet or 65535 objects are finished,
    /// [`Error::Parameter`] for a threshold that is not between 0 and 1.
    pub fn finish(&mut self, threshold: f32) -> Result<u16> {
        check_threshold(threshold)?;
        let prediction = self.prediction().ok_or(NOTHING_TO_FINISH)?;
        let number = self.finished().checked_add(1);
        let number = number.ok_or(Error::State("a label mask holds at most 65535 objects"))?;
        let mut finished = self.history.now().finished.to_vec();
        finished.push(Finished { prediction, threshold });
        let (object, finished) = (Object::default(), Arc::new(finished));
        self.set(Moment { object, finished, ..self.history.now().clone() });
        Ok(number)
    }

    /// Takes the current object out of the session, to be gone on with later; `None` where none is
    /// in progress.
    pub fn take(&mut self) -> Option<Work> {
        let now = self.history.now();
        if now.object.is_untouched() {
            return None;
        }
        let work = Work {
            loaded: self.loaded.clone(),
            photo: self.photo.clone(),
            options: now.options.clone(),
            whole: now.whole.clone(),
            object: now.object.clone(),
        };
        self.set(Moment { object: Object::default(), ..now.clone() });
        Some(work)
    }

    /// Makes an object that was taken out the current one, to the bit as it was; the session takes on
    /// the object's options. The session may be another one of the same network on the same photo.
    ///
    /// # Errors
    /// [`Error::State`] while an object is in progress, and for an object of another photo or
    /// network.
    pub fn resume(&mut self, work: Work) -> Result<()> {
        self.expect_untouched("finish, take or reset the object in hand before resuming another")?;
        if !(work.photo.is_same(&self.photo) && Arc::ptr_eq(&work.loaded, &self.loaded)) {
            return Err(Error::State("this object belongs to another photo or another network"));
        }
        let Work { options, whole, object, .. } = work;
        self.set(Moment { options, whole, object, ..self.history.now().clone() });
        Ok(())
    }

    /// Numbers of finished objects: 1, 2, 3, … in the order they were finished, 0 for background. It
    /// is computed when asked for, and has 2 bytes for every pixel of the photo.
    pub fn label_mask(&self) -> LabelMask {
        let size = self.size();
        let mut labels = LabelMask::new(size.width as u32, size.height as u32);
        let whole = Region::whole(size);
        for (number, finished) in (1..).zip(self.history.now().finished.iter()) {
            finished.prediction.each_row(whole, &mut labels, |label, probability| {
                if probability > finished.threshold {
                    *label = number;
                }
            });
        }
        labels
    }

    /// How many objects are finished.
    pub fn finished(&self) -> u16 {
        u16::try_from(self.history.now().finished.len()).unwrap_or(u16::MAX)
    }

    fn expect_untouched(&self, else_say: &'static str) -> Result<()> {
        match self.history.now().object.is_untouched() {
            true => Ok(()),
            false => Err(Error::State(else_say)),
        }
    }
}

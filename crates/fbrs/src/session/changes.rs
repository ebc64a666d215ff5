//! Clicks and options that change afterwards, and taking back.

use std::sync::Arc;

use fbrs_clicks::{Click, ImageSpace, Position};

use super::Session;
use super::history::Moment;
use crate::error::{Error, Result};
use crate::options::Options;
use crate::prediction::Prediction;
use crate::view;
use crate::watch::Watch;

impl Session {
    /// Replaces the current object's clicks. From the first that differs on all are answered anew,
    /// to the bit as in a session that had these clicks from the beginning.
    ///
    /// # Errors
    /// As [`Session::click_with`], for any of the clicks; the session is then as before.
    pub fn replay(
        &mut self,
        clicks: &[Click<ImageSpace>],
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        let now = self.history.now();
        let same = now.object.clicks().zip(clicks).take_while(|(old, new)| old == *new).count();
        if same == clicks.len() && same == now.object.past.len() {
            return Ok(self.prediction());
        }
        let mut moment = now.clone();
        moment.object = now.object.first(same);
        self.catch_up(&mut moment, clicks, watch)?;
        self.set(moment);
        Ok(self.prediction())
    }

    /// Takes a click of the current object out and answers those behind it anew.
    ///
    /// # Errors
    /// [`Error::State`] where there is no click of that index (from 0); as [`Session::replay`].
    pub fn remove_click(
        &mut self,
        index: usize,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        let mut clicks = self.clicks_with(index)?;
        clicks.remove(index);
        self.replay(&clicks, watch)
    }

    /// Moves a click of the current object and answers it and those behind it anew.
    ///
    /// # Errors
    /// As [`Session::remove_click`].
    pub fn move_click(
        &mut self,
        index: usize,
        to: Position<ImageSpace>,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        let mut clicks = self.clicks_with(index)?;
        clicks.iter_mut().skip(index).take(1).for_each(|click| click.position = to);
        self.replay(&clicks, watch)
    }

    /// Makes a positive click of the current object negative or the other way round, and answers it
    /// and those behind it anew.
    ///
    /// # Errors
    /// As [`Session::remove_click`].
    pub fn flip_click(
        &mut self,
        index: usize,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        let mut clicks = self.clicks_with(index)?;
        clicks.iter_mut().skip(index).take(1).for_each(|click| click.sign = click.sign.opposite());
        self.replay(&clicks, watch)
    }

    /// Changes how clicks are answered. The current object's clicks are answered anew; its finished
    /// parts stay as they are.
    ///
    /// # Errors
    /// [`Error::Parameter`] for options out of range; as [`Session::replay`].
    pub fn set_options(
        &mut self,
        options: Options,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        self.loaded.check(&options)?;
        let now = self.history.now();
        if *now.options == options {
            return Ok(self.prediction());
        }
        let whole = view::whole(&self.photo, &options, &self.loaded)?;
        let clicks: Vec<_> = self.clicks().collect();
        let mut moment = Moment { options: Arc::new(options), whole, ..now.clone() };
        moment.object.past.clear();
        self.catch_up(&mut moment, &clicks, watch)?;
        self.set(moment);
        Ok(self.prediction())
    }

    /// Takes the last change back; `false` where there is none. Everything is then bit for bit what
    /// it was before.
    pub fn undo(&mut self) -> bool {
        self.history.undo()
    }

    /// Makes the last change that was taken back again; `false` where there is none.
    pub fn redo(&mut self) -> bool {
        self.history.redo()
    }

    /// Answers those of `clicks` that the object does not have yet.
    fn catch_up(
        &self,
        moment: &mut Moment,
        clicks: &[Click<ImageSpace>],
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let known = moment.object.past.len();
        clicks
            .iter()
            .skip(known)
            .try_for_each(|click| self.answer(moment, *click, clicks.len(), watch))
    }

    fn clicks_with(&self, index: usize) -> Result<Vec<Click<ImageSpace>>> {
        let clicks: Vec<_> = self.clicks().collect();
        match index < clicks.len() {
            true => Ok(clicks),
            false => Err(Error::State("the object has no click of that index")),
        }
    }
}

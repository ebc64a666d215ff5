use std::sync::Arc;

use fbrs_data::training::TrainingSet;

use crate::sample::View;
use crate::stream::{Draw, Purpose, Stream, Weighted};

/// In place of an epoch, the number of the streams of the first crop of a photo; those of others go down from
/// it. No epoch is numbered so, and u64::MAX is what samples to judge by have.
const VIEWS: u64 = u64::MAX - 1;

/// The photos of a set, as epochs draw them. Several sets as one, a part of one, and weights by scores are sets
/// too: see `fbrs_data::training`.
#[derive(Debug)]
pub struct Photos {
    set: Arc<dyn TrainingSet>,
    per_epoch: usize,
    choice: Choice,
    /// Crops of each photo; 0 for another one each time.
    views: usize,
}

/// Which photos an epoch has.
#[derive(Debug)]
enum Choice {
    /// Each once, in random order.
    Each,
    /// Each time one of all.
    Uniform,
    /// The same, by weights.
    Weighted(Weighted),
}

/// Why photos cannot be drawn.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSet {
    /// Nothing to draw from.
    #[error("there is no photo to train on, expected one with an object in it at least")]
    NoPhotos,
    /// Weights that are none.
    #[error("{reason}, expected one weight for each photo, none below 0 and one above it")]
    Weights {
        /// What is wrong with them.
        reason: String,
    },
}

impl Photos {
    /// The photos of a set. An epoch has `per_epoch` of them or, where that is left out, as many as there are.
    ///
    /// They come in random order, each once, where the set gives them no weights and `per_epoch` is left out;
    /// otherwise each is drawn from all.
    ///
    /// # Errors
    /// [`BadSet`]: why they cannot be drawn.
    pub fn new(set: Arc<dyn TrainingSet>, per_epoch: Option<usize>) -> Result<Self, BadSet> {
        if set.is_empty() {
            return Err(BadSet::NoPhotos);
        }
        let per_epoch = per_epoch.filter(|count| *count > 0);
        let choice = match set.weights() {
            Some(weights) => Choice::Weighted(weighted(&weights, set.len())?),
            None if per_epoch.is_some() => Choice::Uniform,
            None => Choice::Each,
        };
        Ok(Self { per_epoch: per_epoch.unwrap_or(set.len()), set, choice, views: 0 })
    }

    /// With so many crops of each photo in all, in place of another one each time. Targets and clicks are
    /// others each time as before. 0 for no limit.
    #[must_use]
    pub fn with_views(self, views: usize) -> Self {
        Self { views, ..self }
    }

    /// What an epoch draws.
    pub fn epoch(self: Arc<Self>, seed: u64, epoch: u64) -> Epoch {
        let mut order = Vec::new();
        if matches!(self.choice, Choice::Each) {
            order.extend(0..self.set.len());
            Stream::new(seed, epoch, 0, Purpose::Order).shuffle(&mut order);
        }
        Epoch { photos: self, order, seed, epoch }
    }

    /// The set.
    pub fn set(&self) -> &dyn TrainingSet {
        self.set.as_ref()
    }

    fn draw(&self, stream: &mut Stream) -> usize {
        match &self.choice {
            Choice::Each | Choice::Uniform => stream.below(self.set.len()),
            Choice::Weighted(weighted) => weighted.draw(stream),
        }
    }
}

fn weighted(weights: &[f64], photos: usize) -> Result<Weighted, BadSet> {
    let bad = |reason: String| Err(BadSet::Weights { reason });
    if weights.len() != photos {
        return bad(format!("{} weights for {photos} photos", weights.len()));
    }
    let is_weight = |weight: &f64| weight.is_finite() && *weight >= 0.0;
    if let Some(weight) = weights.iter().find(|weight| !is_weight(weight)) {
        return bad(format!("a weight is {weight}"));
    }
    let sum: f64 = weights.iter().sum();
    match sum > 0.0 && sum.is_finite() {
        true => Ok(Weighted::new(weights.iter().copied())),
        false => bad(format!("the weights sum to {sum}")),
    }
}

/// What one epoch draws: which photo comes at which position. Any position can be asked for at any time.
#[derive(Debug)]
pub struct Epoch {
    photos: Arc<Photos>,
    /// The photos of an epoch in which each comes once.
    order: Vec<usize>,
    seed: u64,
    epoch: u64,
}

impl Epoch {
    /// How many samples it has.
    pub fn len(&self) -> usize {
        self.photos.per_epoch
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The photo of a position, by its number in the set.
    pub fn photo(&self, position: usize) -> Option<usize> {
        if position >= self.len() {
            return None;
        }
        match self.photos.choice {
            Choice::Each => self.order.get(position).copied(),
            _ => Some(self.photos.draw(&mut self.stream(position, Purpose::Photo))),
        }
    }

    /// The photos that take its place, one after the other, if it cannot be used.
    pub(crate) fn replacements(&self, position: usize) -> impl Iterator<Item = usize> + '_ {
        let mut stream = self.stream(position, Purpose::Replacement);
        std::iter::repeat_with(move || self.photos.draw(&mut stream))
    }

    pub(crate) fn set(&self) -> &dyn TrainingSet {
        self.photos.set()
    }

    /// The crop that a sample of a photo is of, where they are limited in number.
    pub(crate) fn view(&self, position: usize, photo: usize) -> Option<View> {
        let views = Some(self.photos.views).filter(|views| *views > 0)?;
        Some(View { photo, number: self.stream(position, Purpose::View).below(views) })
    }

    /// The streams of a crop that comes again, whatever the epoch and the position.
    pub(crate) fn stream_of(&self, view: View, purpose: Purpose) -> Stream {
        Stream::new(self.seed, VIEWS - view.number as u64, view.photo as u64, purpose)
    }

    pub(crate) fn stream(&self, position: usize, purpose: Purpose) -> Stream {
        Stream::new(self.seed, self.epoch, position as u64, purpose)
    }
}

#[cfg(test)]
mod tests;

use std::sync::Arc;

use fbrs_data::training::TrainingSet;
use rand::Rng;

use crate::stream::{Draw, Purpose, Stream, Weighted};

/// Which photos are drawn from, and how.
#[derive(Debug)]
pub struct Photos {
    sources: Vec<Source>,
    /// Which source comes how often; none: each photo of all of them comes once an epoch.
    shares: Option<Weighted>,
    per_epoch: usize,
}

/// A set and those of its photos that are used.
#[derive(Debug)]
pub struct Source {
    set: Arc<dyn TrainingSet>,
    photos: Vec<usize>,
    weights: Option<Vec<f64>>,
    /// Of the photos that are used.
    weighted: Option<Weighted>,
}

/// How several sets are mixed. Weights that a set gives its photos hold within the set in either case.
#[derive(Debug, Clone, PartialEq)]
pub enum Mix {
    /// Each set comes as often as its number of photos says.
    Concatenated,
    /// Each set comes as often as its share says; the shares sum to 1.
    Proportional(Vec<f64>),
}

/// A photo of one of several sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PhotoId {
    /// The set's place among the sources.
    pub source: usize,
    /// The photo's number in the set.
    pub photo: usize,
}

/// Why photos cannot be drawn.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadMix {
    /// Nothing to draw from.
    #[error("there is no photo to train on; every set needs at least one with an object in it")]
    NoPhotos,
    /// More or fewer shares than sets.
    #[error("{shares} shares for {sets} sets, expected one share for each set")]
    Shares {
        /// How many shares.
        shares: usize,
        /// How many sets.
        sets: usize,
    },
    /// Shares that are none.
    #[error("the shares of the sets are {shares:?}, expected numbers above 0 that sum to 1")]
    Sum {
        /// The shares.
        shares: Vec<f64>,
    },
    /// Weights of a set that are none.
    #[error("{reason}, expected one weight for each photo, none below 0 and one above it")]
    Weights {
        /// What is wrong with them.
        reason: String,
    },
}

impl Source {
    /// All photos of a set, with the weights that it gives them.
    ///
    /// # Errors
    /// Where its weights are none.
    pub fn new(set: Arc<dyn TrainingSet>) -> Result<Self, BadMix> {
        let weights = set.weights();
        Self { photos: (0..set.len()).collect(), set, weights, weighted: None }.weigh()
    }

    /// Without some photos, by their numbers in the set.
    ///
    /// # Errors
    /// Where no photo with a weight above 0 is left, though there are others.
    pub fn without(mut self, photos: &[usize]) -> Result<Self, BadMix> {
        self.photos.retain(|photo| !photos.contains(photo));
        self.weigh()
    }

    /// With every photo as often as any other, whatever the set says.
    #[must_use]
    pub fn unweighted(self) -> Self {
        Self { weights: None, weighted: None, ..self }
    }

    /// The photos that are used, by their numbers in the set.
    pub fn photos(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.photos.iter().copied()
    }

    /// The set, to be drawn from elsewhere too.
    pub fn shared(&self) -> Arc<dyn TrainingSet> {
        Arc::clone(&self.set)
    }

    /// The set.
    pub fn set(&self) -> &dyn TrainingSet {
        self.set.as_ref()
    }

    fn weigh(mut self) -> Result<Self, BadMix> {
        let Some(weights) = &self.weights else { return Ok(self) };
        let bad = |reason: String| Err(BadMix::Weights { reason });
        if weights.len() != self.set.len() {
            return bad(format!("{} weights for {} photos", weights.len(), self.set.len()));
        }
        let is_weight = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        if let Some(weight) = weights.iter().find(|weight| !is_weight(weight)) {
            return bad(format!("a weight is {weight}"));
        }
        let used = || self.photos.iter().filter_map(|photo| weights.get(*photo)).copied();
        let sum: f64 = used().sum();
        if !self.photos.is_empty() && !(sum > 0.0 && sum.is_finite()) {
            return bad(format!("the weights sum to {sum}"));
        }
        self.weighted = Some(Weighted::new(used()));
        Ok(self)
    }

    fn draw(&self, draw: &mut impl Rng) -> Option<usize> {
        let place = match &self.weighted {
            Some(weighted) => weighted.draw(draw),
            None => draw.below(self.photos.len()),
        };
        self.photos.get(place).copied()
    }
}

impl Photos {
    /// Photos of several sets; an epoch has `per_epoch` of them or, where that is left out, as many as there
    /// are.
    ///
    /// They come one by one in random order, each once, if they are [`Mix::Concatenated`], no set gives them
    /// weights and `per_epoch` is left out; otherwise each is drawn from all.
    ///
    /// # Errors
    /// [`BadMix`]: why they cannot be drawn.
    pub fn new(sources: Vec<Source>, mix: Mix, per_epoch: Option<usize>) -> Result<Self, BadMix> {
        let counts: Vec<usize> = sources.iter().map(|source| source.photos.len()).collect();
        let total = counts.iter().sum();
        let has_weights = sources.iter().any(|source| source.weighted.is_some());
        let per_epoch = per_epoch.filter(|count| *count > 0);
        if total == 0 {
            return Err(BadMix::NoPhotos);
        }
        let shares = match mix {
            Mix::Concatenated if per_epoch.is_none() && !has_weights => None,
            Mix::Concatenated => Some(counts.iter().map(|count| *count as f64).collect()),
            Mix::Proportional(shares) if shares.len() != sources.len() => {
                return Err(BadMix::Shares { shares: shares.len(), sets: sources.len() });
            }
            Mix::Proportional(shares) => {
                let is_share = |share: &f64| *share > 0.0 && *share <= 1.0;
                let sum: f64 = shares.iter().sum();
                if !shares.iter().all(is_share) || (sum - 1.0).abs() > 1e-6 {
                    return Err(BadMix::Sum { shares });
                }
                if counts.contains(&0) {
                    return Err(BadMix::NoPhotos);
                }
                Some(shares)
            }
        };
        let shares = shares.map(Weighted::new);
        Ok(Self { sources, shares, per_epoch: per_epoch.unwrap_or(total) })
    }

    /// What an epoch draws.
    pub fn epoch(self: Arc<Self>, seed: u64, epoch: u64) -> Epoch {
        let order = match self.shares {
            Some(_) => Vec::new(),
            None => {
                let photos =
                    (0..).zip(&self.sources).flat_map(|(source, Source { photos, .. })| {
                        photos.iter().map(move |photo| PhotoId { source, photo: *photo })
                    });
                let mut order: Vec<PhotoId> = photos.collect();
                Stream::new(seed, epoch, 0, Purpose::Order).shuffle(&mut order);
                order
            }
        };
        Epoch { photos: self, order, seed, epoch }
    }

    /// The sets.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    fn draw(&self, draw: &mut impl Rng) -> Option<PhotoId> {
        let source = match &self.shares {
            Some(shares) => shares.draw(draw),
            None => Weighted::new(self.sources.iter().map(|source| source.photos.len() as f64))
                .draw(draw),
        };
        let photo = self.sources.get(source)?.draw(draw)?;
        Some(PhotoId { source, photo })
    }
}

/// What one epoch draws: which photo comes at which position. Any position can be asked for at any time.
#[derive(Debug)]
pub struct Epoch {
    photos: Arc<Photos>,
    /// The photos of an epoch in which each comes once.
    order: Vec<PhotoId>,
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
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

    /// The photo of a position.
    pub fn photo(&self, position: usize) -> Option<PhotoId> {
        if position >= self.len() {
            return None;
        }
        match self.photos.shares {
            None => self.order.get(position).copied(),
            Some(_) => self.photos.draw(&mut self.stream(position, Purpose::Photo)),
        }
    }

    /// The photos that take its place, one after the other, if it cannot be used.
    pub(crate) fn replacements(&self, position: usize) -> impl Iterator<Item = PhotoId> + '_ {
        let mut stream = self.stream(position, Purpose::Replacement);
        std::iter::from_fn(move || self.photos.draw(&mut stream))
    }

    pub(crate) fn set(&self, id: PhotoId) -> Option<&dyn TrainingSet> {
        self.photos.sources.get(id.source).map(Source::set)
    }

    pub(crate) fn stream(&self, position: usize, purpose: Purpose) -> Stream {
        Stream::new(self.seed, self.epoch, position as u64, purpose)
    }
}

/// Weights of photos by how easy they are, from 0 to 1: (1 - score) to the power of `gamma`. f-BRS's `gamma`
/// is 1.25.
pub fn score_weights(scores: &[f64], gamma: f64) -> Vec<f64> {
    scores.iter().map(|score| (1.0 - score).max(0.0).powf(gamma)).collect()
}

#[cfg(test)]
mod tests;

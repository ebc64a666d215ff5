use std::sync::Arc;

use rand::Rng;

use super::TrainingSet;
use super::photo::LabelledPhoto;
use crate::sets::Problem;

/// Several sets as one. Weights that a set has for its photos are kept.
#[derive(Debug)]
pub struct Mixed {
    sets: Vec<Arc<dyn TrainingSet>>,
    weights: Option<Vec<f64>>,
}

impl Mixed {
    /// The sets one after the other: every photo as likely as every other, but for what weights
    /// within its set say.
    ///
    /// # Errors
    /// [`Problem`] where a set's weights are no weights.
    pub fn joined(sets: Vec<Arc<dyn TrainingSet>>) -> Result<Self, Problem> {
        let is_weighed = sets.iter().any(|set| set.weights().is_some());
        let shares = sets.iter().map(|set| set.len() as f64).collect();
        let weights = if is_weighed { Some(weights(&sets, shares)?) } else { None };
        Ok(Self { sets, weights })
    }

    /// The sets in proportion: how likely a set is, whatever its size, says its share. Shares need
    /// not sum to 1.
    ///
    /// # Errors
    /// [`Problem`] for shares below 0, for none above, and for an empty set with one;
    /// as [`Mixed::joined`].
    pub fn in_proportion(sets: Vec<(Arc<dyn TrainingSet>, f64)>) -> Result<Self, Problem> {
        let (sets, shares): (Vec<_>, Vec<_>) = sets.into_iter().unzip();
        for (set, share) in sets.iter().zip(&shares) {
            if !(share.is_finite() && *share >= 0.0) {
                return Err(Problem::new(format!(
                    "a set's share is {share}, expected a number from 0 on"
                )));
            }
            if set.is_empty() && *share > 0.0 {
                return Err(Problem::new("a set with a share has no photo"));
            }
        }
        if shares.iter().sum::<f64>() <= 0.0 {
            return Err(Problem::new("one set at least needs a share above 0"));
        }
        let weights = Some(weights(&sets, shares)?);
        Ok(Self { sets, weights })
    }

    /// Which set a photo is of, and its index there.
    fn place(&self, index: usize) -> Option<(&dyn TrainingSet, usize)> {
        let mut left = index;
        for set in &self.sets {
            match left.checked_sub(set.len()) {
                Some(rest) => left = rest,
                None => return Some((&**set, left)),
            }
        }
        None
    }
}

/// Each photo's weight: its set's share times its own within the set.
fn weights(sets: &[Arc<dyn TrainingSet>], shares: Vec<f64>) -> Result<Vec<f64>, Problem> {
    let mut all = Vec::new();
    for (set, share) in sets.iter().zip(shares) {
        let own = set.weights().unwrap_or_else(|| vec![1.0; set.len()]);
        let sum: f64 = own.iter().sum();
        let are_weights = own.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
        if own.len() != set.len() || !are_weights || (sum <= 0.0 && share > 0.0) {
            return Err(Problem::new("the weights of a set's photos do not fit it"));
        }
        let scale = if sum > 0.0 { share / sum } else { 0.0 };
        all.extend(own.into_iter().map(|weight| weight * scale));
    }
    Ok(all)
}

impl TrainingSet for Mixed {
    fn len(&self) -> usize {
        self.sets.iter().fold(0, |sum, set| sum.saturating_add(set.len()))
    }

    fn name(&self, index: usize) -> String {
        self.place(index).map(|(set, index)| set.name(index)).unwrap_or_default()
    }

    fn read(&self, index: usize, draw: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let (set, index) = self.place(index).ok_or_else(Problem::no_such_object)?;
        set.read(index, draw)
    }

    fn weights(&self) -> Option<Vec<f64>> {
        self.weights.clone()
    }

    fn remarks(&self) -> Vec<String> {
        self.sets.iter().flat_map(|set| set.remarks()).collect()
    }
}

use std::sync::Arc;

use rand::Rng;

use super::TrainingSet;
use super::photo::LabelledPhoto;
use crate::sets::Problem;

/// Some photos of a set, in the order that they were chosen in.
#[derive(Debug)]
pub struct Chosen {
    set: Arc<dyn TrainingSet>,
    indices: Vec<usize>,
}

impl Chosen {
    /// The photos with these indices; those that there are none of are left out.
    pub fn new(set: Arc<dyn TrainingSet>, mut indices: Vec<usize>) -> Self {
        indices.retain(|index| *index < set.len());
        Self { set, indices }
    }
}

impl TrainingSet for Chosen {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn name(&self, index: usize) -> String {
        self.indices.get(index).map(|index| self.set.name(*index)).unwrap_or_default()
    }

    fn read(&self, index: usize, draw: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let index = self.indices.get(index).ok_or_else(Problem::no_such_object)?;
        self.set.read(*index, draw)
    }

    fn weights(&self) -> Option<Vec<f64>> {
        let all = self.set.weights()?;
        self.indices.iter().map(|index| all.get(*index).copied()).collect()
    }

    fn remarks(&self) -> Vec<String> {
        self.set.remarks()
    }
}

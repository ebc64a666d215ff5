use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Checkpoints;
use crate::{Error, Result};

const WEIGHTS: &str = ".safetensors";
const TRAINING: &str = ".training";

/// The files of checkpoints in a run's folder.
///
/// Every epoch has its own pair of names: `NNN.safetensors` for weights, `NNN.training` for the
/// training file. Weights are written first, so a training file means that the pair is complete, and
/// nothing is ever written over: whatever goes wrong, the pair before it is whole.
#[derive(Debug, Clone)]
pub struct CheckpointFiles {
    folder: PathBuf,
}

impl CheckpointFiles {
    /// Those in this folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where the weights after an epoch, counted from 0, are.
    pub fn weights(&self, epoch: u64) -> PathBuf {
        self.folder.join(format!("{epoch:03}{WEIGHTS}"))
    }

    /// Where its training file is.
    pub fn training(&self, epoch: u64) -> PathBuf {
        self.folder.join(format!("{epoch:03}{TRAINING}"))
    }

    /// The latest epoch that a run can go on from.
    ///
    /// # Errors
    /// [`Error::Write`] where the folder cannot be listed.
    pub fn latest(&self) -> Result<Option<u64>> {
        let weights = self.epochs(WEIGHTS)?;
        Ok(self.epochs(TRAINING)?.intersection(&weights).max().copied())
    }

    /// Removes what need not be kept when the pair of `last` is complete: of weights all but the
    /// last, the best, and those of every so many epochs; of training files all but the last and the
    /// best. Later ones, which a run that went on from an earlier epoch left behind, go too.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn tidy(&self, policy: &Checkpoints, last: u64, best: Option<u64>) -> Result<()> {
        let weights = self.epochs(WEIGHTS)?;
        let regular =
            weights.iter().rev().filter(|&&epoch| policy.is_regular(epoch) && epoch <= last);
        let most = if policy.keep == 0 { usize::MAX } else { policy.keep };
        let regular: BTreeSet<_> = regular.take(most).copied().collect();
        let is_needed = |epoch: u64| epoch == last || Some(epoch) == best;
        // First what says that weights are there.
        let training = self.epochs(TRAINING)?.into_iter();
        let training =
            training.filter(|&epoch| !is_needed(epoch)).map(|epoch| self.training(epoch));
        let weights = weights.into_iter();
        let weights = weights.filter(|&epoch| !is_needed(epoch) && !regular.contains(&epoch));
        for path in training.chain(weights.map(|epoch| self.weights(epoch))) {
            fs::remove_file(&path).map_err(Error::write(&path))?;
        }
        Ok(())
    }

    fn epochs(&self, ending: &str) -> Result<BTreeSet<u64>> {
        let io = Error::write(&self.folder);
        let mut epochs = BTreeSet::new();
        for entry in fs::read_dir(&self.folder).map_err(&io)? {
            let name = entry.map_err(&io)?.file_name();
            let name = name.to_string_lossy();
            let epoch = name.strip_suffix(ending).and_then(|epoch| epoch.parse::<u64>().ok());
            // Only names that this program gives.
            epochs.extend(epoch.filter(|epoch| name == format!("{epoch:03}{ending}")));
        }
        Ok(epochs)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(folder: &Path, ending: &str) -> String {
        CheckpointFiles::new(folder)
            .epochs(ending)
            .unwrap()
            .iter()
            .map(|epoch| format!("{epoch} "))
            .collect()
    }

    #[test]
    fn the_last_the_best_and_every_nth_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let files = CheckpointFiles::new(folder.path());
        assert_eq!(files.latest().unwrap(), None);
        for name in ["mine.safetensors", "7.safetensors", "7.training", "notes"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let policy = Checkpoints::every(&[(0, 5)]);
        for epoch in 0..13 {
            fs::write(files.weights(epoch), "").unwrap();
            fs::write(files.training(epoch), "").unwrap();
            files.tidy(&policy, epoch, (epoch >= 8).then_some(8)).unwrap();
        }
        assert_eq!(names(folder.path(), WEIGHTS), "0 5 8 10 12 ");
        assert_eq!(names(folder.path(), TRAINING), "8 12 ");
        assert_eq!(files.latest().unwrap(), Some(12));
        // Weights alone are no checkpoint to go on from.
        fs::write(files.weights(13), "").unwrap();
        assert_eq!(files.latest().unwrap(), Some(12));

        let policy = Checkpoints { keep: 1, ..policy };
        files.tidy(&policy, 12, Some(8)).unwrap();
        assert_eq!(names(folder.path(), WEIGHTS), "8 10 12 ");
        // The run went on from an earlier epoch.
        fs::write(files.weights(9), "").unwrap();
        fs::write(files.training(9), "").unwrap();
        files.tidy(&policy, 9, Some(8)).unwrap();
        assert_eq!(names(folder.path(), WEIGHTS), "8 9 ");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 8);
    }
}

use serde::{Deserialize, Serialize};

use super::check::Checks;

/// What is learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Sets to learn from.
    pub sets: Vec<DataSet>,
    /// Sets to judge by; empty where a share of the first ones is held out.
    pub validation: Vec<DataSet>,
    /// Share of the photos of `sets` that is held out to judge by; needs `validation` to be empty.
    pub hold_out: f64,
    /// How several sets become one.
    pub mix: Mix,
    /// Samples of an epoch; 0 for as many as there are photos.
    pub epoch_length: usize,
    /// Crops of each photo in all, which come again; 0 for another one each time. What the encoder of a Lite
    /// network gives for them, where it does not learn, is computed once and kept on the disk, in the run's
    /// folder, until the run ends.
    pub views: usize,
    /// Exponent of (1 - score) in a photo's weight, for sets with scores.
    pub score_gamma: f64,
    /// How likely stuff is among the objects of a photo, for sets that label it.
    pub stuff_probability: f64,
}

/// A set of labelled photos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// Its layout by name.
    pub kind: String,
    /// Its folder; empty in presets.
    #[serde(default)]
    pub path: String,
    /// The part of it; empty for all.
    #[serde(default)]
    pub split: String,
    /// Its share of the samples where sets are mixed in proportion.
    #[serde(default = "one")]
    pub weight: f64,
    /// A JSON file with a score of every photo, higher where it is easier; may be empty.
    #[serde(default)]
    pub scores: String,
}

/// How several sets become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mix {
    /// All photos behind each other.
    Concatenation,
    /// First the set is drawn, by its weight, then a photo of it.
    Proportional,
}

fn one() -> f64 {
    1.0
}

impl DataSet {
    pub(crate) fn of(kind: &str, split: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            path: String::new(),
            split: split.to_owned(),
            weight: one(),
            scores: String::new(),
        }
    }

    fn check(&self, key: &str, checks: &mut Checks) {
        let kind = !self.kind.is_empty();
        checks.that(kind, &format!("{key}.kind"), "the layout of the set", "nothing");
        checks.positive(&format!("{key}.weight"), self.weight);
    }

    fn check_ready(&self, key: &str, checks: &mut Checks) {
        let expected = format!("the folder of the set of kind \"{}\"", self.kind);
        checks.that(!self.path.is_empty(), &format!("{key}.path"), &expected, "nothing");
    }
}

impl Data {
    pub(crate) fn of(sets: &[DataSet], validation: &[DataSet]) -> Self {
        Self {
            sets: sets.to_vec(),
            validation: validation.to_vec(),
            hold_out: 0.0,
            mix: Mix::Concatenation,
            epoch_length: 0,
            views: 0,
            score_gamma: 1.25,
            stuff_probability: 0.0,
        }
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        self.each(|set, key| set.check(key, checks));
        let expected = "a number from 0, below 1";
        checks.that((0.0..1.0).contains(&self.hold_out), "data.hold_out", expected, self.hold_out);
        let both = self.hold_out > 0.0 && !self.validation.is_empty();
        let expected = "0 where data.validation names sets";
        checks.that(!both, "data.hold_out", expected, self.hold_out);
        checks.that(self.views <= 1_000_000, "data.views", "at most 1000000", self.views);
        checks.not_negative("data.score_gamma", self.score_gamma);
        checks.share("data.stuff_probability", self.stuff_probability);
    }

    pub(super) fn check_ready(&self, checks: &mut Checks) {
        checks.that(!self.sets.is_empty(), "data.sets", "at least one set", "none");
        self.each(|set, key| set.check_ready(key, checks));
    }

    fn each(&self, mut see: impl FnMut(&DataSet, &str)) {
        let lists = [("data.sets", &self.sets), ("data.validation", &self.validation)];
        for (list, sets) in lists {
            for (index, set) in sets.iter().enumerate() {
                see(set, &format!("{list}[{index}]"));
            }
        }
    }
}

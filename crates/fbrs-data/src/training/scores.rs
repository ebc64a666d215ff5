//! Scores of photos, from which weights are made: hard photos are drawn more often.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::TrainingSet;
use super::photo::LabelledPhoto;
use super::pickle::Pickle;
use crate::error::Result;
use crate::files;
use crate::sets::Problem;
use crate::sets::root::{few, layout_error, stem};

/// Bytes that a file of scores may have; the published one has 8,498 scores.
const LIMIT: u64 = 64 << 20;
/// Endings that a score's name may have; other dots belong to the name.
const ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];
/// The published exponent.
pub const PUBLISHED_GAMMA: f64 = 1.25;

/// How easy each photo is, from 0 to 1.
///
/// As JSON it is `{"scores": [{"photo": "2008_000002", "score": 0.97}, …]}`; names may have an
/// ending or none. The pickles of the published training (lists of index, name and score) are read
/// as well.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// The photos, each once.
    pub scores: Vec<Score>,
}

/// How easy one photo is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Its name, with or without its ending.
    pub photo: String,
    /// From 0 to 1; the higher, the easier.
    pub score: f64,
}

impl Score {
    /// The score of a photo of a set, under a name that it is found by.
    pub fn of(photo: String, score: f64) -> Self {
        let photo = if has_ending(&photo) { photo } else { Scores::name_of(&photo) };
        Self { photo, score }
    }

    /// What its photo is known by.
    fn name(&self) -> String {
        if has_ending(&self.photo) { Scores::name_of(&self.photo) } else { self.photo.clone() }
    }
}

fn has_ending(name: &str) -> bool {
    let ending = Path::new(name).extension();
    ending.is_some_and(|it| ENDINGS.iter().any(|known| it.eq_ignore_ascii_case(known)))
}

impl Scores {
    /// What a photo of a set is known by among scores: its name without the ending.
    pub fn name_of(photo: &str) -> String {
        stem(Path::new(photo))
    }

    /// Reads a file of scores, JSON or pickle by its content.
    ///
    /// # Errors
    /// [`crate::Error`] for what cannot be read, is neither, or has scores that are none.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = files::read(path, LIMIT)?;
        let wrong = |reason: String| layout_error(path, reason);
        let scores = if bytes.trim_ascii_start().starts_with(b"{") {
            serde_json::from_slice(&bytes).map_err(|error| {
                let expected = "expected {\"scores\": [{\"photo\": \"NAME\", \"score\": 0.5}, …]}";
                wrong(format!("its JSON is not as it should be ({error}): {expected}"))
            })?
        } else {
            let text = "expected JSON, or a pickle of (index, name, score)";
            let pickle = Pickle::read(bytes).map_err(|error| wrong(format!("{error}; {text}")))?;
            Self::of_pickle(&pickle).ok_or_else(|| wrong(text.to_owned()))?
        };
        let is_wrong = |score: &&Score| !(0.0..=1.0).contains(&score.score);
        if let Some(Score { photo, score }) = scores.scores.iter().find(is_wrong) {
            let photo = crate::text::printable(photo);
            return Err(wrong(format!("the score of {photo} is {score}, expected 0 to 1")));
        }
        Ok(scores)
    }

    fn of_pickle(pickle: &Pickle) -> Option<Self> {
        let score = |entry: super::pickle::Value<'_>| {
            let mut parts = entry.items()?;
            let (_, photo, score) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Score { photo: photo.text()?.to_owned(), score: score.number()? })
        };
        let scores = pickle.root().items()?.map(score).collect::<Option<_>>()?;
        Some(Self { scores })
    }

    /// Writes JSON.
    ///
    /// # Errors
    /// Whatever `writer` says.
    pub fn write(&self, mut writer: impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut writer, self)?;
        writer.write_all(b"\n")
    }
}

/// A set with weights by scores: (1 - score) to the power of γ. A photo without a score has the
/// mean weight.
#[derive(Debug)]
pub struct Scored {
    set: Arc<dyn TrainingSet>,
    weights: Vec<f64>,
    remarks: Vec<String>,
}

impl Scored {
    /// Scores and photos are brought together by names, but for their endings.
    ///
    /// # Errors
    /// [`Problem`] where no photo has a score or none has a weight above 0, and for a γ that is no
    /// number from 0 on.
    pub fn new(set: Arc<dyn TrainingSet>, scores: &Scores, gamma: f64) -> Result<Self, Problem> {
        if !(gamma.is_finite() && gamma >= 0.0) {
            return Err(Problem::new(format!("γ is {gamma}, expected a number from 0 on")));
        }
        let mut by_name: HashMap<String, f64> = HashMap::new();
        for score in &scores.scores {
            if by_name.insert(score.name(), score.score).is_some() {
                let photo = crate::text::printable(&score.photo);
                return Err(Problem::new(format!("the photo {photo} has two scores")));
            }
        }
        let mut without = Vec::new();
        let weights: Vec<Option<f64>> = (0..set.len())
            .map(|index| {
                let name = set.name(index);
                let score = by_name.get(&Scores::name_of(&name)).copied();
                if score.is_none() {
                    without.push(name);
                }
                score.map(|score| (1.0 - score).powf(gamma))
            })
            .collect();
        let found = weights.iter().flatten().count();
        let sum: f64 = weights.iter().flatten().sum();
        if found == 0 || sum <= 0.0 {
            let reason = match found {
                0 => "no photo of the set has a score: they are for another set",
                _ => "all photos have the score 1, so that none would be drawn",
            };
            return Err(Problem::new(reason));
        }
        let mean = sum / found as f64;
        let mut remarks = set.remarks();
        if !without.is_empty() {
            let (count, names) = (without.len(), few(&without));
            remarks.push(format!("{count} photos have no score and get the mean weight: {names}"));
        }
        match by_name.len().saturating_sub(found) {
            0 => {}
            count => remarks.push(format!("{count} scores are of photos that are not in the set")),
        }
        let weights = weights.into_iter().map(|weight| weight.unwrap_or(mean)).collect();
        Ok(Self { set, weights, remarks })
    }
}

impl TrainingSet for Scored {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn name(&self, index: usize) -> String {
        self.set.name(index)
    }

    fn read(&self, index: usize, draw: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        self.set.read(index, draw)
    }

    fn weights(&self) -> Option<Vec<f64>> {
        Some(self.weights.clone())
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

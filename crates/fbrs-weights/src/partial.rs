use std::collections::HashMap;
use std::path::Path;

use fbrs_data::text::printable;
use fbrs_models::{Architecture, BoxError, ParameterSource};

use crate::entry::{Contents, Entry};
use crate::open;
use crate::reading::Reading;
use crate::recognize::{Matched, matched};
use crate::state_dict::{MARK, StateDict, state_dict};
use crate::{Misshaped, WeightsError};

/// Some of a network's parameters, from a file: a checkpoint of a similar network, or a backbone
/// ([`Backbone`](crate::Backbone)).
///
/// What the file does not have must come from elsewhere ([`Partial::over`]). Nothing is left out
/// without a word: show [`Partial::missing`], [`Partial::misshaped`] and [`Partial::unused`].
#[derive(Debug)]
pub struct Partial {
    reading: Reading,
    found: HashMap<String, Found>,
    filled: Vec<String>,
    missing: Vec<String>,
    misshaped: Vec<Misshaped>,
    unused: Vec<String>,
    remark: Option<String>,
}

/// A tensor of the file and what becomes of its values.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) entry: Entry,
    pub(crate) change: Change,
}

/// What becomes of a tensor's values before a network takes them.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Nothing.
    None,
    /// Of a convolution's kernels: each input channel times a number.
    Times([f64; 3]),
    /// Of the running mean behind a convolution: minus that convolution's answer to constant input
    /// channels.
    Minus { kernels: String, constants: [f64; 3] },
    /// Of the factors of a batch normalization that adds `added` to the variance: what they are where
    /// it adds `adds`.
    Epsilon { variance: String, added: f64, adds: f64 },
}

impl Partial {
    /// Opens a checkpoint of `architecture` that may lack some of its parameters, or have some of
    /// another shape, on the user's express wish only: see there for what it lacks.
    ///
    /// # Errors
    /// As [`Checkpoint::open`](crate::Checkpoint::open) where the file is no sound file of weights;
    /// [`WeightsError::Unrecognized`] where it has none of the parameters.
    pub fn open(path: impl AsRef<Path>, architecture: &Architecture) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let Contents { container, source, entries, .. } = open::open(path)?;
        let reading = Reading { shown: printable(&path.display().to_string()), container, source };
        let count = entries.len();
        let StateDict { entries, beside, remark } = state_dict(entries, MARK);
        let mut matched = matched(&reading.shown, architecture.parameters(), entries)?;
        if matched.matched.is_empty() {
            let reason = format!("none of its {count} tensors is one of {architecture}'s");
            return Err(WeightsError::Unrecognized { file: reading.shown, reason });
        }
        matched.others.extend(beside);
        Ok(Self::new(reading, matched, remark))
    }

    pub(crate) fn new(reading: Reading, matched: Matched, remark: Option<String>) -> Self {
        let Matched { matched, missing, misshaped, others: mut unused } = matched;
        unused.sort();
        let filled = matched.iter().map(|entry| entry.name.clone()).collect();
        let found = |entry: Entry| (entry.name.clone(), Found { entry, change: Change::None });
        let found = matched.into_iter().map(found).collect();
        Self { reading, found, filled, missing, misshaped, unused, remark }
    }

    /// Says what becomes of a parameter, where the file has it.
    pub(crate) fn change(&mut self, name: &str, change: Change) {
        if let Some(found) = self.found.get_mut(name) {
            found.change = change;
        }
    }

    /// Names of the parameters that come from the file, in network order.
    pub fn filled(&self) -> &[String] {
        &self.filled
    }

    /// Names of parameters that the file should have and lacks, in network order.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Parameters that the file has in another shape and that are therefore not taken, in network
    /// order.
    pub fn misshaped(&self) -> &[Misshaped] {
        &self.misshaped
    }

    /// Names of the file's tensors that are not taken because no parameter is called so, sorted; as
    /// they are in the file: print them through [`printable`].
    pub fn unused(&self) -> &[String] {
        &self.unused
    }

    /// What is worth telling the user. One sentence, safe to print.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// The values of a parameter, row-major; `None` where the file does not have it.
    ///
    /// # Errors
    /// [`WeightsError::NoSuchParameter`] where the file has it in another shape than this;
    /// [`NotFinite`](WeightsError::NotFinite); whatever reading meets.
    pub fn values(
        &mut self,
        name: &str,
        shape: &[usize],
    ) -> Result<Option<Vec<f32>>, WeightsError> {
        let Some(Found { entry, change }) = self.found.get(name) else { return Ok(None) };
        if entry.shape != shape {
            return Err(WeightsError::NoSuchParameter {
                file: self.reading.shown.clone(),
                architecture: "a part of a network".to_owned(),
                tensor: name.to_owned(),
                shape: shape.to_vec(),
            });
        }
        let change = change.clone();
        let values = self.stored(name)?;
        let changed = match change {
            Change::None => values,
            Change::Times(factors) => times(values, shape, factors),
            Change::Minus { kernels, constants } => {
                let kernels = self.stored(&kernels)?;
                minus(values, &kernels, constants)
            }
            Change::Epsilon { variance, added, adds } => {
                let variances = self.stored(&variance)?;
                let both = values.iter().zip(variances);
                both.map(|(factor, variance)| {
                    let variance = f64::from(variance);
                    (f64::from(*factor) * ((variance + adds) / (variance + added)).sqrt()) as f32
                })
                .collect()
            }
        };
        Ok(Some(changed))
    }

    /// The values of a parameter as the file has them; none where it does not.
    fn stored(&mut self, name: &str) -> Result<Vec<f32>, WeightsError> {
        match self.found.get(name) {
            Some(found) => self.reading.values(name, &found.entry),
            None => Ok(Vec::new()),
        }
    }

    /// The file's parameters where it has them, and those of `rest` where it does not.
    pub fn over<S: ParameterSource>(&mut self, rest: S) -> impl ParameterSource {
        Over { partial: self, rest }
    }
}

struct Over<'a, S> {
    partial: &'a mut Partial,
    rest: S,
}

impl<S: ParameterSource> ParameterSource for Over<'_, S> {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        match self.partial.values(name, shape)? {
            Some(values) => Ok(values),
            None => self.rest.read(name, shape),
        }
    }
}

/// Kernels of so many input channels as there are factors.
fn times(mut values: Vec<f32>, shape: &[usize], factors: [f64; 3]) -> Vec<f32> {
    let area = shape.iter().skip(2).product::<usize>().max(1);
    for (channel, factor) in values.chunks_mut(area).zip(factors.iter().cycle()) {
        for value in channel {
            *value = (f64::from(*value) * factor) as f32;
        }
    }
    values
}

fn minus(means: Vec<f32>, kernels: &[f32], constants: [f64; 3]) -> Vec<f32> {
    let own = kernels.len().checked_div(means.len()).unwrap_or_default().max(1);
    let area = (own / constants.len()).max(1);
    let answers = kernels.chunks(own).map(|kernel| -> f64 {
        let channels = kernel.chunks(area).zip(constants);
        channels.map(|(area, constant)| sum(area) * constant).sum()
    });
    means.iter().zip(answers).map(|(mean, answer)| (f64::from(*mean) - answer) as f32).collect()
}

fn sum(values: &[f32]) -> f64 {
    values.iter().copied().map(f64::from).sum()
}

//! Batches, prepared on threads.

mod ordered;

use std::num::NonZero;

use fbrs_data::sets::Problem;

use self::ordered::Ordered;
use crate::epoch::Epoch;
use crate::options::{BadOptions, SampleOptions};
use crate::sample::{self, TrainingSample};
use crate::stream::Purpose;

/// Photos that are tried for one sample; where none can be used, something is wrong with the sets.
const MOST_TRIED: usize = 50;

/// How batches are prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Samples of a batch.
    pub batch: NonZero<usize>,
    /// Threads that prepare samples; the samples are the same whatever their number.
    pub threads: NonZero<usize>,
    /// Batches that are prepared before they are asked for.
    pub ahead: NonZero<usize>,
    /// The first batch, by its number in the epoch.
    pub from: usize,
    /// Whether a last batch with fewer samples comes too.
    pub keep_last: bool,
}

impl Plan {
    /// All full batches, on as many threads as the machine runs at a time, two batches ahead.
    pub fn new(batch: NonZero<usize>) -> Self {
        let one = NonZero::<usize>::MIN;
        let threads = std::thread::available_parallelism().unwrap_or(one);
        Self { batch, threads, ahead: one.saturating_add(1), from: 0, keep_last: false }
    }
}

/// Some samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Its number in the epoch.
    pub number: usize,
    /// The samples.
    pub samples: Vec<TrainingSample>,
    /// Photos that could not be used, so that others took their places.
    pub replaced: Vec<Replaced>,
}

/// A photo that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The sample's position in the epoch.
    pub position: usize,
    /// Which photo, by its number in the set.
    pub photo: usize,
    /// Its name, fit to be printed.
    pub name: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Why samples cannot be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// An option makes no sense.
    #[error("cannot prepare samples: {0}")]
    Options(#[from] BadOptions),
    /// A thread cannot be started: the machine's fault.
    #[error("cannot start a thread to prepare samples: {0}")]
    Thread(std::io::Error),
    /// One photo after the other cannot be used.
    #[error(
        "none of {tried} photos could be used for sample {position}; the last was {name}: {problem}"
    )]
    NoPhoto {
        /// The sample's position in the epoch.
        position: usize,
        /// How many were tried.
        tried: usize,
        /// The name of the last, fit to be printed.
        name: String,
        /// What is wrong with it.
        problem: Problem,
    },
    /// No such position.
    #[error("there is no sample {position} in an epoch of {len}")]
    Position {
        /// What was asked for.
        position: usize,
        /// How many there are.
        len: usize,
    },
    /// A fault of the program, or of the set.
    #[error("a fault stopped the preparation of sample {position}: {message}")]
    Fault {
        /// The sample's position in the epoch.
        position: usize,
        /// What the fault said.
        message: String,
    },
}

/// Prepares the batches of an epoch on threads, in order. After an error nothing more comes. Dropping it stops
/// the threads, once the samples that they are at are done.
#[derive(Debug)]
pub struct Loader {
    samples: Ordered<Result<Made, LoaderError>>,
    plan: Plan,
    len: usize,
    next: usize,
}

type Made = (TrainingSample, Vec<Replaced>);

impl Loader {
    /// Starts the threads.
    ///
    /// # Errors
    /// Where options make no sense, or threads cannot be started.
    pub fn start(epoch: Epoch, options: SampleOptions, plan: Plan) -> Result<Self, LoaderError> {
        options.check()?;
        let (batch, samples) = (plan.batch.get(), epoch.len());
        let len = if plan.keep_last { samples.div_ceil(batch) } else { samples / batch };
        let last = len.saturating_mul(batch).min(samples);
        let positions = plan.from.saturating_mul(batch).min(last)..last;
        let ahead = plan.ahead.get().saturating_mul(batch);
        let work = move |position| epoch.make(position, &options);
        let samples = Ordered::start(positions, plan.threads.get(), ahead, work)
            .map_err(LoaderError::Thread)?;
        Ok(Self { samples, plan, len, next: plan.from })
    }

    /// How many batches the epoch has.
    pub fn batches(&self) -> usize {
        self.len
    }
}

impl Iterator for Loader {
    type Item = Result<Batch, LoaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Batch { number: self.next, samples: Vec::new(), replaced: Vec::new() };
        while batch.samples.len() < self.plan.batch.get() {
            let Some((position, made)) = self.samples.next() else { break };
            let made = made.unwrap_or_else(|message| Err(LoaderError::Fault { position, message }));
            match made {
                Ok((sample, replaced)) => {
                    batch.samples.push(sample);
                    batch.replaced.extend(replaced);
                }
                Err(error) => {
                    self.samples.stop();
                    return Some(Err(error));
                }
            }
        }
        self.next += 1;
        (!batch.samples.is_empty()).then_some(Ok(batch))
    }
}

impl Epoch {
    /// The sample of a position, by itself, and the photos that could not be used for it. It is the one that a
    /// [`Loader`] prepares.
    ///
    /// # Errors
    /// Where options make no sense, or no photo can be used.
    pub fn sample(
        &self,
        position: usize,
        options: &SampleOptions,
    ) -> Result<(TrainingSample, Vec<Replaced>), LoaderError> {
        options.check()?;
        self.make(position, options)
    }

    fn make(&self, position: usize, options: &SampleOptions) -> Result<Made, LoaderError> {
        let len = self.len();
        let Some(first) = self.photo(position) else {
            return Err(LoaderError::Position { position, len });
        };
        let mut replaced: Vec<Replaced> = Vec::new();
        let mut reading = self.stream(position, Purpose::Reading);
        let others = self.replacements(position).take(MOST_TRIED - 1);
        for photo in std::iter::once(first).chain(others) {
            let view = self.view(position, photo);
            let read = match view {
                Some(view) => self.set().read(photo, &mut self.stream_of(view, Purpose::Reading)),
                None => self.set().read(photo, &mut reading),
            };
            let made = read.and_then(|labelled| labelled.checked()).and_then(|labelled| {
                let streams = |purpose| match (purpose, view) {
                    (Purpose::Augmentation, Some(view)) => self.stream_of(view, purpose),
                    _ => self.stream(position, purpose),
                };
                sample::make(&labelled, options, streams)
                    .map(|sample| TrainingSample { view, ..sample })
                    .map_err(|_| Problem::new("there is no object in it that could be learned"))
            });
            match made {
                Ok(sample) => return Ok((sample, replaced)),
                Err(problem) => {
                    let name = self.set().name(photo);
                    replaced.push(Replaced { position, photo, name, problem });
                }
            }
        }
        let tried = replaced.len();
        Err(match replaced.pop() {
            Some(Replaced { name, problem, .. }) => {
                LoaderError::NoPhoto { position, tried, name, problem }
            }
            None => LoaderError::Position { position, len },
        })
    }
}

#[cfg(test)]
mod tests;

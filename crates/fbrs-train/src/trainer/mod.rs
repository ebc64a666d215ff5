//! A run from its beginning, or from where it was saved, to its end.

mod begin;
mod features;
mod photos;
mod pool;
mod portions;
mod save;
mod score;
mod step;
mod validate;
mod watch;
mod worker;

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use fbrs::CancelToken;
use fbrs_models::LiteTaps;
use fbrs_samples::{Batch, Loader, Photos, Plan, TrainingSample, preview};
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};

use crate::config::{Config, InitKind};
use crate::folder::RunFolder;
use crate::learner::on_device;
use crate::log::{At, Picture, RunLog, Tag};
use crate::metric::FocalSample;
use crate::progress::Progress;
use crate::schedule::Schedule;
use crate::state::{CheckpointFiles, Position};
use crate::{Error, Result};

use features::Features;
pub use photos::{Data, Understood};
use pool::{Live, Pool};
pub use score::{Scored, Scoring};
use step::{Learned, Steps};
pub use watch::{Ended, Event, Validated};

/// The weights that a run began with, among its checkpoints.
const BEFORE: &str = "before.safetensors";
/// Quality of the pictures of samples.
const JPEG_QUALITY: u8 = 90;

/// A run.
pub struct Training {
    config: Config,
    folder: RunFolder,
    log: RunLog,
    steps: Steps,
    data: Data,
    position: Position,
    /// Where samples come again.
    pool: Option<Pool>,
    /// Where crops come again, and the encoder gives the same for them.
    features: Option<Features>,
    /// What is to be told once it goes on.
    remarks: Vec<String>,
}

impl Training {
    /// The run's folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What decides everything.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many numbers learn, of how many.
    pub fn learned(&self) -> [usize; 2] {
        let all = self.steps.network().parameters().iter();
        let all = all.map(|own| own.shape().iter().product::<usize>()).sum();
        [self.steps.learner.learned(), all]
    }

    /// The weights to use: the best ones with what they were judged by (clicks, or the loss), or the last.
    pub fn best(&self) -> Option<(PathBuf, Option<f64>)> {
        let files = CheckpointFiles::new(&self.folder.checkpoints());
        let best = &self.position.best;
        let last = || self.position.epoch.checked_sub(1);
        let epoch = best.epoch().or_else(last)?;
        Some((files.weights(epoch), best.value()))
    }

    /// What the weights that the run began with were judged by, where they were.
    pub fn before(&self) -> Option<f64> {
        self.position.before
    }

    /// Whether there is something to go on from.
    pub fn is_saved(&self) -> bool {
        let files = CheckpointFiles::new(&self.folder.checkpoints());
        files.latest().is_ok_and(|latest| latest.is_some())
    }

    /// Trains to the end, or until `stop` is cancelled: then the step at hand is finished, and everything
    /// saved.
    ///
    /// # Errors
    /// What keeps the run from going on. What was saved before is whole, and a run goes on from there.
    pub fn run(&mut self, stop: &CancelToken, on_event: &mut dyn FnMut(Event)) -> Result<Ended> {
        let ended = self.run_on(stop, on_event)?;
        if let Some(features) = self.features.as_ref().filter(|_| ended != Ended::Stopped) {
            features.remove();
        }
        Ok(ended)
    }

    fn run_on(&mut self, stop: &CancelToken, on_event: &mut dyn FnMut(Event)) -> Result<Ended> {
        self.remarks.drain(..).for_each(|text| on_event(Event::Remark(text)));
        let steps_per_epoch = self.position.steps_per_epoch;
        let schedule = Schedule::new(&self.config, steps_per_epoch);
        let mut progress = Progress::new(schedule.steps(), self.position.step);
        self.judge_before(stop, on_event)?;
        // A validation that was cut off is made up for.
        self.judge_epoch(stop, on_event)?;
        if self.position.judged < self.position.epoch {
            // Stopped again: the epoch's weights are still wanted, and nothing new is there to save.
            return Ok(Ended::Stopped);
        }
        if self.position.best.is_over(self.config.validation.patience) {
            return Ok(Ended::NothingBetter);
        }
        while self.position.epoch < self.config.schedule.epochs {
            let epoch = self.position.epoch;
            if self.position.step == epoch * steps_per_epoch {
                self.position.training_iou.begin_epoch();
            }
            if !self.learn_epoch(epoch, &schedule, &mut progress, stop, on_event)? {
                self.save(epoch)?;
                return Ok(Ended::Stopped);
            }
            let iou = self.position.training_iou.epoch_value();
            self.log.value(&Tag::TRAIN_IOU, iou, At::Epoch(epoch))?;
            self.position.epoch += 1;
            self.position.sample = 0;
            self.save(epoch)?;
            self.judge_epoch(stop, on_event)?;
            let is_over = self.position.best.is_over(self.config.validation.patience);
            let is_judged = self.position.judged == self.position.epoch;
            if is_over && is_judged {
                return Ok(Ended::NothingBetter);
            }
            let is_done = is_judged && self.position.epoch >= self.config.schedule.epochs;
            if stop.is_cancelled() && !is_done {
                return Ok(Ended::Stopped);
            }
        }
        Ok(Ended::Done)
    }

    /// Whether the epoch was learned to its end.
    fn learn_epoch(
        &mut self,
        epoch: u64,
        schedule: &Schedule,
        progress: &mut Progress,
        stop: &CancelToken,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<bool> {
        let size = self.config.batch.size;
        let accumulate = self.config.batch.accumulate;
        let drawn = Arc::clone(&self.data.training).epoch(self.config.run.seed, epoch);
        let batch = NonZero::new(size).unwrap_or(NonZero::<usize>::MIN);
        let from = self.position.sample as usize / size;
        let plan = Plan { threads: threads(&self.config), from, ..Plan::new(batch) };
        let mut loader = Loader::start(drawn, self.config.samples.clone(), plan)?;
        let end = (epoch + 1) * self.position.steps_per_epoch;
        while self.position.step < end {
            if stop.is_cancelled() {
                return Ok(false);
            }
            let begun = Instant::now();
            let step = self.position.step;
            let mut loss = 0.0;
            let mut shown = None;
            for part in 0..accumulate {
                let number = self.position.step * accumulate as u64 + part as u64;
                let learned = match self.pool.is_some() {
                    true => self.learn_returning(&mut loader, [epoch, number], on_event)?,
                    false => {
                        let Some(batch) = next(&mut loader, on_event)? else { break };
                        self.position.sample += batch.samples.len() as u64;
                        let taps = self.kept_taps(&batch.samples, on_event)?;
                        self.steps.learn(batch.samples, taps, [epoch, batch.number as u64])?
                    }
                };
                if let Some(samples) = learned.fits {
                    on_event(Event::Remark(self.portioned(samples)));
                }
                loss += learned.passed.overall / accumulate as f64;
                self.record(&learned, step)?;
                shown.get_or_insert(learned);
            }
            let rate = schedule.rates(step).other;
            if !self.steps.step(rate)? {
                let text = "gradients were too large for f16: the step is left out, and their scale halved";
                on_event(Event::Remark(format!("step {}: {text}", step + 1)));
            }
            self.log.average(&Tag::LEARNING_RATE, rate, step)?;
            if let Some(learned) = shown {
                self.picture(&learned, step)?;
            }
            self.position.step += 1;
            progress.step(size * accumulate, begun.elapsed());
            on_event(Event::Step {
                epoch,
                steps: [progress.done(), progress.total()],
                loss,
                iou: self.position.training_iou.ema(),
                pace: progress.pace(),
            });
        }
        Ok(true)
    }

    /// What it means that memory suffices for so many samples only.
    fn portioned(&self, samples: usize) -> String {
        let size = self.config.batch.size;
        let statistics = match self.config.freeze.batch_norm {
            true => "",
            false => ", but batch normalization has statistics of as many",
        };
        format!(
            "memory does not suffice for a batch of {size}: from now on the network sees about {samples} samples \
             at once, whose gradients are added; steps are of {size} as before{statistics}"
        )
    }

    /// Learns from a batch of the pool, which is filled before and gets its samples back.
    fn learn_returning(
        &mut self,
        loader: &mut Loader,
        [epoch, number]: [u64; 2],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned> {
        let Some(mut pool) = self.pool.take() else { return Ok(Learned::default()) };
        let learned = self.learn_from(&mut pool, loader, [epoch, number], on_event);
        self.pool = Some(pool);
        learned
    }

    /// What the encoder gives for a sample, where it does not learn; from the disk where it is there.
    fn taps(
        &mut self,
        sample: &TrainingSample,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<LiteTaps>> {
        let steps = &self.steps;
        let (Some(view), Some(features)) = (sample.view, &mut self.features) else {
            return on_device(|| Ok(steps.taps(sample)));
        };
        let size = sample.size();
        let on_failure = |error| {
            let text = format!("{error}: the encoder's features are computed each time");
            on_event(Event::Remark(text));
        };
        let size = [size.height, size.width];
        let device = steps.network().device();
        on_device(|| features.get(view, size, device, || steps.taps(sample), on_failure))
    }

    /// The same of a batch, where it may be on the disk.
    fn kept_taps(
        &mut self,
        samples: &[TrainingSample],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Vec<LiteTaps>>> {
        if self.features.is_none() {
            return Ok(None);
        }
        samples.iter().map(|sample| self.taps(sample, on_event)).collect()
    }

    fn learn_from(
        &mut self,
        pool: &mut Pool,
        loader: &mut Loader,
        [epoch, number]: [u64; 2],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned> {
        let size = self.config.batch.size;
        while pool.lacks(size) > 0 {
            let Some(batch) = next(loader, on_event)? else { break };
            for sample in batch.samples {
                let taps = self.taps(&sample, on_event)?;
                let position = self.position.sample;
                pool.live.push(Live { sample, taps, epoch, position, given: 0 });
                self.position.sample += 1;
            }
        }
        let mut drawn = pool.draw(size, [epoch, number]);
        let samples = drawn.iter().map(|live| live.sample.clone()).collect();
        let taps = drawn.iter().map(|live| live.taps.clone()).collect::<Option<_>>();
        let learned = self.steps.learn(samples, taps, [epoch, number])?;
        let pixels = learned.probabilities.len() / drawn.len().max(1);
        for (live, prediction) in drawn.drain(..).zip(learned.probabilities.chunks(pixels.max(1))) {
            pool.put_back(live, prediction);
        }
        Ok(learned)
    }

    /// Logs what a batch came to.
    fn record(&mut self, learned: &Learned, step: u64) -> Result<()> {
        let Learned { passed, probabilities, samples, .. } = learned;
        self.log.average(&Tag::TRAIN_INSTANCE_LOSS, passed.instance, step)?;
        if let Some(auxiliary) = passed.auxiliary {
            self.log.average(&Tag::TRAIN_AUX_LOSS, auxiliary, step)?;
        }
        self.log.average(&Tag::TRAIN_LOSS, passed.overall, step)?;
        let factors: Vec<FocalSample> = passed
            .factors
            .iter()
            .map(|factors| FocalSample {
                multiplier: factors.factor,
                largest: factors.largest,
                has_ignored: !factors.whole,
            })
            .collect();
        if !factors.is_empty() {
            self.position.focal.update(&factors);
            self.log.average(&Tag::TRAIN_LOSS_K, self.position.focal.k, step)?;
            self.log.average(&Tag::TRAIN_LOSS_M, self.position.focal.m, step)?;
        }
        let pixels = probabilities.len() / samples.len().max(1);
        let targets: Vec<f32> =
            samples.iter().flat_map(|sample| sample.target.iter().copied()).collect();
        self.position.training_iou.update(probabilities, &targets, pixels);
        let iou = &self.position.training_iou;
        let (ema, threshold) = (iou.ema(), iou.threshold());
        self.log.average(&Tag::TRAIN_EMA_IOU, ema, step)?;
        self.log.average(&Tag::TRAIN_IOU_THRESHOLD, threshold, step)
    }

    /// Every so many steps a picture of the batch's first sample.
    fn picture(&mut self, learned: &Learned, step: u64) -> Result<()> {
        let every = self.config.logs.picture_steps;
        if every == 0 || !step.is_multiple_of(every) {
            return Ok(());
        }
        let Some(sample) = learned.samples.first() else { return Ok(()) };
        let picture = preview(sample, learned.probabilities.get(..sample.target.len()));
        let path = self.folder.pictures().join(format!("{step:06}.jpg"));
        let write = Error::write(&path);
        let mut encoded = Vec::new();
        let (width, height) = picture.dimensions();
        JpegEncoder::new_with_quality(&mut encoded, JPEG_QUALITY)
            .write_image(&picture, width, height, ExtendedColorType::Rgb8)
            .map_err(|error| write(std::io::Error::other(error)))?;
        let destination = fbrs_data::files::Destination::new(&path).map_err(&write)?;
        destination.replace(|draft| std::io::Write::write_all(draft, &encoded)).map_err(&write)?;
        let picture = Picture { height, width, encoded: &encoded };
        self.log.picture(&Tag::PICTURES, picture, step)
    }

    /// Judges the weights that the run began with, where they were trained before.
    fn judge_before(&mut self, stop: &CancelToken, on_event: &mut dyn FnMut(Event)) -> Result<()> {
        let Some(photos) = self.data.validation.clone() else { return Ok(()) };
        let is_trained = self.config.init.kind == InitKind::Checkpoint;
        if self.position.step > 0 || self.position.before.is_some() || !is_trained {
            return Ok(());
        }
        let begun = Instant::now();
        let weights = self.folder.checkpoints().join(BEFORE);
        self.save_weights(&weights)?;
        let Some(found) = self.validate(&photos, &weights, stop)? else { return Ok(()) };
        self.position.before = Some(found.judged_by());
        on_event(Event::Validated { epoch: None, found, best: false, took: begun.elapsed() });
        Ok(())
    }

    /// Judges the network behind the last epoch, where it is time and was not done.
    fn judge_epoch(&mut self, stop: &CancelToken, on_event: &mut dyn FnMut(Event)) -> Result<()> {
        let Some(epoch) = self.position.epoch.checked_sub(1) else { return Ok(()) };
        if self.position.judged > epoch {
            return Ok(());
        }
        let every = self.config.validation.every;
        let due = every > 0 && (epoch + 1).is_multiple_of(every);
        let Some(photos) = self.data.validation.clone().filter(|_| due) else {
            self.position.judged = epoch + 1;
            return Ok(());
        };
        let begun = Instant::now();
        let weights = CheckpointFiles::new(&self.folder.checkpoints()).weights(epoch);
        let Some(found) = self.validate(&photos, &weights, stop)? else { return Ok(()) };
        let at = At::Epoch(epoch);
        self.log.value(&Tag::VALIDATION_INSTANCE_LOSS, found.loss, at)?;
        self.log.value(&Tag::VALIDATION_IOU, found.iou, at)?;
        if let Some(clicks) = found.clicks {
            self.log.value(&Tag::VALIDATION_NOC, clicks, at)?;
        }
        let judged = found.judged_by();
        let best = self.position.best.see(epoch, judged)
            && self.position.before.is_none_or(|before| judged < before);
        self.position.judged = epoch + 1;
        // What was found belongs to the epoch.
        self.save(epoch)?;
        on_event(Event::Validated { epoch: Some(epoch), found, best, took: begun.elapsed() });
        Ok(())
    }
}

/// How many threads prepare samples.
fn threads(config: &Config) -> NonZero<usize> {
    let all = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    NonZero::new(config.run.threads).unwrap_or(all)
}

/// The next batch; photos that could not be used are told of.
fn next(loader: &mut Loader, on_event: &mut dyn FnMut(Event)) -> Result<Option<Batch>> {
    let Some(batch) = loader.next() else { return Ok(None) };
    let batch = batch?;
    for photo in &batch.replaced {
        on_event(Event::Remark(format!("{}: left out, {}", photo.name, photo.problem)));
    }
    Ok(Some(batch))
}

impl Data {
    fn steps_per_epoch(photos: &Arc<Photos>, config: &Config) -> u64 {
        let samples = Arc::clone(photos).epoch(config.run.seed, 0).len();
        (samples / (config.batch.size * config.batch.accumulate)) as u64
    }
}

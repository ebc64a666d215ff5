//! Judging a network between epochs: losses and IoU over samples that are always the same, and clicks
//! counted by the simulated user.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use fbrs::{CancelToken, Segmenter};
use fbrs_data::annotations::{Label, Truth};
use fbrs_data::sets::{Layout, Sample};
use fbrs_data::training::LabelledPhoto;
use fbrs_eval::{Settings, clicks_needed, evaluate};
use fbrs_samples::{Loader, Photos, Plan, Purpose, Stream};
use fbrs_weights::{Checkpoint, ExtraKeys};

use super::photos::shuffled;
use super::step::Judged;
use super::watch::Validated;
use super::{Training, threads};
use crate::Result;

/// The epoch whose samples are judged, always: none of training has this number.
pub(super) const EPOCH: u64 = u64::MAX;

impl Training {
    /// Judges the network as it is delivered; its weights are saved in a file. `None` where it was stopped.
    pub(super) fn validate(
        &mut self,
        photos: &Arc<Photos>,
        weights: &Path,
        stop: &CancelToken,
    ) -> Result<Option<Validated>> {
        let iou_before = self.position.validation_iou.clone();
        let network = self.steps.delivered()?;
        let seed = self.config.run.seed;
        let drawn = Arc::clone(photos).epoch(seed, EPOCH);
        let batch = NonZero::new(self.config.batch.size).unwrap_or(NonZero::<usize>::MIN);
        let plan = Plan { threads: threads(&self.config), keep_last: true, ..Plan::new(batch) };
        let (mut sum, mut count) = (0.0, 0usize);
        self.position.validation_iou.begin_epoch();
        for prepared in Loader::start(drawn, self.config.validation_options(), plan)? {
            let prepared = prepared?;
            if stop.is_cancelled() {
                self.position.validation_iou = iou_before;
                return Ok(None);
            }
            let (number, samples) = (prepared.number as u64, prepared.samples.len());
            let judged = self.steps.judge(&network, prepared.samples, [EPOCH, number])?;
            let Some(Judged { losses, probabilities, targets }) = judged else { continue };
            sum += losses.iter().sum::<f64>();
            count += losses.len();
            let pixels = probabilities.len() / samples.max(1);
            self.position.validation_iou.update(&probabilities, &targets, pixels);
        }
        let objects = self.config.validation.noc_objects;
        let clicks = self.clicks(photos, weights, objects, stop)?;
        if stop.is_cancelled() {
            self.position.validation_iou = iou_before;
            return Ok(None);
        }
        let iou = self.position.validation_iou.epoch_value();
        Ok(Some(Validated { loss: sum / count.max(1) as f64, iou, clicks }))
    }

    /// Mean number of clicks until the IoU is good enough, over some objects, always the same: one of each
    /// photo, as long as there are enough photos. `None` where there is no object, or it was stopped.
    fn clicks(
        &self,
        photos: &Photos,
        weights: &Path,
        objects: usize,
        stop: &CancelToken,
    ) -> Result<Option<f64>> {
        if objects == 0 {
            return Ok(None);
        }
        let checkpoint = Checkpoint::open(weights, ExtraKeys::Refuse)?;
        let Some(device) = self.config.run.devices()?.into_iter().next() else { return Ok(None) };
        let device = device.open()?;
        let segmenter = Segmenter::from_checkpoint(checkpoint, device)?;
        let settings = Settings {
            max_clicks: self.config.validation.noc_clicks,
            target_iou: self.config.validation.noc_iou,
            ..Settings::for_network(segmenter.architecture())
        };
        let threshold = self.config.validation.noc_iou;
        let (mut sum, mut count) = (0usize, 0usize);
        let set = photos.set();
        let seed = self.config.run.seed;
        let order = shuffled(set.len(), seed);
        // First an object of each photo, then a second one.
        'rounds: for round in 0.. {
            let mut any = false;
            for photo in &order {
                if count >= objects || stop.is_cancelled() {
                    break 'rounds;
                }
                let mut drawn = Stream::new(seed, EPOCH, *photo as u64, Purpose::Reading);
                // What cannot be read was told before anything was trained.
                let Ok(labelled) = set.read(*photo, &mut drawn) else { continue };
                let Some(truth) = truth(&labelled, round) else { continue };
                any = true;
                let least = self.config.validation.min_object_area;
                let area = truth.labels().iter().filter(|label| **label == Label::Object).count();
                if area < least.max(1) {
                    continue;
                }
                let Ok(sample) = Sample::new(labelled.photo, truth) else { continue };
                let options = settings.options(Layout::Folder)?;
                let result = evaluate(&segmenter, sample, options, &settings)?;
                sum += clicks_needed(&result.iou, threshold, settings.max_clicks);
                count += 1;
            }
            if !any {
                break;
            }
        }
        Ok((count > 0 && !stop.is_cancelled()).then(|| sum as f64 / count as f64))
    }
}

/// One object of a photo as the simulated user knows it.
fn truth(labelled: &LabelledPhoto, object: usize) -> Option<Truth> {
    let region = labelled.objects.get(object)?.region;
    let layer = labelled.layers.get(region.layer)?;
    let (width, height) = layer.dimensions();
    let mut labels: Vec<Label> =
        layer.pixels().map(|pixel| Label::object_where(pixel.0[0] == region.value)).collect();
    for ignored in &labelled.ignored {
        let Some(layer) = labelled.layers.get(ignored.layer) else { continue };
        for (label, pixel) in labels.iter_mut().zip(layer.pixels()) {
            if pixel.0[0] == ignored.value && *label == Label::Background {
                *label = Label::Ignore;
            }
        }
    }
    let size = fbrs::Size { height: height as usize, width: width as usize };
    Truth::new(size, labels)
}

//! Judging a network between epochs: losses and IoU over samples that are always the same, and clicks
//! counted by the simulated user.

use std::num::NonZero;
use std::sync::Arc;

use fbrs::{DeviceChoice, Segmenter};
use fbrs_data::annotations::{Label, Truth};
use fbrs_data::sets::{Layout, Sample};
use fbrs_data::training::LabelledPhoto;
use fbrs_eval::{Settings, clicks_needed, evaluate};
use fbrs_samples::{Loader, Photos, Plan, Purpose, Stream};
use fbrs_weights::{Checkpoint, ExtraKeys};

use super::Training;
use super::step::Judged;
use super::watch::Validated;
use crate::Result;
use crate::state::CheckpointFiles;

/// The epoch whose samples are judged, always: none of training has this number.
const EPOCH: u64 = u64::MAX;

impl Training {
    /// Judges the network as it is delivered. The weights of `epoch` are saved by now.
    pub(super) fn validate(&mut self, photos: &Arc<Photos>, epoch: u64) -> Result<Validated> {
        let network = self.steps.delivered()?;
        let seed = self.config.run.seed;
        let drawn = Arc::clone(photos).epoch(seed, EPOCH);
        let batch = NonZero::new(self.config.batch.size).unwrap_or(NonZero::<usize>::MIN);
        let plan = Plan { threads: self.threads(), keep_last: true, ..Plan::new(batch) };
        let (mut sum, mut count) = (0.0, 0usize);
        self.position.validation_iou.begin_epoch();
        for prepared in Loader::start(drawn, self.config.validation_options(), plan)? {
            let prepared = prepared?;
            let (number, samples) = (prepared.number as u64, prepared.samples.len());
            let judged = self.steps.judge(&network, prepared.samples, [EPOCH, number])?;
            let Some(Judged { loss, probabilities, targets }) = judged else { continue };
            sum += loss * samples as f64;
            count += samples;
            let pixels = probabilities.len() / samples.max(1);
            self.position.validation_iou.update(&probabilities, &targets, pixels);
        }
        let clicks = match self.config.validation.noc_objects {
            0 => None,
            objects => Some(self.clicks(photos, epoch, objects)?),
        };
        let iou = self.position.validation_iou.epoch_value();
        Ok(Validated { loss: sum / count.max(1) as f64, iou, clicks })
    }

    /// Mean number of clicks until the IoU is good enough, over the first objects.
    fn clicks(&self, photos: &Photos, epoch: u64, objects: usize) -> Result<f64> {
        let files = CheckpointFiles::new(&self.folder.checkpoints());
        let checkpoint = Checkpoint::open(files.weights(epoch), ExtraKeys::Refuse)?;
        let device = self.config.run.device.parse::<DeviceChoice>();
        let device = device.map_err(|error| crate::Error::Device(error.to_string()))?.open()?;
        let segmenter = Segmenter::from_checkpoint(checkpoint, device)?;
        let settings = Settings {
            max_clicks: self.config.validation.noc_clicks,
            ..Settings::for_network(segmenter.architecture())
        };
        let threshold = self.config.validation.noc_iou;
        let (mut sum, mut count) = (0usize, 0usize);
        let set = photos.set();
        'photos: for photo in 0..set.len() {
            let (seed, number) = (self.config.run.seed, photo as u64);
            let mut drawn = Stream::new(seed, EPOCH, number, Purpose::Reading);
            let Ok(labelled) = set.read(photo, &mut drawn) else { continue };
            for object in 0..labelled.objects.len() {
                if count >= objects {
                    break 'photos;
                }
                let Some(truth) = truth(&labelled, object) else { continue };
                if truth.is_empty() {
                    continue;
                }
                let Ok(sample) = Sample::new(labelled.photo.clone(), truth) else { continue };
                let options = settings.options(Layout::Folder)?;
                let result = evaluate(&segmenter, sample, options, &settings)?;
                sum += clicks_needed(&result.iou, threshold, settings.max_clicks);
                count += 1;
            }
        }
        Ok(sum as f64 / count.max(1) as f64)
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

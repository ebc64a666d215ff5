//! A run on the disk: weights that are used like any others, and what it takes to go on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_models::ParameterSource;
use fbrs_samples::TrainingPoint;
use fbrs_weights::{Precision, Provenance, save_native};

use super::pool::{Live, Pool};
use super::{Event, Training};
use crate::average::Average;
use crate::learner::{Learner, read};
use crate::optimizer::Moments;
use crate::state::{
    CheckpointFiles, ParameterState, Position, TrainingState, Waiting, check_parameters,
};
use crate::{Error, Result};

impl Training {
    /// Saves the pair of files of an epoch.
    pub(super) fn save(&mut self, epoch: u64) -> Result<()> {
        let files = CheckpointFiles::new(&self.folder.checkpoints());
        self.save_weights(&files.weights(epoch))?;
        let learner = &self.steps.learner;
        let log = self.log.position()?;
        let waiting = self.pool.as_ref().map(Pool::waiting).unwrap_or_default();
        let (at_once, loss_scale) = (self.steps.at_once(), learner.scale);
        let position = Position { log, waiting, at_once, loss_scale, ..self.position.clone() };
        let state = TrainingState { position, parameters: parameters(learner)? };
        state.save(&files.training(epoch))?;
        files.tidy(&self.config.checkpoints, epoch, self.position.best.epoch())
    }

    /// Saves the network as it is delivered: the moving average where there is one.
    pub(super) fn save_weights(&self, path: &Path) -> Result<()> {
        let Learner { network, average, .. } = &self.steps.learner;
        let (architecture, scaling) = (network.architecture(), &self.steps.scaling());
        let provenance = Provenance::default();
        let mut learned: Box<dyn ParameterSource + '_> = match average {
            Some(average) => Box::new(average.source(network)),
            None => Box::new(network.learned()),
        };
        let precision = Precision::F32;
        Ok(save_native(path, &mut *learned, architecture, scaling, precision, &provenance)?)
    }

    /// Goes on where a run was saved. The network has the saved values.
    pub(super) fn restore(&mut self, states: &BTreeMap<String, ParameterState>) -> Result<()> {
        let learner = &mut self.steps.learner;
        let expected = learner.network.parameters().iter();
        check_parameters(states, expected.map(|own| (own.name(), own.shape())))?;
        restore(learner, states)?;
        if let Some(average) = &mut learner.average {
            average.steps = self.position.step;
        }
        self.refill()
    }

    /// Makes the samples that come again, with the clicks that they had.
    fn refill(&mut self) -> Result<()> {
        let Some(mut pool) = self.pool.take() else { return Ok(()) };
        for waiting in std::mem::take(&mut self.position.waiting) {
            let Waiting { epoch, position, given, points } = waiting;
            let drawn = Arc::clone(&self.data.training).epoch(self.config.run.seed, epoch);
            let (mut sample, _) = drawn.sample(position as usize, &self.config.samples)?;
            let point = |(row, col, order)| TrainingPoint { row, col, order };
            sample.points = points.into_iter().map(|slot| slot.map(point)).collect();
            let mut told = Vec::new();
            let taps = self.taps(&sample, &mut |event| told.push(event))?;
            self.remarks.extend(told.into_iter().filter_map(|event| match event {
                Event::Remark(text) => Some(text),
                _ => None,
            }));
            pool.live.push(Live { sample, taps, epoch, position, given });
        }
        self.pool = Some(pool);
        Ok(())
    }
}

fn parameters(learner: &Learner) -> Result<BTreeMap<String, ParameterState>> {
    let mut moments = learner.optimization.moments()?;
    let mut states = BTreeMap::new();
    for parameter in learner.network.parameters() {
        let name = parameter.name();
        let Moments { steps, first, second } = moments.remove(name).unwrap_or_default();
        let average = learner.average.as_ref().and_then(|average| average.values.get(name));
        let state = ParameterState {
            shape: parameter.shape().to_vec(),
            value: read(parameter.value())?,
            steps,
            first,
            second,
            average: average.map_or_else(|| Ok(Vec::new()), |value| read(value.clone()))?,
        };
        states.insert(name.to_owned(), state);
    }
    Ok(states)
}

fn restore(learner: &mut Learner, states: &BTreeMap<String, ParameterState>) -> Result<()> {
    let device = learner.network.device().clone();
    let mut moments = BTreeMap::new();
    for parameter in learner.network.parameters() {
        let Some(state) = states.get(parameter.name()) else { continue };
        if !state.first.is_empty() {
            let ParameterState { steps, first, second, .. } = state.clone();
            moments.insert(parameter.name().to_owned(), Moments { steps, first, second });
        }
        if let Some(Average { values, .. }) = &mut learner.average
            && let Some(value) = values.get_mut(parameter.name())
        {
            if state.average.is_empty() {
                let name = parameter.name();
                let reason = format!("the training file has no moving average of {name}");
                return Err(Error::Resume(reason));
            }
            *value = tensor(&state.average, &device);
        }
    }
    learner.optimization.restore(moments, &device)?;
    Ok(())
}

fn tensor(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::tensor::{Tensor, TensorData, TensorReadError};
use fbrs_clicks::{Click, CropSpace};
use fbrs_models::{Cut, CutState, Network};

use crate::frame::{Frame, FrameId};
use crate::lbfgs::{Evaluation, Lbfgs, LbfgsError};
use crate::logits::Logits;
use crate::objective::{Discs, logit, mean_iou};
use crate::options::RefineOptions;
use crate::patches::Patches;
use crate::variables::Variables;
use crate::watch::{ClickTrace, Progress, Watch};

/// Why a click has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefineError {
    /// The watcher said so; the state before the click still holds.
    #[error("the click was cancelled")]
    Cancelled,
    /// The objective is not finite where refinement starts.
    #[error("refinement: {0}; the network's answer is not finite")]
    Optimizer(#[from] LbfgsError),
    /// The network's answer could not be computed or read: the device ran out of memory, or failed.
    #[error(
        "the device failed (a smaller maximum size of the image needs less of its memory): {0}"
    )]
    Device(String),
}

impl From<TensorReadError> for RefineError {
    fn from(error: TensorReadError) -> Self {
        Self::Device(error.to_string())
    }
}

/// What refinement carries from click to click of one object. Cloning is cheap: snapshots share
/// features and z.
#[derive(Debug, Clone, Default)]
pub struct RefineState {
    z: Arc<Vec<f64>>,
    frame: Option<FrameId>,
    /// Features at the cut, kept once later clicks no longer go into the network.
    pub(crate) features: Option<CutState>,
}

impl RefineState {
    /// The refined quantity: per channel a scale then per channel a bias (f-BRS), or an offset
    /// `[crops, channels, height, width]` (RGB-BRS, DistMap-BRS); empty before the first refinement.
    pub fn z(&self) -> &[f64] {
        &self.z
    }
}

/// The answer to a click.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Logits of every image of the batch.
    pub logits: Logits,
    /// What the next click starts from.
    pub state: RefineState,
    /// How it came about.
    pub trace: ClickTrace,
}

/// Answers clicks with a network and a mode of refinement.
#[derive(Debug, Clone, Copy)]
pub struct Refiner<'a> {
    network: &'a Network,
    norm_radius: f32,
    options: &'a RefineOptions,
}

impl<'a> Refiner<'a> {
    /// `norm_radius`: of the distance maps, in pixels of the crop.
    pub fn new(network: &'a Network, norm_radius: f32, options: &'a RefineOptions) -> Self {
        Self { network, norm_radius, options }
    }

    /// Answers the last of `clicks`: per crop of the frame, all clicks in time order.
    ///
    /// # Errors
    /// See [`RefineError`]; `state` stays valid.
    pub fn click(
        &self,
        frame: &Frame,
        clicks: &[Vec<Click<CropSpace>>],
        state: &RefineState,
        watch: &mut Watch<'_>,
    ) -> Result<Answer, RefineError> {
        let count = clicks.first().map_or(0, Vec::len);
        let limit = self.options.net_clicks_limit();
        let mut trace = ClickTrace::default();
        let started = Instant::now();
        let cut = self.options.mode.cut();
        let told_all = limit.is_none_or(|limit| count <= limit);
        let features = state.features.as_ref();
        let cached = features.filter(|_| !told_all && state.frame == Some(frame.id()));
        trace.cached_features = cached.is_some();
        let at_cut = match cached {
            Some(features) => features.clone(),
            None => {
                let maps = frame.maps(clicks, limit, self.norm_radius);
                self.network.run_to(cut.unwrap_or(Cut::Image), frame.image(), maps)
            }
        };
        trace.backbone = started.elapsed();
        let Some(cut) = cut else {
            let logits = timed(&mut trace.head_forward, || self.plain(at_cut, frame))?;
            return Ok(Answer { logits, state: RefineState::default(), trace });
        };

        let variables = Variables::at(cut, at_cut.features().dims()[1], frame);
        let keeps_z = state.z.len() == variables.len()
            && (variables.survive_frames() || state.frame == Some(frame.id()));
        let mut z = if keeps_z { state.z.clone() } else { Arc::new(vec![0.0; variables.len()]) };
        let refines = count > self.options.optimize_after && self.options.max_evaluations > 0;
        let logits = if refines {
            let started = Instant::now();
            let discs = Discs::new(frame, clicks, self.options.discs);
            let mut search = Search {
                refiner: self,
                frame,
                at_cut: &at_cut,
                variables,
                discs,
                patches: None,
                last_mask: None,
                best: None,
                deadline: self.options.max_time.map(|time| started + time),
                trace: &mut trace,
                watch,
            };
            let minimum = Lbfgs::new()
                .with_max_evaluations(self.options.max_evaluations)
                .minimize(z.to_vec(), |z| search.evaluate(z))?;
            let best = search.best.map(|(_, logits)| logits);
            z = Arc::new(minimum.point);
            let parts = trace.head_forward + trace.head_backward + trace.objective;
            trace.optimizer = started.elapsed().saturating_sub(parts);
            best
        } else {
            None
        };
        let logits = match logits {
            Some(logits) => logits,
            None => timed(&mut trace.head_forward, || {
                let features = at_cut.features().clone();
                let features = if z.iter().any(|&z| z != 0.0) {
                    let leaf = variables.upload(&z, &features.device(), false);
                    variables.apply(&leaf, features, self.options.scale_activation)
                } else {
                    features
                };
                self.plain(at_cut.with_features(features), frame)
            })?,
        };
        trace.z_norm = z.iter().map(|z| z * z).sum::<f64>().sqrt();
        // An earlier cut holds what the network is told, and that is cheap to make again.
        let later_clicks_reuse = cut >= Cut::Early && limit.is_some_and(|limit| count >= limit);
        let features = later_clicks_reuse.then_some(at_cut);
        let state = RefineState { z, frame: Some(frame.id()), features };
        Ok(Answer { logits, state, trace })
    }

    fn plain(&self, at_cut: CutState, frame: &Frame) -> Result<Logits, RefineError> {
        Ok(Logits::read(self.network.run_from_to_stride(at_cut), frame.size())?)
    }
}

/// The search for one click's z.
pub(crate) struct Search<'s, 'w> {
    pub(crate) refiner: &'s Refiner<'s>,
    pub(crate) frame: &'s Frame,
    pub(crate) at_cut: &'s CutState,
    pub(crate) variables: Variables,
    pub(crate) discs: Discs,
    /// Made with the first gradient; the inner `None` says that the whole map is cheaper.
    pub(crate) patches: Option<Option<Patches>>,
    pub(crate) last_mask: Option<Vec<bool>>,
    pub(crate) best: Option<(f64, Logits)>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) trace: &'s mut ClickTrace,
    pub(crate) watch: &'s mut Watch<'w>,
}

impl Search<'_, '_> {
    pub(crate) fn evaluate(&mut self, z: &[f64]) -> Result<Evaluation, RefineError> {
        let options = self.refiner.options;
        let network = self.refiner.network;
        let features = self.at_cut.features();
        let neighborhood = network.neighborhood(self.at_cut.cut());
        // Where patches give the gradient, the whole map runs without being tracked.
        let whole_is_tracked = neighborhood.is_none() || matches!(self.patches, Some(None));
        let (leaf, tracked, logits) = timed(&mut self.trace.head_forward, || {
            let leaf = self.variables.upload(z, &features.device(), whole_is_tracked);
            let refined = self.variables.apply(&leaf, features.clone(), options.scale_activation);
            let tracked = network.run_from_to_stride(self.at_cut.with_features(refined));
            let logits = Logits::read(tracked.clone().inner(), self.frame.size())?;
            Ok::<_, RefineError>((leaf, tracked, logits))
        })?;

        let started = Instant::now();
        let (value, ended) = self.judge(z, &logits);
        self.trace.objective += started.elapsed();
        self.trace.losses.push(value);
        let progress =
            Progress { evaluation: self.trace.losses.len(), loss: value, logits: &logits };
        if let ControlFlow::Break(()) = self.watch.see(&progress) {
            return Err(RefineError::Cancelled);
        }
        let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let gradient = if ended || late {
            vec![0.0; z.len()]
        } else {
            let started = Instant::now();
            let at_logits = self.discs.gradient(&logits);
            if !whole_is_tracked && self.patches.is_none() {
                let radius = neighborhood.unwrap_or_default();
                self.patches = Some(Patches::new(self.at_cut, &self.discs, &logits, radius));
            }
            let mut gradient = match (&self.patches, whole_is_tracked) {
                (Some(Some(patches)), _) => self.patch_gradient(z, patches, &at_logits)?,
                (_, true) => self.whole_gradient(&leaf, tracked, at_logits, z.len())?,
                (_, false) => {
                    let leaf = self.variables.upload(z, &features.device(), true);
                    let refined =
                        self.variables.apply(&leaf, features.clone(), options.scale_activation);
                    let tracked = network.run_from_to_stride(self.at_cut.with_features(refined));
                    self.whole_gradient(&leaf, tracked, at_logits, z.len())?
                }
            };
            self.variables.add_regularization_gradient(z, options, &mut gradient);
            self.trace.head_backward += started.elapsed();
            gradient
        };
        if self.best.as_ref().is_none_or(|(best, _)| value < *best) {
            self.best = Some((value, logits));
        }
        Ok(Evaluation { value, gradient })
    }

    /// The objective's value, and whether an ending test holds.
    fn judge(&mut self, z: &[f64], logits: &Logits) -> (f64, bool) {
        let options = self.refiner.options;
        let agreement = self.discs.agreement(logits, f64::from(options.threshold));
        let value = agreement.loss + self.variables.regularization(z, options);
        if agreement.all_agree {
            return (value, true);
        }
        if options.min_iou_diff <= 0.0 {
            return (value, false);
        }
        let mask = logits.mask(logit(options.threshold));
        let unchanged = self
            .last_mask
            .as_ref()
            .and_then(|last| mean_iou(&mask, last, self.frame.size().area()))
            .is_some_and(|iou| iou > 1.0 - options.min_iou_diff);
        if !unchanged {
            self.last_mask = Some(mask);
        }
        (value, unchanged)
    }

    fn whole_gradient(
        &self,
        leaf: &crate::variables::Leaf,
        tracked: Tensor<4>,
        at_logits: Vec<f32>,
        len: usize,
    ) -> Result<Vec<f64>, RefineError> {
        let at_logits = TensorData::new(at_logits, tracked.dims());
        let at_logits = Tensor::from_data(at_logits, &tracked.device().inner());
        Ok(leaf.gradient(&(tracked * at_logits).sum().backward(), len)?)
    }

    fn patch_gradient(
        &self,
        z: &[f64],
        patches: &Patches,
        at_logits: &[f32],
    ) -> Result<Vec<f64>, RefineError> {
        let refiner = self.refiner;
        let features = patches.at_cut().features();
        let leaf = self.variables.upload(z, &features.device(), true);
        let refined =
            self.variables.apply(&leaf, features.clone(), refiner.options.scale_activation);
        let tracked = refiner.network.run_from_to_stride(patches.at_cut().with_features(refined));
        Ok(leaf.gradient(&(tracked * patches.gather(at_logits)).sum().backward(), z.len())?)
    }
}

fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    *total += started.elapsed();
    done
}

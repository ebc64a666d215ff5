use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fbrs_clicks::{Click, CropSpace, DiscRule};
use fbrs_models::{Cut, CutState, Interrupt, Network};

use crate::error::RefineError;
use crate::frame::{Frame, KEPT_FEATURES};
use crate::logits::Logits;
use crate::options::RefineOptions;
use crate::search::{self, Search};
use crate::state::{self, RefineState};
use crate::trace::ClickTrace;
use crate::variables::Variables;
use crate::watch::{Progress, Watch};

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
    pub(crate) network: &'a Network,
    encoding: ClickEncoding,
    pub(crate) options: &'a RefineOptions,
    previous: Option<&'a [Vec<f32>]>,
}

/// What clicks become for a network.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ClickEncoding {
    DistanceMaps {
        norm_radius: f32,
    },
    /// In pixels of the crop.
    Discs {
        radius: f32,
    },
}

/// What is told of one click: where it is looked at, and all clicks up to it.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) frame: &'a Frame,
    /// Per crop, in time order.
    pub(crate) clicks: &'a [Vec<Click<CropSpace>>],
    /// Per crop, the probabilities that the clicks before were answered with.
    pub(crate) previous: Option<&'a [Vec<f32>]>,
}

/// The network's states at a cut, one per part of the frame; `None` where a part's is made anew
/// whenever it is needed.
#[derive(Debug)]
pub(crate) struct AtCut {
    pub(crate) cut: Cut,
    pub(crate) channels: usize,
    parts: Vec<Option<CutState>>,
}

impl<'a> Refiner<'a> {
    /// `norm_radius`: by which distance maps are normalized, or that discs have; in pixels of the
    /// crop.
    pub fn new(network: &'a Network, norm_radius: f32, options: &'a RefineOptions) -> Self {
        let discs = network.architecture().guidance().is_some_and(|guidance| guidance.discs);
        let encoding = match discs {
            true => ClickEncoding::Discs { radius: norm_radius },
            false => ClickEncoding::DistanceMaps { norm_radius },
        };
        Self { network, encoding, options, previous: None }
    }

    /// The same for a click before which others were answered: per crop of the frame the
    /// probabilities of that answer, `height · width` of them. Networks of RITM's kind see them; for
    /// others nothing changes.
    #[must_use]
    pub fn seeing(self, previous: &'a [Vec<f32>]) -> Self {
        let sees = self.network.architecture().sees_previous_mask();
        Self { previous: Some(previous).filter(|_| sees), ..self }
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
        let told = Told { frame, clicks, previous: self.previous };
        match self.options.mode.cut() {
            Some(cut) => self.refined(told, cut, state, watch),
            None => self.unrefined(told, watch),
        }
    }

    /// The network's plain answer.
    fn unrefined(&self, told: Told<'_>, watch: &mut Watch<'_>) -> Result<Answer, RefineError> {
        let mut trace = ClickTrace::default();
        let interrupt = watch.interrupt();
        let mut logits = Vec::new();
        watch.see(&Progress::Features { cached: false });
        for part in told.frame.parts() {
            let fused =
                timed(&mut trace.backbone, || self.run_to(Cut::Early, told, part, &interrupt))?;
            let plain = || self.run_from(&fused, told.frame, &interrupt);
            logits.push(timed(&mut trace.head_forward, plain)?);
        }
        let logits = Logits::joined(logits, told.frame);
        finish(&logits, watch)?;
        Ok(Answer { logits, state: RefineState::default(), trace })
    }

    fn refined(
        &self,
        told: Told<'_>,
        cut: Cut,
        state: &RefineState,
        watch: &mut Watch<'_>,
    ) -> Result<Answer, RefineError> {
        let frame = told.frame;
        let count = told.clicks.first().map_or(0, Vec::len);
        let limit = self.options.net_clicks_limit();
        let mut trace = ClickTrace::default();
        let told_all = limit.is_none_or(|limit| count <= limit);
        let same_frame = state.frame == Some(frame.id());
        let cached = state.features.as_ref().filter(|_| !told_all && same_frame);
        trace.cached_features = cached.is_some();
        let interrupt = watch.interrupt();
        let at_cut = timed(&mut trace.backbone, || match cached {
            Some(features) => Ok(AtCut {
                cut,
                channels: self.network.channels_at(cut),
                parts: features.iter().cloned().map(Some).collect(),
            }),
            None => self.at_cut(cut, told, &interrupt),
        })?;
        watch.see(&Progress::Features { cached: trace.cached_features });

        let variables = Variables::at(cut, at_cut.channels, frame);
        let keeps_z =
            state.z.len() == variables.len() && (variables.survive_frames() || same_frame);
        let mut z = if keeps_z { state.z.clone() } else { Arc::new(vec![0.0; variables.len()]) };
        let refines = count > self.options.optimize_after && self.options.max_evaluations > 0;
        let logits = if refines {
            let searching = Instant::now();
            let search = Search::new(self, told, &at_cut, variables, &mut trace, watch);
            let found = search::run(search, z.to_vec())?;
            z = Arc::new(found.z);
            trace.ending = Some(found.ending);
            let parts = trace.head_forward + trace.head_backward + trace.objective;
            trace.optimizer = searching.elapsed().saturating_sub(parts);
            if watch.interrupt().is_due() {
                return Err(RefineError::Cancelled);
            }
            found.logits
        } else {
            let moved = z.iter().any(|&z| z != 0.0);
            let mut logits = Vec::new();
            for part in frame.parts() {
                let plain = || {
                    let at_cut = self.part(&at_cut, told, part.clone(), &interrupt)?;
                    let (variables, range) = variables.of_part(&part);
                    let z = z.get(range).filter(|_| moved);
                    let refined = z.map(|z| {
                        let features = at_cut.features().clone();
                        let leaf = variables.upload(z, &features.device(), false);
                        variables.apply(&leaf, features, self.options.scale_activation)
                    });
                    let at_cut =
                        refined.map(|refined| at_cut.with_features(refined)).unwrap_or(at_cut);
                    self.run_from(&at_cut, frame, &interrupt)
                };
                logits.push(timed(&mut trace.head_forward, plain)?);
            }
            let logits = Logits::joined(logits, frame);
            finish(&logits, watch)?;
            logits
        };
        trace.z_norm = z.iter().map(|z| z * z).sum::<f64>().sqrt();
        // An earlier cut holds what the network is told, and that is cheap to make again.
        let later_clicks_reuse = cut >= Cut::Early && limit.is_some_and(|limit| count >= limit);
        // Features hold the previous mask. As published, later clicks are answered with the one that
        // was current when they were made.
        let sees_mask = self.network.architecture().sees_previous_mask();
        let reference = self.options.discs == DiscRule::Reference;
        let reuses = later_clicks_reuse && (!sees_mask || reference);
        let features = if reuses { at_cut.all() } else { None };
        let state =
            RefineState { z, frame: Some(frame.id()), features, features_matter: sees_mask };
        Ok(Answer { logits, state, trace })
    }

    /// Runs every part up to the cut; the states are kept while they are not too large together.
    pub(crate) fn at_cut(
        &self,
        cut: Cut,
        told: Told<'_>,
        interrupt: &Interrupt,
    ) -> Result<AtCut, RefineError> {
        let count = told.frame.parts().len();
        let mut parts = Vec::with_capacity(count);
        for part in told.frame.parts() {
            let state = self.run_to(cut, told, part, interrupt)?;
            if parts.is_empty() && state::bytes(&state).saturating_mul(count) > KEPT_FEATURES {
                parts = vec![None; count];
                break;
            }
            parts.push(Some(state));
        }
        Ok(AtCut { cut, channels: self.network.channels_at(cut), parts })
    }

    /// The state of one part, kept or made anew.
    pub(crate) fn part(
        &self,
        at_cut: &AtCut,
        told: Told<'_>,
        part: Range<usize>,
        interrupt: &Interrupt,
    ) -> Result<CutState, RefineError> {
        let index = told.frame.parts().position(|known| known == part);
        match index.and_then(|index| at_cut.parts.get(index)) {
            Some(Some(state)) => Ok(state.clone()),
            _ => self.run_to(at_cut.cut, told, part, interrupt),
        }
    }

    fn run_to(
        &self,
        cut: Cut,
        told: Told<'_>,
        part: Range<usize>,
        interrupt: &Interrupt,
    ) -> Result<CutState, RefineError> {
        let limit = self.options.net_clicks_limit();
        let input = || told.frame.click_input(part.clone(), told, limit, self.encoding);
        if cut == Cut::Image {
            let image = told.frame.image(part.clone());
            return Ok(interrupt.run(|| self.network.at_image(image, input()))?);
        }
        let image = told.frame.image_features(self.network, part.clone(), interrupt)?;
        Ok(interrupt.run(|| self.network.run_to(cut, &image, input()))?)
    }

    fn run_from(
        &self,
        at_cut: &CutState,
        frame: &Frame,
        interrupt: &Interrupt,
    ) -> Result<Logits, RefineError> {
        let run = || {
            let logits = self.network.run_from_to_stride(at_cut.clone());
            Logits::read(logits, frame.size())
        };
        Ok(interrupt.run(run)??)
    }
}

impl AtCut {
    /// The states of all parts, where all are kept.
    fn all(self) -> Option<Arc<[CutState]>> {
        self.parts.into_iter().collect::<Option<Vec<_>>>().map(Arc::from)
    }
}

/// Shows a plain answer, and refuses what no mask can be made of.
fn finish(logits: &Logits, watch: &mut Watch<'_>) -> Result<(), RefineError> {
    logits.check()?;
    watch.see(&Progress::Plain { logits });
    if watch.interrupt().is_due() { Err(RefineError::Cancelled) } else { Ok(()) }
}

pub(crate) fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    *total += started.elapsed();
    done
}

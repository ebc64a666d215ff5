//! The search for one click's z.

use std::ops::Range;
use std::time::Instant;

use burn::tensor::{Tensor, TensorData};
use fbrs_models::{CutState, Interrupt};

use crate::error::RefineError;
use crate::lbfgs::{Evaluation, Lbfgs, LbfgsError};
use crate::logits::Logits;
use crate::objective::{Discs, logit, mean_iou};
use crate::patches::Patches;
use crate::refiner::{AtCut, Refiner, Told};
use crate::trace::{ClickTrace, Ending};
use crate::variables::{Leaf, Variables};
use crate::watch::{Progress, Watch};

/// What a search came to.
pub(crate) struct Found {
    pub(crate) z: Vec<f64>,
    /// The best answer.
    pub(crate) logits: Logits,
    pub(crate) ending: Ending,
}

pub(crate) struct Search<'s, 'w> {
    refiner: &'s Refiner<'s>,
    told: Told<'s>,
    at_cut: &'s AtCut,
    variables: Variables,
    discs: Discs,
    /// Per part of the frame; filled with the first gradient.
    gradients: Vec<Way>,
    last_mask: Option<Vec<bool>>,
    best: Option<Best>,
    ending: Option<Ending>,
    deadline: Option<Instant>,
    trace: &'s mut ClickTrace,
    watch: &'s mut Watch<'w>,
}

struct Best {
    value: f64,
    logits: Logits,
    z: Vec<f64>,
}

/// How a part's gradient is computed.
pub(crate) enum Way {
    /// There is no disc in it.
    None,
    /// Where the rest of the network sees a neighborhood alone: not yet known.
    Unknown,
    /// From the whole of the features.
    Whole,
    /// From patches around the discs.
    Patches(Box<Patches>),
}

/// One part's run forward.
struct Forward {
    leaf: Leaf,
    tracked: Tensor<4>,
}

/// What ends a search from inside.
enum Stop {
    /// The time is used up: the best answer so far holds.
    Time,
    Failed(RefineError),
}

impl From<LbfgsError> for Stop {
    fn from(error: LbfgsError) -> Self {
        Self::Failed(error.into())
    }
}

/// Searches from `z`.
pub(crate) fn run(mut search: Search<'_, '_>, z: Vec<f64>) -> Result<Found, RefineError> {
    let minimizer = Lbfgs::new().with_max_evaluations(search.refiner.options.max_evaluations);
    let minimum = minimizer.minimize(z, |z| {
        let evaluated = search.evaluate(z).map_err(|error| match error {
            RefineError::Cancelled if search.is_late() => Stop::Time,
            error => Stop::Failed(error),
        })?;
        if search.is_late() { Err(Stop::Time) } else { Ok(evaluated) }
    });
    if let Err(Stop::Failed(error)) = minimum {
        return Err(error);
    }
    let best = search.best.ok_or(RefineError::NotFinite)?;
    best.logits.check()?;
    Ok(match minimum {
        Ok(minimum) => Found {
            z: minimum.point,
            logits: best.logits,
            ending: search.ending.unwrap_or_else(|| minimum.ending.into()),
        },
        // Nobody knows where the iteration stood: the best point is as good a start.
        Err(_) => Found { z: best.z, logits: best.logits, ending: Ending::Time },
    })
}

impl<'s, 'w> Search<'s, 'w> {
    pub(crate) fn new(
        refiner: &'s Refiner<'s>,
        told: Told<'s>,
        at_cut: &'s AtCut,
        variables: Variables,
        trace: &'s mut ClickTrace,
        watch: &'s mut Watch<'w>,
    ) -> Self {
        let options = refiner.options;
        let discs = Discs::new(told.frame, told.clicks, options.discs);
        let local = refiner.network.neighborhood(at_cut.cut).is_some();
        let way = |part: Range<usize>| {
            let touched = told.frame.images(part).any(|image| discs.touch(image));
            match (touched, local) {
                (false, _) => Way::None,
                (true, true) => Way::Unknown,
                (true, false) => Way::Whole,
            }
        };
        Self {
            refiner,
            told,
            at_cut,
            variables,
            gradients: told.frame.parts().map(way).collect(),
            discs,
            last_mask: None,
            best: None,
            ending: None,
            // A duration too long for the clock is no limit.
            deadline: options.max_time.and_then(|time| watch.started.checked_add(time)),
            trace,
            watch,
        }
    }

    /// Computes every gradient from the whole of the features.
    #[cfg(test)]
    pub(crate) fn use_no_patches(&mut self) {
        for way in &mut self.gradients {
            if matches!(way, Way::Unknown) {
                *way = Way::Whole;
            }
        }
    }

    /// Whether there is an answer and no time for another.
    fn is_late(&self) -> bool {
        self.best.is_some() && self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// A search's first evaluation takes the time that it takes: there has to be an answer.
    fn interrupt(&self) -> Interrupt {
        self.watch.interrupt().from(self.deadline.filter(|_| self.best.is_some()))
    }

    pub(crate) fn evaluate(&mut self, z: &[f64]) -> Result<Evaluation, RefineError> {
        let parts = self.told.frame.parts().len();
        let (mut runs, mut logits) = (Vec::with_capacity(parts), Vec::with_capacity(parts));
        let started = Instant::now();
        for (index, part) in self.told.frame.parts().enumerate() {
            let (run, seen) = self.forward(index, part, z)?;
            runs.push(run);
            logits.push(seen);
        }
        let logits = Logits::joined(logits, self.told.frame);
        self.trace.head_forward += started.elapsed();

        let started = Instant::now();
        let (value, ending) = self.judge(z, &logits);
        self.trace.objective += started.elapsed();
        self.trace.losses.push(value);
        let number = self.trace.losses.len();
        self.watch.see(&Progress::Evaluation { number, loss: value, logits: &logits });
        if self.watch.interrupt().is_due() {
            return Err(RefineError::Cancelled);
        }
        let better = self.best.as_ref().is_none_or(|best| value < best.value);
        if better && value.is_finite() {
            self.best = Some(Best { value, logits: logits.clone(), z: z.to_vec() });
        }
        let gradient = match ending {
            // A gradient of zeros tells the optimizer that this point will do.
            Some(_) => vec![0.0; z.len()],
            None if self.is_late() => vec![0.0; z.len()],
            None => self.gradient(z, runs, &logits)?,
        };
        self.ending = ending;
        Ok(Evaluation { value, gradient })
    }

    /// Runs a part from the cut to the logits.
    fn forward(
        &self,
        index: usize,
        part: Range<usize>,
        z: &[f64],
    ) -> Result<(Option<Forward>, Logits), RefineError> {
        let interrupt = self.interrupt();
        let tracked = matches!(self.gradients.get(index), Some(Way::Whole));
        let at_cut = self.refiner.part(self.at_cut, self.told, part.clone(), &interrupt)?;
        let run = || {
            let (leaf, run) = self.run(&at_cut, &part, z, tracked);
            let logits = Logits::read(run.clone().inner(), self.told.frame.size())?;
            Ok::<_, RefineError>((tracked.then_some(Forward { leaf, tracked: run }), logits))
        };
        interrupt.run(run)?
    }

    /// A part's logits at stride 4, and z as it acts there.
    fn run(
        &self,
        at_cut: &CutState,
        part: &Range<usize>,
        z: &[f64],
        tracked: bool,
    ) -> (Leaf, Tensor<4>) {
        let features = at_cut.features();
        let (variables, range) = self.variables.of_part(part);
        let z = z.get(range).unwrap_or_default();
        let leaf = variables.upload(z, &features.device(), tracked);
        let activation = self.refiner.options.scale_activation;
        let refined = variables.apply(&leaf, features.clone(), activation);
        let logits = self.refiner.network.run_from_to_stride(at_cut.with_features(refined));
        (leaf, logits)
    }

    fn gradient(
        &mut self,
        z: &[f64],
        runs: Vec<Option<Forward>>,
        logits: &Logits,
    ) -> Result<Vec<f64>, RefineError> {
        let started = Instant::now();
        let at_logits = self.discs.gradient(logits);
        let interrupt = self.interrupt();
        let mut gradient = vec![0.0; z.len()];
        for ((index, part), run) in self.told.frame.parts().enumerate().zip(runs) {
            let way = self.gradients.get_mut(index).map(|way| std::mem::replace(way, Way::None));
            let way = way.unwrap_or(Way::None);
            if matches!(way, Way::None) {
                continue;
            }
            let at_cut = self.refiner.part(self.at_cut, self.told, part.clone(), &interrupt)?;
            let way = match way {
                Way::Unknown => self.best_way(&at_cut, part.clone(), logits),
                known => known,
            };
            let work = || match (&way, run) {
                (Way::Patches(patches), _) => self.patch_gradient(z, &part, patches, &at_logits),
                (_, Some(Forward { leaf, tracked })) => {
                    self.whole_gradient(&leaf, tracked, &part, &at_logits, logits)
                }
                (_, None) => {
                    let (leaf, tracked) = self.run(&at_cut, &part, z, true);
                    self.whole_gradient(&leaf, tracked, &part, &at_logits, logits)
                }
            };
            let of_part = interrupt.run(work)??;
            let (_, range) = self.variables.of_part(&part);
            for (sum, own) in gradient.get_mut(range).unwrap_or_default().iter_mut().zip(of_part) {
                *sum += own;
            }
            if let Some(place) = self.gradients.get_mut(index) {
                *place = way;
            }
        }
        self.variables.add_regularization_gradient(z, self.refiner.options, &mut gradient);
        self.trace.head_backward += started.elapsed();
        Ok(gradient)
    }

    fn best_way(&self, at_cut: &CutState, part: Range<usize>, logits: &Logits) -> Way {
        let Some(radius) = self.refiner.network.neighborhood(self.at_cut.cut) else {
            return Way::Whole;
        };
        let images: Vec<usize> = self.told.frame.images(part).collect();
        match Patches::new(at_cut, &self.discs, logits, &images, radius) {
            Some(patches) => Way::Patches(Box::new(patches)),
            None => Way::Whole,
        }
    }

    /// The objective's value, and the ending test that holds.
    fn judge(&mut self, z: &[f64], logits: &Logits) -> (f64, Option<Ending>) {
        let options = self.refiner.options;
        let agreement = self.discs.agreement(logits, f64::from(options.threshold));
        let value = agreement.loss + self.variables.regularization(z, options);
        if agreement.all_agree {
            return (value, Some(Ending::Agreed));
        }
        if options.min_iou_diff <= 0.0 {
            return (value, None);
        }
        let mask = logits.mask(logit(options.threshold));
        let unchanged = self
            .last_mask
            .as_ref()
            .and_then(|last| mean_iou(&mask, last, self.told.frame.size().area()))
            .is_some_and(|iou| iou > 1.0 - options.min_iou_diff);
        if unchanged {
            return (value, Some(Ending::Steady));
        }
        self.last_mask = Some(mask);
        (value, None)
    }

    fn whole_gradient(
        &self,
        leaf: &Leaf,
        tracked: Tensor<4>,
        part: &Range<usize>,
        at_logits: &[f32],
        logits: &Logits,
    ) -> Result<Vec<f64>, RefineError> {
        let area = logits.map_size().area();
        let images = self.told.frame.images(part.clone());
        let values: Vec<f32> = images
            .flat_map(|image| at_logits.get(image * area..(image + 1) * area).unwrap_or_default())
            .copied()
            .collect();
        let at_logits = TensorData::new(values, tracked.dims());
        let at_logits = Tensor::from_data(at_logits, &tracked.device().inner());
        let (variables, _) = self.variables.of_part(part);
        Ok(leaf.gradient(&(tracked * at_logits).sum().backward(), variables.len())?)
    }

    fn patch_gradient(
        &self,
        z: &[f64],
        part: &Range<usize>,
        patches: &Patches,
        at_logits: &[f32],
    ) -> Result<Vec<f64>, RefineError> {
        let (leaf, tracked) = self.run(patches.at_cut(), part, z, true);
        let (variables, _) = self.variables.of_part(part);
        let loss = (tracked * patches.gather(at_logits)).sum();
        Ok(leaf.gradient(&loss.backward(), variables.len())?)
    }
}

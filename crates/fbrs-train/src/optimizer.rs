//! Burn's optimizers, one parameter at a time: every parameter has its own rate, and what an optimizer
//! remembers of it can be saved under the parameter's name.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use burn_optim::decay::WeightDecayConfig;
use burn_optim::momentum::MomentumConfig;
use burn_optim::{
    Adam, AdamConfig, AdamState, AdamW, AdamWConfig, AdamWState, Optimizer, RecordState, Sgd,
    SgdConfig, SgdState, StateSink, StateSource,
};

/// The rule of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptimizerOptions {
    /// Adam (Kingma & Ba 2015); a weight decay is added to the gradient.
    Adam {
        /// Decay of the mean of gradients and of that of their squares.
        betas: [f32; 2],
        /// Added to the root of the latter.
        epsilon: f32,
        /// L2 penalty of kernels; 0 for none.
        weight_decay: f32,
    },
    /// AdamW (Loshchilov & Hutter 2019): the decay shrinks the parameter itself.
    AdamW {
        /// As of Adam.
        betas: [f32; 2],
        /// As of Adam.
        epsilon: f32,
        /// Share of a kernel's values that a step at rate 1 takes away.
        weight_decay: f32,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Share of the last step's direction that stays; 0 for none.
        momentum: f64,
        /// L2 penalty of kernels; 0 for none.
        weight_decay: f32,
    },
}

impl OptimizerOptions {
    /// Of every published configuration.
    pub const PUBLISHED: Self =
        Self::Adam { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0 };
}

enum Rule {
    Adam(Adam),
    AdamW(AdamW),
    Sgd(Sgd),
}

#[derive(Clone)]
enum State {
    Adam(AdamState<1>),
    AdamW(AdamWState<1>),
    Sgd(SgdState<1>),
}

/// What an optimizer remembers of one parameter; what it does not use is 0 or empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moments {
    /// Steps that were made.
    pub steps: u64,
    /// The gradient's running mean, or the direction of the last step. Flat, as long as the parameter.
    pub first: Vec<f32>,
    /// The running mean of the gradient's square.
    pub second: Vec<f32>,
}

/// How Burn's optimizers call it.
const STEPS: &str = "momentum.time";
const MEAN: &str = "momentum.moment_1";
const SQUARE: &str = "momentum.moment_2";
const VELOCITY: &str = "momentum.velocity";

/// An optimizer that remembers.
pub struct Optimization {
    /// For kernels, and for all else, which no decay shrinks.
    rules: [Rule; 2],
    states: BTreeMap<String, State>,
}

/// A state that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what the optimizer remembers of {0} is incomplete or of another optimizer")]
pub struct ForeignState(String);

impl Optimization {
    /// An optimizer that has made no step. `decay_all`: whether weight decay acts on biases and
    /// normalizations too, as PyTorch's does.
    pub fn new(options: &OptimizerOptions, decay_all: bool) -> Self {
        let without = match *options {
            OptimizerOptions::Adam { betas, epsilon, .. } => {
                OptimizerOptions::Adam { betas, epsilon, weight_decay: 0.0 }
            }
            OptimizerOptions::AdamW { betas, epsilon, .. } => {
                OptimizerOptions::AdamW { betas, epsilon, weight_decay: 0.0 }
            }
            OptimizerOptions::Sgd { momentum, .. } => {
                OptimizerOptions::Sgd { momentum, weight_decay: 0.0 }
            }
        };
        let others = if decay_all { options } else { &without };
        Self { rules: [Rule::new(options), Rule::new(others)], states: BTreeMap::new() }
    }

    /// One step of the parameter `name` with this shape; flat tensors without a graph.
    pub fn step(
        &mut self,
        name: &str,
        shape: &[usize],
        rate: f64,
        value: Tensor<1>,
        gradient: Tensor<1>,
    ) -> Tensor<1> {
        let [kernels, others] = &self.rules;
        let rule = if shape.len() == 4 { kernels } else { others };
        let state = self.states.remove(name);
        let (value, state) = rule.step(rate, value, gradient, state);
        if let Some(state) = state {
            self.states.insert(name.to_owned(), state);
        }
        value
    }

    /// What is remembered, by parameter.
    ///
    /// # Errors
    /// A parameter whose state cannot be read.
    pub fn moments(&self) -> Result<BTreeMap<String, Moments>, ForeignState> {
        let of = |(name, state): (&String, &State)| {
            let mut sink = StateSink::default();
            match state {
                State::Adam(state) => state.state_flatten("", &mut sink),
                State::AdamW(state) => state.state_flatten("", &mut sink),
                State::Sgd(state) => state.state_flatten("", &mut sink),
            }
            let foreign = || ForeignState(name.clone());
            let mut moments = Moments::default();
            for (leaf, data) in sink.tensors {
                let values = data.try_into_vec::<f32>().map_err(|_| foreign())?;
                match leaf.as_str() {
                    MEAN | VELOCITY => moments.first = values,
                    SQUARE => moments.second = values,
                    _ => return Err(foreign()),
                }
            }
            if let Some((_, steps)) = sink.scalars.into_iter().find(|(leaf, _)| leaf == STEPS) {
                moments.steps = u64::try_from(steps).map_err(|_| foreign())?;
            }
            Ok((name.clone(), moments))
        };
        self.states.iter().map(of).collect()
    }

    /// Remembers what was remembered elsewhere, on `device`.
    ///
    /// # Errors
    /// [`ForeignState`] where something is missing or does not fit.
    pub fn restore(
        &mut self,
        moments: BTreeMap<String, Moments>,
        device: &Device,
    ) -> Result<(), ForeignState> {
        self.states.clear();
        for (name, Moments { steps, first, second }) in moments {
            let mut source = StateSource::new([(STEPS.to_owned(), steps.into())].into());
            let mean = if second.is_empty() { VELOCITY } else { MEAN };
            for (leaf, values) in [(mean, first), (SQUARE, second)] {
                if !values.is_empty() {
                    let shape = [values.len()];
                    source.insert_tensor(leaf.to_owned(), TensorData::new(values, shape));
                }
            }
            let state = match self.rules.first() {
                Some(Rule::Adam(_)) => {
                    AdamState::state_unflatten("", &mut source, device).map(State::Adam)
                }
                Some(Rule::AdamW(_)) => {
                    AdamWState::state_unflatten("", &mut source, device).map(State::AdamW)
                }
                _ => SgdState::state_unflatten("", &mut source, device).map(State::Sgd),
            };
            let state = state.ok_or_else(|| ForeignState(name.clone()))?;
            self.states.insert(name, state);
        }
        Ok(())
    }
}

impl Rule {
    fn new(options: &OptimizerOptions) -> Self {
        let decay = |penalty| (penalty > 0.0).then(|| WeightDecayConfig::new(penalty));
        match *options {
            OptimizerOptions::Adam { betas: [first, second], epsilon, weight_decay } => {
                let config = AdamConfig::new()
                    .with_beta_1(first)
                    .with_beta_2(second)
                    .with_epsilon(epsilon)
                    .with_weight_decay(decay(weight_decay));
                Self::Adam(config.build())
            }
            OptimizerOptions::AdamW { betas: [first, second], epsilon, weight_decay } => {
                let config = AdamWConfig::new()
                    .with_beta_1(first)
                    .with_beta_2(second)
                    .with_epsilon(epsilon)
                    .with_weight_decay(weight_decay);
                Self::AdamW(config.build())
            }
            OptimizerOptions::Sgd { momentum, weight_decay } => {
                let momentum = (momentum > 0.0)
                    .then(|| MomentumConfig::new().with_momentum(momentum).with_dampening(0.0));
                let config =
                    SgdConfig::new().with_momentum(momentum).with_weight_decay(decay(weight_decay));
                Self::Sgd(config.build())
            }
        }
    }

    fn step(
        &self,
        rate: f64,
        value: Tensor<1>,
        gradient: Tensor<1>,
        state: Option<State>,
    ) -> (Tensor<1>, Option<State>) {
        match self {
            Self::Adam(rule) => {
                let state = match state {
                    Some(State::Adam(state)) => Some(state),
                    _ => None,
                };
                let (value, state) = rule.step(rate, value, gradient, state);
                (value, state.map(State::Adam))
            }
            Self::AdamW(rule) => {
                let state = match state {
                    Some(State::AdamW(state)) => Some(state),
                    _ => None,
                };
                let (value, state) = rule.step(rate, value, gradient, state);
                (value, state.map(State::AdamW))
            }
            Self::Sgd(rule) => {
                let state = match state {
                    Some(State::Sgd(state)) => Some(state),
                    _ => None,
                };
                let (value, state) = rule.step(rate, value, gradient, state);
                (value, state.map(State::Sgd))
            }
        }
    }
}

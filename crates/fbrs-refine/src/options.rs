use std::time::Duration;

use fbrs_clicks::DiscRule;

use crate::mode::Mode;

/// Parameters of refinement; the default is the published one of each.
#[derive(Debug, Clone, PartialEq)]
pub struct RefineOptions {
    /// What is refined. Published default: f-BRS-B.
    pub mode: Mode,
    /// Refinement starts with the click after this many. Published: 1.
    pub optimize_after: usize,
    /// How many clicks go into the network; `None` for the mode's published number
    /// ([`Mode::published_net_clicks`]).
    pub net_clicks: Option<usize>,
    /// Evaluations of the objective per click, looked at between iterations. Published: 20.
    pub max_evaluations: u64,
    /// Probability above which a pixel is object, for the ending tests. Published: 0.5 (0.49 in
    /// evaluation).
    pub threshold: f32,
    /// Refinement ends when the mask's IoU with the one before exceeds 1 minus this; 0 turns the
    /// test off. Published: 0.01 (0.001 in the demo).
    pub min_iou_diff: f64,
    /// Weight of the regularization. Published: 1e-3.
    pub regularization: f64,
    /// Factor of the biases in the regularization of f-BRS. Published: 10.
    pub bias_regularization: f64,
    /// What the scales of f-BRS pass through. Published: nothing.
    pub scale_activation: ScaleActivation,
    /// What becomes of click discs that leave the crop.
    pub discs: DiscRule,
    /// Refinement of a click ends with the best answer so far once this has passed.
    pub max_time: Option<Duration>,
}

impl Default for RefineOptions {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            optimize_after: 1,
            net_clicks: None,
            max_evaluations: 20,
            threshold: 0.5,
            min_iou_diff: 0.01,
            regularization: 1e-3,
            bias_regularization: 10.0,
            scale_activation: ScaleActivation::Linear,
            discs: DiscRule::Clipped,
            max_time: None,
        }
    }
}

impl RefineOptions {
    /// The number of clicks that go into the network; `None` for all.
    pub fn net_clicks_limit(&self) -> Option<usize> {
        match self.mode {
            Mode::NoBrs => self.net_clicks,
            mode => self.net_clicks.or(mode.published_net_clicks()),
        }
    }
}

/// What the scales of f-BRS pass through before they act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ScaleActivation {
    /// Nothing.
    #[default]
    Linear,
    /// Hyperbolic tangent.
    Tanh,
    /// Sine.
    Sin,
}

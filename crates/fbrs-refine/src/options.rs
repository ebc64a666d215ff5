use std::time::Duration;

use fbrs_clicks::DiscRule;
use serde::{Deserialize, Serialize};

use crate::mode::Mode;
use crate::seconds;

/// Parameters of refinement; the default is the published one of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RefineOptions {
    /// What is refined. Published default: f-BRS-B.
    pub mode: Mode,
    /// Refinement starts with the click after this many. Published: 1.
    pub optimize_after: usize,
    /// How many clicks go into the network.
    pub net_clicks: NetClicks,
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
    /// Time for a click, counted from its beginning. Once it has passed, an evaluation under way is
    /// given up and the best answer so far holds. A click's first answer is always computed: a click
    /// takes as long as that or as this, whichever is longer. `None` for no limit; as a file,
    /// seconds.
    #[serde(with = "seconds::option")]
    pub max_time: Option<Duration>,
}

impl Default for RefineOptions {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            optimize_after: 1,
            net_clicks: NetClicks::default(),
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

/// Writes a setter for each field.
#[doc(hidden)]
#[macro_export]
macro_rules! setters {
    ($($field:ident: $kind:ty, $setter:ident;)*) => {$(
        #[doc = concat!("The same with another [`", stringify!($field), "`](Self::", stringify!($field), ").")]
        #[must_use]
        pub fn $setter(mut self, $field: $kind) -> Self {
            self.$field = $field;
            self
        }
    )*};
}

impl RefineOptions {
    setters! {
        mode: Mode, with_mode;
        optimize_after: usize, with_optimize_after;
        net_clicks: NetClicks, with_net_clicks;
        max_evaluations: u64, with_max_evaluations;
        threshold: f32, with_threshold;
        min_iou_diff: f64, with_min_iou_diff;
        regularization: f64, with_regularization;
        bias_regularization: f64, with_bias_regularization;
        scale_activation: ScaleActivation, with_scale_activation;
        discs: DiscRule, with_discs;
        max_time: Option<Duration>, with_max_time;
    }

    /// The number of clicks that go into the network; `None` for all.
    pub fn net_clicks_limit(&self) -> Option<usize> {
        match self.net_clicks {
            NetClicks::Published => self.mode.published_net_clicks(),
            NetClicks::First(count) => Some(count),
            NetClicks::All => None,
        }
    }
}

/// How many clicks go into the network; later ones act through the loss alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NetClicks {
    /// As many as published for the mode ([`Mode::published_net_clicks`]).
    #[default]
    Published,
    /// The first ones.
    First(usize),
    /// Every one.
    All,
}

/// What the scales of f-BRS pass through before they act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleActivation {
    /// Nothing.
    #[default]
    Linear,
    /// Hyperbolic tangent.
    Tanh,
    /// Sine.
    Sin,
}

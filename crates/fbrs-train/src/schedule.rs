//! The learning rate at every step.

use std::f64::consts::PI;

use crate::config::{Config, RateShape, ScheduleConfig};

/// The learning rate at every step of a run.
///
/// The milestone epoch itself runs at its new rate already, and what is logged is the rate that a
/// step was taken with.
///
/// ```
/// use fbrs_train::config::preset;
/// use fbrs_train::schedule::Schedule;
///
/// # fn main() -> fbrs_train::Result<()> {
/// let schedule = Schedule::new(&preset("f-brs/r34_dh128")?, 303);
/// assert_eq!(schedule.steps(), 120 * 303);
/// let before = schedule.rates(100 * 303 - 1);
/// let milestone = schedule.rates(100 * 303);
/// assert_eq!((before.backbone, before.other), (5e-5, 5e-4));
/// assert!((milestone.other - 5e-5).abs() < 1e-15);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    config: ScheduleConfig,
    rate: f64,
    backbone_factor: f64,
    steps_per_epoch: u64,
}

/// The learning rates of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Of the backbone's parameters.
    pub backbone: f64,
    /// Of all others.
    pub other: f64,
}

impl Schedule {
    /// That of a configuration; an epoch has at least one step.
    pub fn new(config: &Config, steps_per_epoch: u64) -> Self {
        Self {
            config: config.schedule.clone(),
            rate: config.optimizer.rate,
            backbone_factor: config.optimizer.backbone_factor,
            steps_per_epoch: steps_per_epoch.max(1),
        }
    }

    /// Steps of the whole run.
    pub fn steps(&self) -> u64 {
        self.config.epochs.saturating_mul(self.steps_per_epoch)
    }

    /// The rates that step `step` of the run, counted from 0, is taken with.
    pub fn rates(&self, step: u64) -> Rates {
        let other = self.rate * self.warmth(step) * self.shape(step);
        Rates { backbone: other * self.backbone_factor, other }
    }

    /// The share of the rate that the beginning allows: 1/n at the first of n steps.
    fn warmth(&self, step: u64) -> f64 {
        let steps = self.config.warmup_steps;
        if step < steps { (step + 1) as f64 / steps as f64 } else { 1.0 }
    }

    fn shape(&self, step: u64) -> f64 {
        let config = &self.config;
        match config.shape {
            RateShape::Constant => 1.0,
            RateShape::Steps => {
                let epoch = step / self.steps_per_epoch;
                let passed = config.milestones.iter().filter(|&&milestone| milestone <= epoch);
                passed.fold(1.0, |rate, _| rate * config.factor)
            }
            RateShape::Cosine => {
                let done = step as f64 / self.steps() as f64;
                let fallen = ((done - config.hold) / (1.0 - config.hold)).clamp(0.0, 1.0);
                config.floor + (1.0 - config.floor) * (1.0 + (PI * fallen).cos()) / 2.0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::preset;

    #[test]
    fn the_rate_warms_up_holds_and_falls() {
        let config = preset("lite").unwrap();
        let schedule = Schedule::new(&config, 340);
        let rate = |step| schedule.rates(step).other / config.optimizer.rate;
        assert!((rate(0) - 1.0 / 150.0).abs() < 1e-12);
        assert!((rate(74) - 0.5).abs() < 1e-12);
        assert_eq!((rate(149), rate(1530)), (1.0, 1.0));
        // Half of the fall lies in the middle of what is left.
        assert!((rate(1530 + 935) - 0.505).abs() < 1e-12);
        assert!(rate(3399) < 0.0101 && rate(3399) > 0.01);
        assert_eq!(rate(4000), 0.01);
        assert_eq!(schedule.rates(1000).backbone, schedule.rates(1000).other * 0.1);
    }
}

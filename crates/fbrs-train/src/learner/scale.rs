use serde::{Deserialize, Serialize};

/// What gradients are multiplied by while they are computed in f16, so that small ones do not become 0
/// (Micikevicius et al. 2018), in the manner of PyTorch's `GradScaler`: halved where a gradient was no finite
/// number, and its step left out; doubled behind 2,000 steps without one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossScale {
    /// The factor, a power of 2.
    pub factor: f64,
    /// Steps since it changed.
    pub steps: u32,
}

/// Steps behind which the factor grows.
const PATIENCE: u32 = 2000;
/// Where gradients are no finite numbers with this factor, it is not for f16's range.
const LEAST: f64 = 1.0;
const MOST: f64 = 16_777_216.0;

impl Default for LossScale {
    fn default() -> Self {
        Self { factor: 65_536.0, steps: 0 }
    }
}

impl LossScale {
    /// Behind a step whose gradients were finite.
    pub(super) fn keep(&mut self) {
        self.steps += 1;
        if self.steps >= PATIENCE {
            *self = Self { factor: (self.factor * 2.0).min(MOST), steps: 0 };
        }
    }

    /// Behind gradients that were not; `false` where a smaller factor would not help.
    pub(super) fn shrink(&mut self) -> bool {
        if self.factor <= LEAST {
            return false;
        }
        *self = Self { factor: self.factor / 2.0, steps: 0 };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_with_patience_and_shrinks_at_once() {
        let mut scale = LossScale::default();
        for _ in 1..PATIENCE {
            scale.keep();
        }
        assert_eq!(scale, LossScale { factor: 65_536.0, steps: PATIENCE - 1 });
        scale.keep();
        assert_eq!(scale, LossScale { factor: 131_072.0, steps: 0 });
        scale.keep();
        assert!(scale.shrink());
        assert_eq!(scale, LossScale::default());
    }

    #[test]
    fn stays_within_its_bounds() {
        let mut scale = LossScale { factor: MOST, steps: PATIENCE - 1 };
        scale.keep();
        assert_eq!(scale, LossScale { factor: MOST, steps: 0 });
        let mut shrinking = 0;
        while scale.shrink() {
            shrinking += 1;
        }
        assert_eq!((scale.factor, shrinking), (LEAST, 24));
    }
}

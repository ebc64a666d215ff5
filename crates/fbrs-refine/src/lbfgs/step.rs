//! One safeguarded step of the Moré-Thuente search: from two ends of an
//! interval and a trial, the next trial and the next interval.

/// A step length with the value and the slope of the function there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// Step length, in units of the search direction.
    pub(super) step: f64,
    /// Value of the function.
    pub(super) value: f64,
    /// Derivative along the search direction.
    pub(super) slope: f64,
}

/// The interval that is known or hoped to hold a minimizer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    /// The end with the lowest value so far.
    pub(super) best: Point,
    /// The other end.
    pub(super) other: Point,
    /// Whether a minimizer is known to lie between the ends.
    pub(super) bracketed: bool,
}

impl Interval {
    /// Takes in the trial point and returns the next step length, which lies in
    /// `[low, high]` unless the interval is bracketed (then between its ends).
    ///
    /// The four cases are those of section 4 of Moré & Thuente (1994).
    pub(super) fn advance(&mut self, trial: Point, low: f64, high: f64) -> f64 {
        let best = self.best;
        let opposite = trial.slope * (best.slope / best.slope.abs()) < 0.0;
        let next = if trial.value > best.value {
            self.bracketed = true;
            higher_value(best, trial)
        } else if opposite {
            self.bracketed = true;
            opposite_slope(best, trial)
        } else if trial.slope.abs() < best.slope.abs() {
            self.flatter_slope(trial, low, high)
        } else if self.bracketed {
            trial.step + cubic_from(trial, self.other) * (self.other.step - trial.step)
        } else if trial.step > best.step {
            high
        } else {
            low
        };

        if trial.value > best.value {
            self.other = trial;
        } else {
            if opposite {
                self.other = best;
            }
            self.best = trial;
        }
        next
    }

    /// Third case: the value falls, the slope keeps its sign and flattens. The
    /// cubic may have no minimizer ahead; the secant step is the other candidate.
    fn flatter_slope(&self, trial: Point, low: f64, high: f64) -> f64 {
        let best = self.best;
        let forward = trial.step > best.step;
        let (slope_sum, gamma) = cubic_terms(best, trial, forward, true);
        let p = (gamma - trial.slope) + slope_sum;
        let q = (gamma + (best.slope - trial.slope)) + gamma;
        let ratio = p / q;
        let cubic = if ratio < 0.0 && gamma != 0.0 {
            trial.step + ratio * (best.step - trial.step)
        } else if forward {
            high
        } else {
            low
        };
        let secant = secant(best, trial);
        let cubic_is_nearer = (cubic - trial.step).abs() < (secant - trial.step).abs();
        if self.bracketed {
            let next = if cubic_is_nearer { cubic } else { secant };
            let limit = trial.step + 0.66 * (self.other.step - trial.step);
            if forward { next.min(limit) } else { next.max(limit) }
        } else {
            let cubic_is_farther = (cubic - trial.step).abs() > (secant - trial.step).abs();
            let next = if cubic_is_farther { cubic } else { secant };
            next.min(high).max(low)
        }
    }
}

/// First case: the trial is higher, so a minimizer lies before it. The cubic
/// step where it is nearer to the best point than the quadratic one, else the
/// middle of both.
fn higher_value(best: Point, trial: Point) -> f64 {
    let length = trial.step - best.step;
    let (slope_sum, gamma) = cubic_terms(best, trial, trial.step < best.step, false);
    let p = (gamma - best.slope) + slope_sum;
    let q = ((gamma - best.slope) + gamma) + trial.slope;
    let cubic = best.step + p / q * length;
    let chord = (best.value - trial.value) / length;
    let quadratic = best.step + best.slope / (chord + best.slope) / 2.0 * length;
    if (cubic - best.step).abs() < (quadratic - best.step).abs() {
        cubic
    } else {
        cubic + (quadratic - cubic) / 2.0
    }
}

/// Second case: the slope changes its sign. The cubic or the secant step,
/// whichever is farther from the trial.
fn opposite_slope(best: Point, trial: Point) -> f64 {
    let cubic = trial.step + cubic_from(trial, best) * (best.step - trial.step);
    let secant = secant(best, trial);
    if (cubic - trial.step).abs() > (secant - trial.step).abs() { cubic } else { secant }
}

/// The root of the slope's chord through both points.
fn secant(best: Point, trial: Point) -> f64 {
    trial.step + trial.slope / (trial.slope - best.slope) * (best.step - trial.step)
}

/// Where, as a fraction of the way from `from` to `to`, the cubic through both
/// points' values and slopes has its minimizer.
fn cubic_from(from: Point, to: Point) -> f64 {
    let (slope_sum, gamma) = cubic_terms(to, from, from.step > to.step, false);
    let p = (gamma - from.slope) + slope_sum;
    let q = ((gamma - from.slope) + gamma) + to.slope;
    p / q
}

/// The two quantities that the cubic interpolation formulas share: the slopes'
/// sum less thrice the chord, and the root of the discriminant, negated where
/// asked. `clamp` keeps the discriminant from being negative.
fn cubic_terms(a: Point, b: Point, negate: bool, clamp: bool) -> (f64, f64) {
    let slope_sum = 3.0 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope;
    let scale = slope_sum.abs().max(a.slope.abs()).max(b.slope.abs());
    let mut discriminant = (slope_sum / scale).powi(2) - (a.slope / scale) * (b.slope / scale);
    if clamp {
        discriminant = discriminant.max(0.0);
    }
    let gamma = scale * discriminant.sqrt();
    (slope_sum, if negate { -gamma } else { gamma })
}

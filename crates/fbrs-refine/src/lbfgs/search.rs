//! The line search of Moré and Thuente, "Line search algorithms with guaranteed
//! sufficient decrease", ACM TOMS 20 (1994), asked step by step: it names a
//! step length, is told value and slope there, and answers with the next one
//! until it accepts.

use super::step::{Interval, Point};

/// Sufficient decrease: the value must fall by this share of what the slope at
/// the start promises.
const SUFFICIENT_DECREASE: f64 = 1e-3;
/// Curvature: the slope must flatten to this share of the slope at the start.
const CURVATURE: f64 = 0.9;
/// A bracketing interval this narrow, relative to its upper end, is accepted.
const RELATIVE_WIDTH: f64 = 0.1;
/// Step lengths allowed.
const SHORTEST: f64 = 0.0;
/// Longest step: what an unbounded problem is given in place of infinity.
pub(super) const LONGEST: f64 = 1e10;

/// What the search wants after an evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// Evaluate at this step length.
    Try(f64),
    /// The step just evaluated is the answer: it satisfies the search's two
    /// conditions, or no better one can be told from it.
    Accept,
}

/// A search along one direction.
#[derive(Debug, Clone)]
pub(super) struct Search {
    start: Point,
    interval: Interval,
    /// Until a step with sufficient decrease and a rising slope was seen, the
    /// search may work on the function less its sufficient-decrease line.
    seeking_decrease: bool,
    width: f64,
    previous_width: f64,
    low: f64,
    high: f64,
}

impl Search {
    /// Starts a search from a point with this value and slope; the first step
    /// to evaluate is `first_step`. The slope must be negative.
    pub(super) fn new(value: f64, slope: f64, first_step: f64) -> Self {
        let start = Point { step: 0.0, value, slope };
        let width = LONGEST - SHORTEST;
        Self {
            start,
            interval: Interval { best: start, other: start, bracketed: false },
            seeking_decrease: true,
            width,
            previous_width: 2.0 * width,
            low: 0.0,
            high: first_step + 4.0 * first_step,
        }
    }

    /// Takes in the value and the slope at the step length asked for last.
    pub(super) fn tell(&mut self, trial: Point) -> Verdict {
        let line_slope = SUFFICIENT_DECREASE * self.start.slope;
        let line_value = self.start.value + trial.step * line_slope;
        let decreased = trial.value <= line_value;
        if self.seeking_decrease && decreased && trial.slope >= 0.0 {
            self.seeking_decrease = false;
        }
        if self.accepts(trial, decreased, line_slope) {
            return Verdict::Accept;
        }

        let mut next =
            if self.seeking_decrease && trial.value <= self.interval.best.value && !decreased {
                self.advance_above_line(trial, line_slope)
            } else {
                self.interval.advance(trial, self.low, self.high)
            };

        let Interval { best, other, bracketed } = self.interval;
        if bracketed {
            // A bracket that does not shrink by a third in two steps is halved.
            let width = (other.step - best.step).abs();
            if width >= 0.66 * self.previous_width {
                next = best.step + 0.5 * (other.step - best.step);
            }
            self.previous_width = self.width;
            self.width = width;
            self.low = best.step.min(other.step);
            self.high = best.step.max(other.step);
        } else {
            self.low = next + 1.1 * (next - best.step);
            self.high = next + 4.0 * (next - best.step);
        }
        next = next.clamp(SHORTEST, LONGEST);
        if bracketed && (self.at_end(next) || self.is_narrow()) {
            next = best.step;
        }
        Verdict::Try(next)
    }

    /// Whether the search ends with this trial.
    fn accepts(&self, trial: Point, decreased: bool, line_slope: f64) -> bool {
        let flat = trial.slope.abs() <= CURVATURE * -self.start.slope;
        let stuck = self.interval.bracketed && (self.at_end(trial.step) || self.is_narrow());
        let at_longest = trial.step == LONGEST && decreased && trial.slope <= line_slope;
        let at_shortest = trial.step == SHORTEST && (!decreased || trial.slope >= line_slope);
        (decreased && flat) || stuck || at_longest || at_shortest
    }

    fn at_end(&self, step: f64) -> bool {
        step <= self.low || step >= self.high
    }

    fn is_narrow(&self) -> bool {
        self.high - self.low <= RELATIVE_WIDTH * self.high
    }

    /// Advances on the function less the sufficient-decrease line: a trial that
    /// is lower than the best point, yet above the line, would mislead the
    /// interpolation of the function itself.
    fn advance_above_line(&mut self, trial: Point, line_slope: f64) -> f64 {
        let lower = |p: Point| Point {
            value: p.value - p.step * line_slope,
            slope: p.slope - line_slope,
            ..p
        };
        let raise = |p: Point| Point {
            value: p.value + p.step * line_slope,
            slope: p.slope + line_slope,
            ..p
        };
        let mut lowered = Interval {
            best: lower(self.interval.best),
            other: lower(self.interval.other),
            bracketed: self.interval.bracketed,
        };
        let next = lowered.advance(lower(trial), self.low, self.high);
        self.interval = Interval {
            best: raise(lowered.best),
            other: raise(lowered.other),
            bracketed: lowered.bracketed,
        };
        next
    }
}

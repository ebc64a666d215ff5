//! L-BFGS for smooth functions without bounds, in double precision.
//!
//! [`Lbfgs`] is the algorithm that SciPy's `fmin_l_bfgs_b` (1.17) runs where no
//! variable is bounded, written as an [`argmin::core::Solver`]: argmin's
//! executor, observers and budgets serve it. Value and gradient come from one
//! evaluation, an [`argmin::core::Operator`] whose output is an [`Evaluation`];
//! no point is evaluated twice in a row. [`Lbfgs::minimize`] does the same for a
//! closure, without argmin in sight.
//!
//! ```
//! use fbrs_refine::lbfgs::{Ending, Evaluation, Lbfgs, LbfgsError};
//!
//! let minimum = Lbfgs::new()
//!     .with_max_evaluations(100)
//!     .minimize(vec![3.0, -4.0], |x| {
//!         let value = x.iter().map(|x| x * x).sum();
//!         let gradient = x.iter().map(|x| 2.0 * x).collect();
//!         Ok::<_, LbfgsError>(Evaluation { value, gradient })
//!     })?;
//! assert_eq!(minimum.ending, Ending::GradientVanished);
//! assert!(minimum.value < 1e-12);
//! # Ok::<(), LbfgsError>(())
//! ```
//!
//! # The algorithm
//! Each iteration takes the quasi-Newton direction -H·g, H the inverse of the
//! compact limited-memory approximation, and searches along it with the line
//! search of Moré and Thuente. The first step tried is 1, except in the first
//! iteration: there it is 1/‖d‖, a move of length one. The pair of step and
//! change of gradient is remembered unless its curvature is lost in rounding
//! (s·y ≤ ε·|gᵀs|). Where the line search fails, it starts again from the same
//! point along the negative gradient with an empty memory; where that fails too,
//! the run ends.
//!
//! # Sources
//! - R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for
//!   bound constrained optimization", SIAM J. Sci. Comput. 16 (1995).
//! - J. J. Moré, D. J. Thuente, "Line search algorithms with guaranteed
//!   sufficient decrease", ACM Trans. Math. Softw. 20 (1994).
//! - J. L. Morales, J. Nocedal, "Remark on Algorithm 778: L-BFGS-B", ACM Trans.
//!   Math. Softw. 38 (2011): the machine precision, and the direction of the
//!   subspace step, which without bounds is the plain one.
//!
//! Departures from SciPy: a value or a gradient that is not finite ends the run
//! (SciPy computes on with it), and the memory is not dropped for a matrix that
//! only bounded problems use.

mod dense;
mod ending;
mod memory;
mod minimize;
mod options;
mod search;
mod solver;
mod step;
mod trial;
mod vector;

pub use ending::{Ending, LbfgsError};
pub use minimize::Minimum;
pub use options::Lbfgs;

/// What one evaluation of the objective gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The objective's value.
    pub value: f64,
    /// Its gradient, as long as the point. All zeros ends the run: an objective
    /// that has seen enough can say so this way.
    pub gradient: Vec<f64>,
}

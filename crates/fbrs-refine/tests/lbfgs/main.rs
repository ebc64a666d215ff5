//! L-BFGS against call-by-call traces of SciPy (`tests/golden/lbfgs.json`), and
//! against its own rules on random functions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod functions;
mod golden;
mod odd;
mod rules;

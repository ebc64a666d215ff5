//! The limited memory: the last pairs of (step, change of gradient), and the
//! quasi-Newton direction they give.

use std::collections::VecDeque;

use super::dense::Square;
use super::vector::{dot, norm};

/// Elements of the direction that are finished before the next ones are
/// touched: few enough to stay in the first cache.
const BLOCK: usize = 1024;

/// One accepted iteration.
#[derive(Debug, Clone)]
struct Pair {
    /// The step s.
    step: Vec<f64>,
    /// The change of the gradient y.
    change: Vec<f64>,
    /// s·y, as the line search saw it.
    curvature: f64,
}

/// The pairs with their scalar products.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    capacity: usize,
    pairs: VecDeque<Pair>,
    /// Yᵀ·Y.
    changes: Square,
    /// Sᵀ·Y; only its upper triangle is used.
    cross: Square,
    /// θ: the approximation starts from θ·I.
    scale: f64,
}

impl Memory {
    /// A memory of at most `capacity` pairs.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            pairs: VecDeque::with_capacity(capacity),
            changes: Square::default(),
            cross: Square::default(),
            scale: 1.0,
        }
    }

    /// Whether no pair is held.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.capacity);
    }

    /// Adds a pair; the oldest goes where the memory is full. `curvature` is
    /// s·y and must be positive.
    pub(super) fn push(&mut self, step: Vec<f64>, change: Vec<f64>, curvature: f64) {
        if self.capacity == 0 {
            return;
        }
        let dropped = usize::from(self.pairs.len() == self.capacity);
        if dropped == 1 {
            self.pairs.pop_front();
        }
        let kept = self.pairs.len();
        let change_square = dot(&change, &change);
        let with_changes: Vec<f64> = self.pairs.iter().map(|p| dot(&p.change, &change)).collect();
        let with_steps: Vec<f64> = self.pairs.iter().map(|p| dot(&p.step, &change)).collect();
        let own_cross = dot(&step, &change);

        self.changes = Square::from_fn(kept + 1, |row, column| match (row < kept, column < kept) {
            (true, true) => self.changes.at(row + dropped, column + dropped),
            (true, false) => with_changes[row],
            (false, true) => with_changes[column],
            (false, false) => change_square,
        });
        self.cross = Square::from_fn(kept + 1, |row, column| match (row < kept, column < kept) {
            (true, true) => self.cross.at(row + dropped, column + dropped),
            (true, false) => with_steps[row],
            (false, true) => 0.0,
            (false, false) => own_cross,
        });
        self.scale = norm(&change).powi(2) / curvature;
        self.pairs.push_back(Pair { step, change, curvature });
    }

    /// -H·g, H the inverse of the compact approximation
    /// θ·I - W·M·Wᵀ with W = \[Y, θ·S\] (Byrd, Lu, Nocedal & Zhu 1995, sections
    /// 3 and 5.1, all variables free). `None` where rounding has made the small
    /// system unsolvable: the memory is then of no use.
    ///
    /// By the Sherman-Morrison-Woodbury formula H = I/θ + W·K⁻¹·Wᵀ/θ².
    pub(super) fn direction(&self, gradient: &[f64]) -> Option<Vec<f64>> {
        let factor = self.factor()?;
        let count = self.pairs.len();
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let on_changes = self.pairs.iter().map(|p| dot(&p.change, &direction));
        let on_steps = self.pairs.iter().map(|p| self.scale * dot(&p.step, &direction));
        let mut weights: Vec<f64> = on_changes.chain(on_steps).collect();
        factor.solve(&mut weights);
        for weight in weights.iter_mut().take(count) {
            *weight = -*weight;
        }
        factor.solve_transposed(&mut weights);
        let (of_changes, of_steps) = weights.split_at(count);
        self.add_pairs(&mut direction, of_changes, of_steps);
        Some(direction)
    }

    /// The factor F of K = F·E·Fᵀ, E = diag(-I, I), for
    /// K = \[-(D + YᵀY/θ), -Rᵀ; -R, 0\], R the upper triangle of SᵀY and D its
    /// diagonal: F = \[L, 0; Cᵀ, J\] with L·Lᵀ = D + YᵀY/θ, C = L⁻¹·Rᵀ and
    /// J·Jᵀ = Cᵀ·C.
    fn factor(&self) -> Option<Square> {
        let count = self.pairs.len();
        let of_changes = Square::from_fn(count, |row, column| {
            let diagonal = match self.pairs.get(row) {
                Some(pair) if row == column => pair.curvature,
                _ => 0.0,
            };
            self.changes.at(row, column) / self.scale + diagonal
        })
        .cholesky()?;
        let coupling: Vec<Vec<f64>> = (0..count)
            .map(|row| {
                let upper = |column| if column >= row { self.cross.at(row, column) } else { 0.0 };
                let mut column_of_c: Vec<f64> = (0..count).map(upper).collect();
                of_changes.solve(&mut column_of_c);
                column_of_c
            })
            .collect();
        let of_steps = Square::from_fn(count, |row, column| dot(&coupling[row], &coupling[column]))
            .cholesky()?;
        Some(Square::from_fn(2 * count, |row, column| {
            match (row.checked_sub(count), column.checked_sub(count)) {
                (None, None) => of_changes.at(row, column),
                (None, Some(_)) => 0.0,
                (Some(row), None) => coupling[row][column],
                (Some(row), Some(column)) => of_steps.at(row, column),
            }
        }))
    }

    /// (v + Σ (weight of y/θ)·y + (weight of s)·s) / θ, in place.
    fn add_pairs(&self, v: &mut [f64], of_changes: &[f64], of_steps: &[f64]) {
        let theta = self.scale;
        for (block, v) in v.chunks_mut(BLOCK).enumerate() {
            let range = block * BLOCK..block * BLOCK + v.len();
            for ((pair, of_change), of_step) in self.pairs.iter().zip(of_changes).zip(of_steps) {
                let steps = &pair.step[range.clone()];
                let changes = &pair.change[range.clone()];
                for ((v, s), y) in v.iter_mut().zip(steps).zip(changes) {
                    *v = *v + y * of_change / theta + s * of_step;
                }
            }
            let inverse = 1.0 / theta;
            for v in v {
                *v *= inverse;
            }
        }
    }
}

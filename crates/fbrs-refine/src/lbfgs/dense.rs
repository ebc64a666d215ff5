//! The few operations on small dense matrices that the compact form needs.

use super::vector::dot;

/// A square matrix, row by row. The solvers take it as lower triangular.
#[derive(Debug, Clone, Default)]
pub(super) struct Square {
    order: usize,
    elements: Vec<f64>,
}

impl Square {
    /// A matrix whose element at (row, column) is `element(row, column)`.
    pub(super) fn from_fn(order: usize, element: impl Fn(usize, usize) -> f64) -> Self {
        let elements = (0..order * order).map(|i| element(i / order, i % order)).collect();
        Self { order, elements }
    }

    /// The element at (row, column), both below the order.
    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.elements[row * self.order + column]
    }

    /// The first `columns` elements of a row.
    pub(super) fn row(&self, row: usize, columns: usize) -> &[f64] {
        let start = row * self.order;
        &self.elements[start..start + columns]
    }

    /// The lower factor L of a symmetric matrix, L·Lᵀ, of which this one holds
    /// the lower triangle; `None` where it is not positive definite (or holds a
    /// NaN).
    pub(super) fn cholesky(mut self) -> Option<Square> {
        for column in 0..self.order {
            let known = self.row(column, column);
            let pivot = self.at(column, column) - dot(known, known);
            if pivot.is_nan() || pivot <= 0.0 {
                return None;
            }
            let root = pivot.sqrt();
            self.elements[column * self.order + column] = root;
            let scale = 1.0 / root;
            for row in column + 1..self.order {
                let rest =
                    self.at(row, column) - dot(self.row(row, column), self.row(column, column));
                self.elements[row * self.order + column] = rest * scale;
            }
        }
        Some(self)
    }

    /// Solves L·x = b in place.
    pub(super) fn solve(&self, b: &mut [f64]) {
        for row in 0..self.order.min(b.len()) {
            let rest = b[row] - dot(self.row(row, row), &b[..row]);
            b[row] = rest / self.at(row, row);
        }
    }

    /// Solves Lᵀ·x = b in place.
    pub(super) fn solve_transposed(&self, b: &mut [f64]) {
        for row in (0..self.order.min(b.len())).rev() {
            let x = b[row] / self.at(row, row);
            for (b, l) in b.iter_mut().zip(self.row(row, row)) {
                *b -= x * l;
            }
            b[row] = x;
        }
    }
}

//! Where tiles lie.

use super::SIDE;

/// Where an image's tiles lie, row after row.
pub(super) struct Grid {
    pub(super) dilation: usize,
    /// First row, or column, of the outputs of each row, or column, of tiles.
    pub(super) rows: Vec<usize>,
    pub(super) cols: Vec<usize>,
}

/// Consecutive tiles of one row.
pub(super) struct Run {
    /// The first one's number in the image.
    pub(super) tile: usize,
    /// The first one's column among the tiles.
    pub(super) first: usize,
    pub(super) count: usize,
    /// First row of their outputs.
    pub(super) row: usize,
}

impl Grid {
    pub(super) fn new(size: [usize; 2], dilation: usize) -> Self {
        let is_start = |position: &usize| (position / dilation).is_multiple_of(SIDE);
        let starts = |length: usize| (0..length).filter(is_start).collect();
        let [rows, cols] = size.map(starts);
        Self { dilation, rows, cols }
    }

    pub(super) fn tiles(&self) -> usize {
        self.rows.len() * self.cols.len()
    }

    /// The rows' parts of consecutive tiles of an image.
    pub(super) fn runs(&self, first: usize, count: usize) -> impl Iterator<Item = Run> + '_ {
        let end = first + count;
        let mut tile = first;
        std::iter::from_fn(move || {
            if tile >= end {
                return None;
            }
            let (row, col) = (tile / self.cols.len(), tile % self.cols.len());
            let count = (self.cols.len() - col).min(end - tile);
            let run = Run { tile, first: col, count, row: self.rows[row] };
            tile += count;
            Some(run)
        })
    }
}

//! Where tiles lie: they start at positions whose quotient by the dilation is divisible by four.

use std::ops::Range;

use super::super::packed::Lay;
use super::transform::Place;
use super::{REACH, SIDE};

/// Where an image's tiles lie, row after row.
pub(super) struct Grid {
    pub(super) dilation: usize,
    height: usize,
    width: usize,
    /// First row, or column, of the outputs of each row, or column, of tiles.
    rows: Vec<usize>,
    cols: Vec<usize>,
}

/// Some rows of tiles, and the images that they are of.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) images: Range<usize>,
    /// First lines of the rows' outputs.
    rows: Vec<usize>,
    /// First columns of a row's tiles.
    cols: usize,
    /// The lines of the input that they read, and those of the output.
    pub(super) source: Range<usize>,
    pub(super) lines: Range<usize>,
}

impl Block {
    pub(super) fn tiles(&self) -> usize {
        self.images.len() * self.rows.len() * self.cols
    }
}

impl Grid {
    pub(super) fn new([height, width]: [usize; 2], dilation: usize) -> Self {
        let starts = |length: usize| {
            (0..length).filter(|position| (position / dilation).is_multiple_of(SIDE)).collect()
        };
        Self { dilation, height, width, rows: starts(height), cols: starts(width) }
    }

    /// How the input is laid down: with as many zeros as the tiles reach beside it.
    pub(super) fn lay_x(&self) -> Lay {
        let last = self.cols.last().copied().unwrap_or(0);
        let row = (last + REACH * self.dilation).max(self.dilation + self.width);
        Lay { before: self.dilation, row }
    }

    pub(super) fn lay_dy(&self) -> Lay {
        let last = self.cols.last().copied().unwrap_or(0);
        Lay { before: 0, row: (last + SIDE * self.dilation).max(self.width) }
    }

    /// All tiles in blocks of about `tiles`.
    pub(super) fn blocks(&self, batch: usize, tiles: usize) -> Vec<Block> {
        let (rows, cols) = (self.rows.len(), self.cols.len());
        let parts = rows.div_ceil((tiles / cols.max(1)).clamp(1, rows.max(1))).max(1);
        let images = if parts > 1 { 1 } else { (tiles / (rows * cols).max(1)).max(1) };
        let blocks = (0..batch).step_by(images).flat_map(|image| {
            let images = image..(image + images).min(batch);
            (0..parts).map(move |part| {
                let of_part = part * rows / parts..(part + 1) * rows / parts;
                let rows = self.rows.get(of_part).unwrap_or_default().to_vec();
                let (first, last) = (rows.first().copied(), rows.last().copied());
                let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
                let end = (last + SIDE * self.dilation + 1).min(self.height);
                Block {
                    images: images.clone(),
                    rows,
                    cols,
                    source: first.saturating_sub(self.dilation)..end,
                    lines: first..(last + (SIDE - 1) * self.dilation + 1).min(self.height),
                }
            })
        });
        blocks.collect()
    }

    /// Where a tile of a block is, in laid-down `lines` of it: `up`, how far before its outputs it
    /// begins, and how many rows it has.
    pub(super) fn place(
        &self,
        block: &Block,
        tile: usize,
        lines: &Range<usize>,
        lay: Lay,
        (up, side): (usize, usize),
    ) -> Place {
        let (row, col) = (tile / block.cols, tile % block.cols);
        let (image, row) = (row / block.rows.len(), row % block.rows.len());
        let at = |starts: &[usize], index: usize| starts.get(index).copied().unwrap_or(0) as isize;
        let line = at(&block.rows, row) - up as isize;
        let inside = |row: &usize| {
            let line = line + (row * self.dilation) as isize;
            line >= lines.start as isize && line < lines.end as isize
        };
        let first = (0..side).find(inside).unwrap_or(side);
        let rows = first..(0..side).rfind(inside).map_or(first, |last| last + 1);
        let line = line - lines.start as isize + (image * lines.len()) as isize;
        let first = line * lay.row as isize + at(&self.cols, col);
        Place { first, rows, down: self.dilation * lay.row, right: self.dilation }
    }
}

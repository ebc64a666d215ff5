use fbrs_clicks::Size;

/// Mirrored and turned by quarters: where in the picture before a pixel of the one after comes from.
///
/// row = rows · (row, col, 1), and the same for columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Orientation {
    rows: [i64; 3],
    cols: [i64; 3],
    before: Size,
    after: Size,
}

impl Orientation {
    pub(super) fn upright(size: Size) -> Self {
        Self { rows: [1, 0, 0], cols: [0, 1, 0], before: size, after: size }
    }

    /// Mirrored first, then turned `turns` times by 90° counterclockwise.
    pub(super) fn new(size: Size, top_down: bool, left_right: bool, turns: usize) -> Self {
        let last = |side: usize| side as i64 - 1;
        let mut rows = if top_down { [-1, 0, last(size.height)] } else { [1, 0, 0] };
        let mut cols = if left_right { [0, -1, last(size.width)] } else { [0, 1, 0] };
        let mut after = size;
        for _ in 0..turns % 4 {
            // Before this turn: row = col', col = width - 1 - row'.
            let turn = |[row, col, rest]: [i64; 3], width| [-col, row, rest + col * last(width)];
            (rows, cols) = (turn(rows, after.width), turn(cols, after.width));
            after = Size { height: after.width, width: after.height };
        }
        Self { rows, cols, before: size, after }
    }

    pub(super) fn after(&self) -> Size {
        self.after
    }

    pub(super) fn before(&self) -> Size {
        self.before
    }

    /// The pixel before that became this one.
    pub(super) fn before_of(&self, row: i64, col: i64) -> (i64, i64) {
        let at = |[rows, cols, rest]: [i64; 3]| rows * row + cols * col + rest;
        (at(self.rows), at(self.cols))
    }
}

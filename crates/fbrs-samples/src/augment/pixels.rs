use fbrs_clicks::Size;

/// A rectangle of pixels; it may lie outside of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) top: i64,
    pub(super) left: i64,
    pub(super) size: Size,
}

impl Rect {
    /// The whole picture.
    pub(super) fn whole(size: Size) -> Self {
        Self { top: 0, left: 0, size }
    }

    /// With the first two limits and without the last two.
    pub(super) fn between(top: i64, left: i64, bottom: i64, right: i64) -> Self {
        let side = |from: i64, to: i64| (to - from).max(0) as usize;
        Self { top, left, size: Size { height: side(top, bottom), width: side(left, right) } }
    }

    pub(super) fn bottom(self) -> i64 {
        self.top + self.size.height as i64
    }

    pub(super) fn right(self) -> i64 {
        self.left + self.size.width as i64
    }

    /// What of it is in the picture.
    pub(super) fn within(self, size: Size) -> Self {
        Self::between(
            self.top.max(0),
            self.left.max(0),
            self.bottom().min(size.height as i64),
            self.right().min(size.width as i64),
        )
    }
}

/// The pixels of a rectangle of a picture, `C` numbers each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pixels<const C: usize> {
    pub(super) rect: Rect,
    pub(super) values: Vec<[u8; C]>,
}

impl<const C: usize> Pixels<C> {
    pub(super) fn from_fn(rect: Rect, mut pixel: impl FnMut(i64, i64) -> [u8; C]) -> Self {
        let mut values = Vec::with_capacity(rect.size.area());
        for row in rect.top..rect.bottom() {
            values.extend((rect.left..rect.right()).map(|col| pixel(row, col)));
        }
        Self { rect, values }
    }

    /// A pixel by its place in the picture; outside of the rectangle is 0.
    pub(super) fn get(&self, row: i64, col: i64) -> [u8; C] {
        let (row, col) = (row - self.rect.top, col - self.rect.left);
        let (width, height) = (self.rect.size.width as i64, self.rect.size.height as i64);
        if !(0..height).contains(&row) || !(0..width).contains(&col) {
            return [0; C];
        }
        self.values.get((row * width + col) as usize).copied().unwrap_or([0; C])
    }

    /// The pixels of another rectangle; what is not in this one is 0.
    pub(super) fn of(&self, rect: Rect) -> Self {
        if rect == self.rect {
            return self.clone();
        }
        Self::from_fn(rect, |row, col| self.get(row, col))
    }
}

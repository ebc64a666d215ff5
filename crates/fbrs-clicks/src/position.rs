use std::fmt;
use std::marker::PhantomData;

/// The space of the photo's own pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageSpace {}

/// The space of the pixels that the network sees: a region of the photo, resized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CropSpace {}

/// A position in pixels; the origin is the center of the top-left pixel.
pub struct Position<Space> {
    /// Downwards.
    pub row: f64,
    /// To the right.
    pub col: f64,
    space: PhantomData<fn() -> Space>,
}

impl<Space> Position<Space> {
    /// The position (row, col).
    pub fn new(row: f64, col: f64) -> Self {
        Self { row, col, space: PhantomData }
    }

    /// Whether the position's pixel (the one it is rounded down to) is one of an image of `size`.
    pub fn is_inside(&self, size: Size) -> bool {
        self.row >= 0.0
            && self.col >= 0.0
            && self.row < size.height as f64
            && self.col < size.width as f64
    }
}

impl<Space> Clone for Position<Space> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Space> Copy for Position<Space> {}

impl<Space> PartialEq for Position<Space> {
    fn eq(&self, other: &Self) -> bool {
        self.row == other.row && self.col == other.col
    }
}

impl<Space> fmt::Debug for Position<Space> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(row {}, col {})", self.row, self.col)
    }
}

/// Height and width in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Size {
    /// Number of pixels.
    pub fn area(self) -> usize {
        self.height * self.width
    }

    /// The longer side.
    pub fn longest_side(self) -> usize {
        self.height.max(self.width)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

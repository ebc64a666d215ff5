use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    pub fn from_row_col(row: f64, col: f64) -> Self {
        Self { row, col, space: PhantomData }
    }

    /// The position `x` pixels to the right and `y` pixels down.
    pub fn at_xy(x: f64, y: f64) -> Self {
        Self::from_row_col(y, x)
    }

    /// Pixels to the right: the column.
    pub fn x(self) -> f64 {
        self.col
    }

    /// Pixels down: the row.
    pub fn y(self) -> f64 {
        self.row
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

/// `{"x": …, "y": …}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Xy {
    x: f64,
    y: f64,
}

impl<Space> Serialize for Position<Space> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Xy { x: self.col, y: self.row }.serialize(serializer)
    }
}

impl<'de, Space> Deserialize<'de> for Position<Space> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Xy { x, y } = Xy::deserialize(deserializer)?;
        Ok(Self::at_xy(x, y))
    }
}

/// Height and width in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

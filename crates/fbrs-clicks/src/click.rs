use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::position::{Position, Size};

/// What a click says of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Object.
    Positive,
    /// Background.
    Negative,
}

impl Sign {
    /// The other sign.
    pub fn opposite(self) -> Self {
        match self {
            Self::Positive => Self::Negative,
            Self::Negative => Self::Positive,
        }
    }
}

/// A click. Lists of clicks are ordered in time.
#[derive(Debug)]
pub struct Click<Space> {
    /// Where.
    pub position: Position<Space>,
    /// What.
    pub sign: Sign,
}

impl<Space> Click<Space> {
    /// A click on the object.
    pub fn positive(position: Position<Space>) -> Self {
        Self { position, sign: Sign::Positive }
    }

    /// A click on the background.
    pub fn negative(position: Position<Space>) -> Self {
        Self { position, sign: Sign::Negative }
    }

    /// A click on the object, `x` pixels to the right and `y` pixels down.
    pub fn positive_at(x: f64, y: f64) -> Self {
        Self::positive(Position::at_xy(x, y))
    }

    /// A click on the background, `x` pixels to the right and `y` pixels down.
    pub fn negative_at(x: f64, y: f64) -> Self {
        Self::negative(Position::at_xy(x, y))
    }

    /// Whether the click is on the object.
    pub fn is_positive(&self) -> bool {
        self.sign == Sign::Positive
    }

    /// The click in the mirror image: col' = width - 1 - col.
    pub fn mirrored(&self, size: Size) -> Self {
        let col = size.width as f64 - 1.0 - self.position.col;
        Self { position: Position::from_row_col(self.position.row, col), sign: self.sign }
    }
}

impl<Space> Clone for Click<Space> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Space> Copy for Click<Space> {}

impl<Space> PartialEq for Click<Space> {
    fn eq(&self, other: &Self) -> bool {
        self.position == other.position && self.sign == other.sign
    }
}

/// A click as files and wires have it: `{"x": …, "y": …, "positive": …}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    x: f64,
    y: f64,
    positive: bool,
}

impl<Space> Serialize for Click<Space> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (x, y) = (self.position.x(), self.position.y());
        Flat { x, y, positive: self.is_positive() }.serialize(serializer)
    }
}

impl<'de, Space> Deserialize<'de> for Click<Space> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Flat { x, y, positive } = Flat::deserialize(deserializer)?;
        let sign = if positive { Sign::Positive } else { Sign::Negative };
        Ok(Self { position: Position::at_xy(x, y), sign })
    }
}

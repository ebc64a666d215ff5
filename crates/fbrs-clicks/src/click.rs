use crate::position::{Position, Size};

/// What a click says of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Object.
    Positive,
    /// Background.
    Negative,
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

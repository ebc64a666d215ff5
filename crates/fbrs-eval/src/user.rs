use fbrs::{Click, ImageSpace, Position, Sign, Size};
use fbrs_data::annotations::{Label, Truth};
use image::{GrayImage, Luma};
use imageproc::distance_transform::euclidean_squared_distance_transform;

/// A user who sees the ground truth and clicks where the prediction is most wrong: as deep as
/// possible inside the larger error (section "Evaluation" of the paper, after Jang & Kim 2019).
///
/// Distances are squared Euclidean ones between pixels, which are whole numbers: nothing is
/// rounded, and ties are true ties.
#[derive(Debug, Clone)]
pub struct SimulatedUser<'a> {
    truth: &'a Truth,
    clicked: Vec<(usize, usize)>,
}

/// The deepest place of an error.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Deepest {
    /// Squared distance to the nearest pixel outside; 0 where there is no error.
    squared: f64,
    row: usize,
    col: usize,
}

impl<'a> SimulatedUser<'a> {
    /// A user who has not clicked yet.
    pub fn new(truth: &'a Truth) -> Self {
        Self { truth, clicked: Vec::new() }
    }

    /// The next click, given the current mask (row-major, true is object; nothing predicted yet is
    /// all false).
    ///
    /// Of the missed and the wrongly predicted pixels, whose greatest depth is larger says positive
    /// or negative (a tie says negative); the click is the first pixel in row-major order that has
    /// this depth. The image's edge counts as outside, pixels clicked before have depth 0.
    pub fn next_click(&mut self, mask: &[bool]) -> Click<ImageSpace> {
        let missed = self.deepest(mask, |label, predicted| label == Label::Object && !predicted);
        let wrong = self.deepest(mask, |label, predicted| label == Label::Background && predicted);
        let (sign, deepest) = if missed.squared > wrong.squared {
            (Sign::Positive, missed)
        } else {
            (Sign::Negative, wrong)
        };
        self.clicked.push((deepest.row, deepest.col));
        Click { position: Position::from_row_col(deepest.row as f64, deepest.col as f64), sign }
    }

    fn deepest(&self, mask: &[bool], is_error: impl Fn(Label, bool) -> bool) -> Deepest {
        let size = self.truth.size();
        let pixels = || self.truth.labels().iter().zip(mask).enumerate();
        let errors = || pixels().filter(|(_, (label, predicted))| is_error(**label, **predicted));
        let places = errors().map(|(index, _)| (index / size.width, index % size.width));
        let mut deepest = Deepest { squared: 0.0, row: 0, col: 0 };
        let Some(bounds) = Bounds::of(places) else { return deepest };
        // Pixels outside the box are no errors: a frame of one pixel stands for them all.
        let mut outside = bounds.framed();
        for (index, _) in errors() {
            let (x, y) = bounds.in_frame(index / size.width, index % size.width);
            if let Some(pixel) = outside.get_pixel_mut_checked(x, y) {
                *pixel = Luma([0]);
            }
        }
        let mut depths = euclidean_squared_distance_transform(&outside);
        for (row, col) in self.clicked.iter().filter(|(row, col)| bounds.holds(*row, *col)) {
            let (x, y) = bounds.in_frame(*row, *col);
            if let Some(depth) = depths.get_pixel_mut_checked(x, y) {
                *depth = Luma([0.0]);
            }
        }
        let depths = depths.enumerate_rows().flat_map(|(_, row)| row);
        for (x, y, Luma([squared])) in depths {
            if *squared > deepest.squared {
                let (row, col) = bounds.in_photo(x, y);
                deepest = Deepest { squared: *squared, row, col };
            }
        }
        deepest
    }
}

/// A box of pixels, its limits included.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    top: usize,
    left: usize,
    size: Size,
}

impl Bounds {
    fn of(places: impl Iterator<Item = (usize, usize)>) -> Option<Self> {
        let ends = |(row, col)| (row, row, col, col);
        let (top, bottom, left, right) = places
            .map(ends)
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1), a.2.min(b.2), a.3.max(b.3)))?;
        Some(Self { top, left, size: Size { height: bottom - top + 1, width: right - left + 1 } })
    }

    fn holds(&self, row: usize, col: usize) -> bool {
        (self.top..self.top + self.size.height).contains(&row)
            && (self.left..self.left + self.size.width).contains(&col)
    }

    /// All outside: the box and a frame of one pixel around it.
    fn framed(&self) -> GrayImage {
        let side = |length: usize| length as u32 + 2;
        GrayImage::from_pixel(side(self.size.width), side(self.size.height), Luma([255]))
    }

    fn in_frame(&self, row: usize, col: usize) -> (u32, u32) {
        ((col - self.left) as u32 + 1, (row - self.top) as u32 + 1)
    }

    /// The inverse of [`Bounds::in_frame`] for pixels that are not of the frame.
    fn in_photo(&self, x: u32, y: u32) -> (usize, usize) {
        (self.top + (y as usize).saturating_sub(1), self.left + (x as usize).saturating_sub(1))
    }
}

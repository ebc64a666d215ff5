use serde::{Deserialize, Serialize};

use crate::click::Click;
use crate::position::{CropSpace, Size};

/// Radius of a click disc: a 3×3 square.
const RADIUS: i64 = 1;

/// What becomes of a disc that leaves the crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscRule {
    /// It is clipped.
    #[default]
    Clipped,
    /// As in the published implementation, whose negative indices count from the other side: a disc
    /// that leaves the crop at the top or left vanishes or wraps round.
    Reference,
}

/// The pixels at which refinement compares the network's answer with the clicks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClickDiscs {
    positive: Vec<usize>,
    negative: Vec<usize>,
}

impl ClickDiscs {
    /// Every pixel of the 3×3 square around each click, coordinates rounded half to even.
    pub fn new(clicks: &[Click<CropSpace>], size: Size, rule: DiscRule) -> Self {
        let pixels = |positive: bool| {
            let mut pixels = Vec::new();
            for click in clicks.iter().filter(|click| click.is_positive() == positive) {
                let rows = span(click.position.row, size.height, rule);
                for row in rows {
                    let cols = span(click.position.col, size.width, rule);
                    pixels.extend(cols.map(|col| row * size.width + col));
                }
            }
            pixels.sort_unstable();
            pixels.dedup();
            pixels
        };
        Self { positive: pixels(true), negative: pixels(false) }
    }

    /// Pixels of the positive discs as row-major indices, ascending, each once.
    pub fn positive(&self) -> &[usize] {
        &self.positive
    }

    /// Pixels of the negative discs as row-major indices, ascending, each once.
    pub fn negative(&self) -> &[usize] {
        &self.negative
    }
}

/// The indices that a disc covers along one axis.
fn span(center: f64, length: usize, rule: DiscRule) -> std::ops::Range<usize> {
    let length = length as i64;
    // Saturating: far outside is outside.
    let center = center.round_ties_even() as i64;
    let (from, to) = (center.saturating_sub(RADIUS), center.saturating_add(RADIUS + 1));
    let index = |end: i64| match rule {
        DiscRule::Reference if end < 0 => end.saturating_add(length).clamp(0, length),
        _ => end.clamp(0, length),
    };
    let (from, to) = (index(from), index(to));
    from as usize..to.max(from) as usize
}

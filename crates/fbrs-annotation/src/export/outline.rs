//! An object's outline, in pixels of its photo.

use fbrs_data::annotations::outlines::{Outline, Path};
use fbrs_data::annotations::spans::with_border;

use crate::mask::Mask;

/// The outline of a mask that has pixels, and the pixel where its box begins.
pub(super) struct Placed {
    outline: Outline,
    corner: (u32, u32),
}

impl Placed {
    /// `None` for a mask without pixels.
    pub(super) fn of(mask: &Mask) -> Option<Self> {
        let bounds = mask.bounds()?;
        let outline = Outline::new(&mask.bools_in(bounds), bounds.size())?;
        let corner = (u32::try_from(bounds.left()).ok()?, u32::try_from(bounds.top()).ok()?);
        Some(Self { outline, corner })
    }

    pub(super) fn parts(&self) -> usize {
        self.outline.parts()
    }

    pub(super) fn holes(&self) -> usize {
        self.outline.holes()
    }

    /// A ring for each part.
    pub(super) fn paths(&self) -> Vec<Path> {
        let paths = self.outline.paths();
        paths.into_iter().map(|path| placed(path, self.corner)).collect()
    }

    /// One ring for all parts.
    pub(super) fn joined(self) -> Option<Path> {
        self.outline.joined().map(|path| placed(path, self.corner))
    }
}

fn placed(path: Path, (left, top): (u32, u32)) -> Path {
    path.into_iter().map(|(x, y)| (x.saturating_add(left), y.saturating_add(top))).collect()
}

/// How many pixels a ring of the mask's parts has beside the mask's.
pub(super) fn added(path: &Path, mask: &Mask) -> u64 {
    let ring: Vec<_> = path.iter().map(|(x, y)| (i64::from(*x), i64::from(*y))).collect();
    let spans = with_border(&ring, mask.size()).unwrap_or_default();
    let filled: u64 = spans.iter().map(|(_, from, end)| u64::from(end.saturating_sub(*from))).sum();
    filled.saturating_sub(mask.area())
}

/// "3 holes", "1 hole".
pub(super) fn count(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

//! An object's outline, in pixels of its photo.

use fbrs_clicks::Size;
use fbrs_data::annotations::outlines::{Outline, Path};
use fbrs_data::annotations::spans::with_border;

use crate::import::of_spans;
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

/// What programs fill of a ring.
pub(super) fn filled(path: &Path, size: Size) -> Mask {
    let ring: Vec<_> = path.iter().map(|(x, y)| (i64::from(*x), i64::from(*y))).collect();
    // A ring of border pixels has never too many corners.
    of_spans(&with_border(&ring, size).unwrap_or_default(), size)
}

/// "3 holes", "1 hole".
pub(super) fn count(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

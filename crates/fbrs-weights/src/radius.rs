//! The radius by which a network's distance maps are normalized, in pixels.

/// That of every published network.
pub(crate) const PUBLISHED: f32 = 260.0;

/// What is taken for one, as it reads after "expected".
pub(crate) const EXPECTED: &str = "a number of pixels from 0.01 to 1000000";

/// Whether distance maps can be made with it.
pub(crate) fn holds(pixels: f32) -> bool {
    (0.01..=1e6).contains(&pixels)
}

//! How a network's inputs are scaled, which neither names nor shapes of its tensors tell.

/// What is taken for a radius, as it reads after "expected".
pub(crate) const EXPECTED_RADIUS: &str = "a number of pixels from 0.01 to 1000000";
/// What is taken for a mean and a deviation.
pub(crate) const EXPECTED_NORMALIZATION: &str =
    "three finite numbers each for mean and deviation, the deviations above 0";

/// How a network's inputs are scaled.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct InputScaling {
    /// Radius of the click maps, in pixels of what the network sees: by which distance maps are
    /// normalized, or that discs have.
    pub norm_radius: f32,
    /// Mean of each channel (red, green, blue) of the photos that it was trained on, of values in
    /// [0, 1].
    pub mean: [f32; 3],
    /// Their standard deviation.
    pub deviation: [f32; 3],
}

impl InputScaling {
    /// That of the published f-BRS networks: distance maps by 260 pixels, ImageNet's colors.
    pub const PUBLISHED: Self =
        Self { norm_radius: 260.0, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

    /// That of the published RITM networks: discs of 5 pixels.
    pub const RITM: Self = Self { norm_radius: 5.0, ..Self::PUBLISHED };

    /// The same with another radius.
    #[must_use]
    pub fn with_norm_radius(self, norm_radius: f32) -> Self {
        Self { norm_radius, ..self }
    }

    /// Whether click maps can be made with this radius.
    pub(crate) fn holds_radius(pixels: f32) -> bool {
        (0.01..=1e6).contains(&pixels)
    }

    pub(crate) fn holds_normalization(&self) -> bool {
        self.mean.iter().all(|mean| mean.is_finite())
            && self.deviation.iter().all(|deviation| deviation.is_finite() && *deviation > 1e-6)
    }

    /// Whether colors are normalized as all published networks do.
    pub(crate) fn has_usual_colors(&self) -> bool {
        (self.mean, self.deviation) == (Self::PUBLISHED.mean, Self::PUBLISHED.deviation)
    }
}

impl Default for InputScaling {
    fn default() -> Self {
        Self::PUBLISHED
    }
}

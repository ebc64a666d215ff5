use crate::{Checkpoint, WeightsError};

/// Name of the built-in weights; `default` stands for it too.
pub const BUILT_IN: &str = "hrnet18s_ocr64";

#[cfg(feature = "built-in")]
static BYTES: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../weights/hrnet18s_ocr64.safetensors"
));

impl Checkpoint {
    /// The weights that this program carries: no file, no download. Their card is
    /// `weights/README.md`.
    ///
    /// # Errors
    /// [`WeightsError::NoBuiltIn`] without the feature `built-in`.
    #[cfg(feature = "built-in")]
    pub fn built_in() -> Result<Self, WeightsError> {
        Self::from_static("the built-in weights", BYTES, crate::ExtraKeys::Refuse)
    }

    /// The weights that this program carries: no file, no download. Their card is
    /// `weights/README.md`.
    ///
    /// # Errors
    /// [`WeightsError::NoBuiltIn`] without the feature `built-in`.
    #[cfg(not(feature = "built-in"))]
    pub fn built_in() -> Result<Self, WeightsError> {
        Err(WeightsError::NoBuiltIn)
    }
}

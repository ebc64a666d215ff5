use crate::{Checkpoint, WeightsError};

/// Weights that this program carries: their names and their files.
#[cfg(feature = "built-in")]
fn all() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    fbrs_default_weights::ALL.iter().map(|weights| (weights.name, weights.bytes))
}

#[cfg(not(feature = "built-in"))]
fn all() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    std::iter::empty()
}

/// Names of the weights that this program carries. The first is what `default` stands for; there
/// is none without the feature `built-in`.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    all().map(|(name, _)| name)
}

/// The name among the built-in ones that is meant: itself, or what `default` stands for.
pub(crate) fn built_in_name(name: &str) -> Option<&'static str> {
    built_in_names().find(|known| *known == name || name == "default")
}

impl Checkpoint {
    /// The weights that this program carries and uses where none are asked for: no file, no
    /// download. Their card is the crate `fbrs-default-weights`.
    ///
    /// # Errors
    /// [`WeightsError::NoBuiltIn`] without the feature `built-in`.
    pub fn built_in() -> Result<Self, WeightsError> {
        Self::built_in_as("default")
    }

    /// The weights of this name that this program carries; see [`built_in_names`].
    ///
    /// # Errors
    /// [`WeightsError::NoBuiltIn`] where it carries none of that name.
    pub fn built_in_as(name: &str) -> Result<Self, WeightsError> {
        let mut fitting = all().filter(|(known, _)| *known == name || name == "default");
        let (_, bytes) = fitting.next().ok_or(WeightsError::NoBuiltIn)?;
        Self::from_static("the built-in weights", bytes, crate::ExtraKeys::Refuse)
    }
}

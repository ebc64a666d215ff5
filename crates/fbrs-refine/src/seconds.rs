//! Durations as numbers of seconds, for `#[serde(with = …)]`: to the microsecond, so that files stay
//! readable.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes seconds.
///
/// # Errors
/// The serializer's own.
pub fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    rounded(time).serialize(serializer)
}

/// Reads seconds.
///
/// # Errors
/// For a number that is negative, not finite or longer than any duration.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn rounded(time: &Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}

/// The same where there may be none.
pub mod option {
    use super::{Deserialize, Deserializer, Duration, Error, Serialize, Serializer};

    /// Writes seconds or nothing.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.as_ref().map(super::rounded).serialize(serializer)
    }

    /// Reads seconds or nothing.
    ///
    /// # Errors
    /// For a number that is negative, not finite or longer than any duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(deserializer)?;
        seconds.map(Duration::try_from_secs_f64).transpose().map_err(D::Error::custom)
    }
}

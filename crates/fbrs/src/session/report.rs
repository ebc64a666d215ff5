use std::time::Duration;

use fbrs_clicks::{Region, Size};
use fbrs_refine::{ClickTrace, seconds};
use serde::{Deserialize, Serialize};

/// How a click was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClickReport {
    /// Part of the photo that the network saw; `None` for all of it.
    pub region: Option<Region>,
    /// Size at which the network saw it.
    pub crop: Size,
    /// Losses, times, ending and size of the refined quantity.
    pub refine: ClickTrace,
    /// Time of cropping, resizing and averaging; as a file, seconds.
    #[serde(with = "seconds")]
    pub transforms: Duration,
    /// Time of the whole click; as a file, seconds.
    #[serde(with = "seconds")]
    pub total: Duration,
}

use fbrs_models::Network;

use crate::device::ChosenDevice;

/// What all sessions of a segmenter share.
pub(crate) struct Loaded {
    pub(crate) network: Network,
    pub(crate) norm_radius: f32,
    pub(crate) device: ChosenDevice,
}

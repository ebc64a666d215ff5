use std::sync::Arc;

use fbrs_models::CutState;

use crate::frame::FrameId;

/// What refinement carries from click to click of one object. Cloning is cheap: snapshots share
/// features and z.
#[derive(Debug, Clone, Default)]
pub struct RefineState {
    pub(crate) z: Arc<Vec<f64>>,
    pub(crate) frame: Option<FrameId>,
    /// Features at the cut, kept once later clicks no longer go into the network.
    pub(crate) features: Option<Arc<[CutState]>>,
    /// Whether they hold what cannot be made again: an older previous mask.
    pub(crate) features_matter: bool,
}

impl RefineState {
    /// The refined quantity: per channel a scale then per channel a bias (f-BRS), or an offset
    /// `[crops, channels, height, width]` (RGB-BRS, DistMap-BRS); empty before the first refinement.
    pub fn z(&self) -> &[f64] {
        &self.z
    }

    /// The same without the features that are kept for later clicks: these give the same answers,
    /// and take as long as if there had been none.
    #[must_use]
    pub fn without_features(&self) -> Self {
        match self.features_matter {
            true => self.clone(),
            false => Self { features: None, ..self.clone() },
        }
    }

    /// What this state holds in memory: each piece with what tells it from others (states of one
    /// object share most of it) and its bytes.
    pub fn memory(&self) -> impl Iterator<Item = (Held, (usize, usize))> + '_ {
        let z = (Arc::as_ptr(&self.z).addr(), self.z.len() * size_of::<f64>());
        let features = self
            .features
            .as_ref()
            .map(|features| (features.as_ptr().addr(), features.iter().map(bytes).sum::<usize>()));
        std::iter::once((Held::Refined, z)).chain(features.map(|held| (Held::Features, held)))
    }
}

/// What a piece of memory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The refined quantity.
    Refined,
    /// Features that only save time.
    Features,
}

/// Bytes of a state at a cut.
pub(crate) fn bytes(state: &CutState) -> usize {
    state.values() * size_of::<f32>()
}

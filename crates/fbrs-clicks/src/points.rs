use crate::click::Click;
use crate::position::{CropSpace, Position};

/// The clicks that the network is told: as many positive as negative slots, some of them unused.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkPoints {
    positive: Vec<Option<Position<CropSpace>>>,
    negative: Vec<Option<Position<CropSpace>>>,
}

impl NetworkPoints {
    /// The first `limit` clicks in time order (all of them where there is no limit).
    ///
    /// The number of slots of each sign is the larger of the two counts over the whole list, cut to
    /// the limit, at least 1. A position whose two coordinates are both negative counts as unused.
    pub fn new(clicks: &[Click<CropSpace>], limit: Option<usize>) -> Self {
        let of =
            |clicks: &[Click<CropSpace>], positive: bool| -> Vec<Option<Position<CropSpace>>> {
                let of_sign = clicks.iter().filter(|click| click.is_positive() == positive);
                of_sign.map(|click| used(click.position)).collect()
            };
        let limit = limit.unwrap_or(clicks.len());
        let slots = of(clicks, true).len().max(of(clicks, false).len()).min(limit).max(1);
        let told = clicks.get(..limit).unwrap_or(clicks);
        let (mut positive, mut negative) = (of(told, true), of(told, false));
        positive.resize(slots, None);
        negative.resize(slots, None);
        Self { positive, negative }
    }

    /// All slots, the positive ones first; `None` is an unused slot.
    pub fn slots(&self) -> impl Iterator<Item = Option<Position<CropSpace>>> + '_ {
        self.positive.iter().chain(&self.negative).copied()
    }

    /// Used positions on the object.
    pub fn positive(&self) -> impl Iterator<Item = Position<CropSpace>> + '_ {
        self.positive.iter().flatten().copied()
    }

    /// Used positions on the background.
    pub fn negative(&self) -> impl Iterator<Item = Position<CropSpace>> + '_ {
        self.negative.iter().flatten().copied()
    }
}

fn used(position: Position<CropSpace>) -> Option<Position<CropSpace>> {
    (position.row >= 0.0 || position.col >= 0.0).then_some(position)
}

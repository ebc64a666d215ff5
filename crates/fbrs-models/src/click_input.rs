use std::sync::Arc;

use burn::tensor::Tensor;

/// What a network is told of the clicks.
#[derive(Debug, Clone)]
pub struct ClickInput {
    /// Click maps (distance maps or discs), positive first, `[batch, 2, height, width]`, in [0, 1],
    /// f32.
    pub maps: Tensor<4>,
    /// The probabilities that the clicks before were answered with, `[batch, 1, height, width]`, f32.
    /// Networks of RITM's kind may see them; `None` is 0 everywhere.
    pub previous_mask: Option<Tensor<4>>,
    /// The clicks that the maps were made of, per image of the batch. Networks of the Lite family
    /// read the image's features there.
    pub points: Arc<[ClickPoints]>,
}

/// The clicks on one image, (row, column) in its pixels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClickPoints {
    /// On the object.
    pub positive: Vec<[f32; 2]>,
    /// On the background.
    pub negative: Vec<[f32; 2]>,
}

//! The places where a network is cut in two, and its state there.

use burn::tensor::Tensor;

use crate::click_input::ClickInput;
use crate::image_features::ImageFeatures;
use crate::lite::LiteBeside;

/// Where a network is cut in two.
///
/// | cut | DeepLab, Lite | HRNet | acts in |
/// |---|---|---|---|
/// | `Image` | the image | the image | RGB-BRS |
/// | `DistanceMaps` | the distance maps | the distance maps | DistMap-BRS |
/// | `Early` | ASPP's input | the concatenated branches | f-BRS-A |
/// | `Middle` | the DeepLab head's input | the concatenated branches | f-BRS-B |
/// | `Late` | the DeepLab head's output | OCR's output | f-BRS-C |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// The normalized image, before the fusion with the clicks.
    Image,
    /// The distance maps, before the fusion with the image.
    DistanceMaps,
    /// Behind the backbone, and behind the fusion with the clicks.
    Early,
    /// Before the DeepLab head; on HRNet the same place as `Early`.
    Middle,
    /// Before the output head.
    Late,
}

/// A network's state at a [`Cut`].
#[derive(Debug, Clone)]
pub struct CutState {
    pub(crate) cut: Cut,
    pub(crate) features: Tensor<4>,
    pub(crate) beside: Beside,
    pub(crate) size: [usize; 2],
}

/// What the rest of a network reads beside the features.
#[derive(Debug, Clone)]
pub(crate) enum Beside {
    Nothing,
    /// At the image: what is told of the clicks.
    Clicks(Box<ClickInput>),
    /// At the distance maps: all else that the network is told.
    Image(Box<(ImageFeatures, ClickInput)>),
    /// Of a DeepLab behind its backbone: the skip connection.
    Skip(Box<Tensor<4>>),
    /// Of a Lite network behind its fusion.
    Lite(Box<LiteBeside>),
}

impl CutState {
    /// Where the network stands.
    pub fn cut(&self) -> Cut {
        self.cut
    }

    /// What refinement changes at this cut, `[batch, channels, height, width]`, f32.
    pub fn features(&self) -> &Tensor<4> {
        &self.features
    }

    /// How many numbers the state holds.
    pub fn values(&self) -> usize {
        let count = |tensor: &Tensor<4>| tensor.dims().iter().product::<usize>();
        let beside = match &self.beside {
            Beside::Nothing => 0,
            Beside::Clicks(told) => count(&told.maps),
            Beside::Image(told) => told.0.values(),
            Beside::Skip(skip) => count(skip),
            Beside::Lite(beside) => count(&beside.mid) + count(&beside.skip),
        };
        count(&self.features) + beside
    }

    /// The same state with other features of the same shape.
    pub fn with_features(&self, features: Tensor<4>) -> Self {
        Self { features, ..self.clone() }
    }

    /// Square patches of the features as one batch of `corners.len()`.
    ///
    /// A corner is (batch index, first row, first column) of a patch; patches lie inside the map.
    /// Only at a cut with a [neighborhood](crate::Network::neighborhood): what stands beside the
    /// features there is not needed.
    pub fn patches(&self, corners: &[(usize, usize, usize)], size: [usize; 2]) -> Self {
        let channels = self.features.dims()[1];
        let [height, width] = size;
        let patch = |&(batch, row, col): &(usize, usize, usize)| {
            self.features.clone().slice([
                batch..batch + 1,
                0..channels,
                row..row + height,
                col..col + width,
            ])
        };
        let features = Tensor::cat(corners.iter().map(patch).collect(), 0);
        Self { cut: self.cut, features, beside: Beside::Nothing, size }
    }

    /// Height and width of the image, and so of the logits.
    pub fn image_size(&self) -> [usize; 2] {
        self.size
    }
}

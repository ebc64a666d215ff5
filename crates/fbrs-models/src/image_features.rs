use burn::tensor::Tensor;

use crate::lite::LiteFeatures;

/// That part of a network's work which depends on the image alone, done once for all clicks on it.
///
/// | family | depends on the image alone |
/// |---|---|
/// | ResNet-DeepLabV3+, HRNetV2-OCR | nothing: the clicks enter with the image |
/// | the same of RITM's kind | the stem up to where the clicks are added to it |
/// | Lite | the encoder, the neck behind it, and what the fusion reads of them |
#[derive(Debug, Clone)]
pub struct ImageFeatures {
    pub(crate) of: Of,
    /// Of the image.
    pub(crate) size: [usize; 2],
}

#[derive(Debug, Clone)]
pub(crate) enum Of {
    /// The image itself, or the stem's output.
    Plain(Box<Tensor<4>>),
    Lite(Box<LiteFeatures>),
}

impl ImageFeatures {
    /// How many numbers it holds.
    pub fn values(&self) -> usize {
        let count = |tensor: &Tensor<4>| tensor.dims().iter().product::<usize>();
        match &self.of {
            Of::Plain(features) => count(features),
            Of::Lite(features) => features.tensors().into_iter().map(count).sum(),
        }
    }

    /// Height and width of the image.
    pub fn image_size(&self) -> [usize; 2] {
        self.size
    }
}

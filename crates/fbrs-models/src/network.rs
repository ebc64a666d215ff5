//! A network of any family, run whole or in parts.

use burn::tensor::{Device, Tensor};

use crate::architecture::{Architecture, LiteConfig};
use crate::build::{Listing, ParameterError, ParameterShape, ParameterSource};
use crate::click_input::ClickInput;
use crate::conv::{Folding, Reading};
use crate::cut::{Beside, Cut, CutState};
use crate::deeplab;
use crate::family::Family;
use crate::image_features::{ImageFeatures, Of};
use crate::lite::LiteTaps;
use crate::resize::resize_bilinear;

/// A segmentation network with its parameters on a device. Cloning shares the parameters.
#[derive(Debug, Clone)]
pub struct Network {
    pub(crate) architecture: Architecture,
    pub(crate) device: Device,
    pub(crate) family: Family,
}

impl Network {
    /// Reads the parameters of `architecture` from `source` onto `device`, batch normalization
    /// folded into the convolutions.
    ///
    /// Parameters are read one at a time: beside the network itself, memory holds one of them.
    ///
    /// # Errors
    /// The first parameter that the source cannot give.
    pub fn build(
        architecture: &Architecture,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, ParameterError> {
        Self::build_with(architecture, source, device, Folding::Folded)
    }

    pub(crate) fn build_with(
        architecture: &Architecture,
        source: &mut dyn ParameterSource,
        device: &Device,
        folding: Folding,
    ) -> Result<Self, ParameterError> {
        let mut reading = Reading { source, device, folding };
        let family = Family::build(architecture, &mut reading)?;
        Ok(Self { architecture: *architecture, device: device.clone(), family })
    }

    /// What this network is.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Where its parameters lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Channels of the features at a cut.
    pub fn channels_at(&self, cut: Cut) -> usize {
        match &self.architecture {
            Architecture::DeepLab(config) => config.channels_at(cut),
            Architecture::HrNet(config) => config.channels_at(cut),
            Architecture::Lite(_) => LiteConfig::channels_at(cut),
        }
    }

    /// How far, in pixels of the map at stride 4, a logit at that stride sees in the features at a
    /// cut; `None` where it sees more than a neighborhood.
    ///
    /// Within such a neighborhood the rest of the network is made of convolutions alone, so that
    /// it can be run on patches ([`CutState::patches`]).
    pub fn neighborhood(&self, cut: Cut) -> Option<usize> {
        match (&self.family, cut) {
            (Family::DeepLab(_), Cut::Middle) => Some(2 * deeplab::HEAD_RADIUS),
            (Family::DeepLab(_), Cut::Late) => Some(deeplab::HEAD_RADIUS),
            (Family::HrNet(_), Cut::Late) => Some(0),
            (Family::Lite(_), cut) => LiteConfig::neighborhood(cut),
            _ => None,
        }
    }

    /// Computes what depends on the image alone. `image`: normalized, `[batch, 3, height, width]`,
    /// f32.
    pub fn image_features(&self, image: Tensor<4>) -> ImageFeatures {
        self.family.image_features(image)
    }

    /// The state at [`Cut::Image`]. `image` as for [`Network::image_features`].
    pub fn at_image(&self, image: Tensor<4>, told: ClickInput) -> CutState {
        let [_, _, height, width] = image.dims();
        let beside = Beside::Clicks(Box::new(told));
        CutState { cut: Cut::Image, features: image, beside, size: [height, width] }
    }

    /// Runs up to a cut behind the image: to [`Cut::DistanceMaps`] where `cut` is not behind it.
    /// Shapes of a batch of images and of what is told of their clicks agree.
    ///
    /// # Panics
    /// Where the features are those of a network of another family.
    pub fn run_to(&self, cut: Cut, image: &ImageFeatures, told: ClickInput) -> CutState {
        let (size, features) = (image.size, told.maps.clone());
        let beside = Beside::Image(Box::new((image.clone(), told)));
        let mut state = CutState { cut: Cut::DistanceMaps, features, beside, size };
        while state.cut < cut {
            state = self.family.advance(state);
        }
        state
    }

    /// Runs from a cut to the logits at the image's size, `[batch, 1, height, width]`.
    pub fn run_from(&self, state: CutState) -> Tensor<4> {
        let size = state.size;
        resize_bilinear(self.run_from_to_stride(state), size)
    }

    /// Runs from a cut to the logits at stride 4, before they are resized to the image's size:
    /// `[batch, 1, ⌈height/4⌉, ⌈width/4⌉]`.
    pub fn run_from_to_stride(&self, mut state: CutState) -> Tensor<4> {
        while state.cut < Cut::Late {
            state = self.family.advance(state);
        }
        self.family.output(state.features)
    }

    /// The whole network: logits at the image's size, `[batch, 1, height, width]`.
    pub fn forward(&self, image: Tensor<4>, told: ClickInput) -> Tensor<4> {
        self.run_from(self.at_image(image, told))
    }

    /// The logits at the image's size, from what depends on the image alone, `[batch, 1, height, width]`.
    ///
    /// # Panics
    /// Where the features are those of a network of another family.
    pub fn answer(&self, image: &ImageFeatures, told: ClickInput) -> Tensor<4> {
        let state = self.family.fuse(image, told);
        self.run_from(state)
    }

    /// Of a Lite network what its encoder gives for images, as for [`Network::image_features`].
    pub fn lite_taps(&self, image: Tensor<4>) -> Option<LiteTaps> {
        match &self.family {
            Family::Lite(net) => Some(net.encoder.forward(image)),
            _ => None,
        }
    }

    /// Of a Lite network what depends on images of a size (height, width) alone, from what its encoder
    /// gave for them.
    pub fn features_of_taps(&self, taps: LiteTaps, size: [usize; 2]) -> Option<ImageFeatures> {
        match &self.family {
            Family::Lite(net) => {
                Some(ImageFeatures { of: Of::Lite(Box::new(net.features_of_taps(taps))), size })
            }
            _ => None,
        }
    }

    /// Whether the network can be cut there. Without object attention an HRNet has no features before
    /// its output head that f-BRS-C could change.
    pub fn has_cut(&self, cut: Cut) -> bool {
        match &self.architecture {
            Architecture::HrNet(config) => cut != Cut::Late || config.ocr_width > 0,
            _ => true,
        }
    }
}

impl Architecture {
    /// Every parameter of a checkpoint of this architecture: names as published, in network
    /// order, without `num_batches_tracked`.
    ///
    /// Some are never read, because they cannot influence the result (the OCR's query and key
    /// with one class, see the crate's `ocr` module): [`ParameterShape::used`] tells.
    pub fn parameters(&self) -> Vec<ParameterShape> {
        let mut listing = Listing::default();
        let done = Family::build(self, &mut listing);
        match done {
            Ok(_) => listing.into_parameters(),
            Err(never) => match never {},
        }
    }
}

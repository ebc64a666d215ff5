//! The networks of all families, whatever their layers are.

use burn::tensor::Tensor;

use crate::architecture::Architecture;
use crate::build::Build;
use crate::click_input::ClickInput;
use crate::conv::{Conv, Layer};
#[cfg(feature = "testing")]
use crate::cut::Cut;
use crate::cut::{Beside, CutState};
use crate::deeplab::DeepLab;
use crate::hrnet::HrNet;
use crate::image_features::{ImageFeatures, Of};
use crate::lite::Lite;
#[cfg(feature = "testing")]
use crate::testing::StandIn;

#[derive(Debug, Clone)]
pub(crate) enum Family<L = Conv> {
    DeepLab(Box<DeepLab<L>>),
    HrNet(Box<HrNet<L>>),
    Lite(Box<Lite<L>>),
    #[cfg(feature = "testing")]
    StandIn(StandIn),
}

impl<L> Family<L> {
    /// Every layer of a network, in published order.
    pub(crate) fn build<B: Build<Layer = L>>(
        architecture: &Architecture,
        build: &mut B,
    ) -> Result<Self, B::Error> {
        Ok(match architecture {
            Architecture::DeepLab(config) => Self::DeepLab(DeepLab::build(config, build)?.into()),
            Architecture::HrNet(config) => Self::HrNet(HrNet::build(config, build)?.into()),
            Architecture::Lite(config) => Self::Lite(Lite::build(config, build)?.into()),
        })
    }
}

impl<L: Layer> Family<L> {
    /// What depends on the image alone.
    pub(crate) fn image_features(&self, image: Tensor<4>) -> ImageFeatures {
        let [_, _, height, width] = image.dims();
        let of = match self {
            Self::DeepLab(net) => Of::Plain(Box::new(net.image_features(image))),
            Self::HrNet(net) => Of::Plain(Box::new(net.image_features(image))),
            Self::Lite(net) => Of::Lite(Box::new(net.image_features(image))),
            #[cfg(feature = "testing")]
            Self::StandIn(_) => Of::Plain(Box::new(image)),
        };
        ImageFeatures { of, size: [height, width] }
    }

    /// From one cut to the next.
    pub(crate) fn advance(&self, state: CutState) -> CutState {
        match state.beside {
            Beside::Clicks(told) => {
                let image = self.image_features(state.features);
                self.fuse(&image, *told)
            }
            // The maps may have been changed since they were told.
            Beside::Image(told) => {
                let (image, told) = *told;
                self.fuse(&image, ClickInput { maps: state.features, ..told })
            }
            _ => match self {
                Self::DeepLab(net) => net.advance(state),
                Self::HrNet(net) => net.advance(state),
                Self::Lite(net) => net.advance(state),
                #[cfg(feature = "testing")]
                Self::StandIn(_) => CutState { cut: Cut::Late, ..state },
            },
        }
    }

    /// Image and clicks to the first cut behind their fusion.
    pub(crate) fn fuse(&self, image: &ImageFeatures, told: ClickInput) -> CutState {
        match (self, &image.of) {
            (Self::DeepLab(net), Of::Plain(features)) => {
                net.encode(*features.clone(), &told, image.size)
            }
            (Self::HrNet(net), Of::Plain(features)) => {
                net.encode(*features.clone(), &told, image.size)
            }
            (Self::Lite(net), Of::Lite(image)) => net.fuse(image, &told),
            #[cfg(feature = "testing")]
            (Self::StandIn(answer), Of::Plain(features)) => CutState {
                cut: Cut::Late,
                features: (answer.0)(features, &told),
                beside: Beside::Nothing,
                size: image.size,
            },
            _ => unreachable!("features of another network"),
        }
    }

    /// The last cut's features to the logits at stride 4.
    pub(crate) fn output(&self, features: Tensor<4>) -> Tensor<4> {
        match self {
            Self::DeepLab(net) => net.output(features),
            Self::HrNet(net) => net.output(features),
            Self::Lite(net) => net.decoder.output(features),
            #[cfg(feature = "testing")]
            Self::StandIn(_) => features,
        }
    }
}

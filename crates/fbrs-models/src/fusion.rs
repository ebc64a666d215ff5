//! Fusion of image and clicks in front of either backbone, or in its stem.

use burn::tensor::Tensor;
use burn::tensor::activation::{leaky_relu, relu};

use crate::architecture::{Fusion, Guidance, GuidanceWay, PreviousMask};
use crate::build::Build;
use crate::click_input::ClickInput;
use crate::conv::{Conv, ConvSpec, Layer};

const LEAKY_SLOPE: f64 = 0.2;
/// Channels of the stem that clicks are added to.
const STEM: usize = 64;
const MAPS: usize = 16;

#[derive(Debug, Clone)]
pub(crate) enum ClickFusion<L = Conv> {
    /// conv1×1 5→8, LeakyReLU, BatchNorm, conv1×1 8→3.
    Learned { first: L, second: L },
    /// `0.8 · image · concat(d₊, d₋, 1) + 0.2 · image`, for checkpoints without `rgb_conv`.
    Fixed,
    /// RITM's `rgb_conv`: conv1×1, BatchNorm, activation, conv1×1 to 3 channels.
    Guided { first: L, second: L, guidance: Guidance },
    /// RITM's `maps_transform`, added to the stem.
    Stem { maps: StemMaps<L>, guidance: Guidance },
}

/// From the click maps to what is added to the stem, at half the resolution.
#[derive(Debug, Clone)]
pub(crate) enum StemMaps<L> {
    /// conv1×1 to 16, activation, conv3×3 of stride 2 to 64, times the absolute value of a scale.
    Scaled { first: L, second: L },
    /// conv3×3 of stride 2 to 64.
    Extended(L),
}

impl<L> ClickFusion<L> {
    pub(crate) fn build<B: Build<Layer = L>>(
        fusion: Fusion,
        build: &mut B,
    ) -> Result<Self, B::Error> {
        let guidance = match fusion {
            Fusion::Fixed => return Ok(Self::Fixed),
            Fusion::Learned => {
                return Ok(Self::Learned {
                    first: build.conv(ConvSpec::new("rgb_conv.0", 5, 8, 1).bias())?,
                    second: build.conv(
                        ConvSpec::new("rgb_conv.3", 8, 3, 1).bias().norm_before("rgb_conv.2"),
                    )?,
                });
            }
            Fusion::Guided(guidance) => guidance,
        };
        let channels = guidance.channels();
        let name = "maps_transform";
        let maps = match guidance.way {
            GuidanceWay::RgbConv => {
                let middle = channels + 6;
                let first = ConvSpec::new("rgb_conv.0", channels + 3, middle, 1);
                return Ok(Self::Guided {
                    first: build.conv(first.bias().norm("rgb_conv.1"))?,
                    second: build.conv(ConvSpec::new("rgb_conv.3", middle, 3, 1).bias())?,
                    guidance,
                });
            }
            GuidanceWay::Stem => {
                let first = ConvSpec::new(format!("{name}.0"), channels, MAPS, 1).bias();
                let second = ConvSpec::new(format!("{name}.2"), MAPS, STEM, 3).bias().stride(2);
                StemMaps::Scaled {
                    first: build.conv(first)?,
                    second: build.conv(second.scaled_by(format!("{name}.3.scale")))?,
                }
            }
            GuidanceWay::StemExtended => StemMaps::Extended(
                build.conv(ConvSpec::new(name, channels, STEM, 3).bias().stride(2))?,
            ),
        };
        Ok(Self::Stem { maps, guidance })
    }
}

impl<L: Layer> ClickFusion<L> {
    /// Image `[batch, 3, height, width]` and clicks to what the backbone reads:
    /// `[batch, 3, height, width]`. The image itself where clicks join the stem.
    pub(crate) fn forward(&self, image: Tensor<4>, told: &ClickInput) -> Tensor<4> {
        match self {
            Self::Learned { first, second } => {
                let x = first.forward(Tensor::cat(vec![image, told.maps.clone()], 1));
                second.forward(leaky_relu(x, LEAKY_SLOPE))
            }
            Self::Fixed => {
                let [batch, _, height, width] = image.dims();
                let ones = Tensor::ones([batch, 1, height, width], &image.device());
                let weights = Tensor::cat(vec![told.maps.clone(), ones], 1);
                image.clone() * weights * 0.8 + image * 0.2
            }
            Self::Guided { first, second, guidance } => {
                let x = Tensor::cat(vec![image, coordinates(told, *guidance)], 1);
                second.forward(activated(first, x, *guidance))
            }
            Self::Stem { .. } => image,
        }
    }

    /// What is added to the stem: `[batch, 64, height/2, width/2]`; `None` where clicks do not join
    /// it.
    pub(crate) fn in_stem(&self, told: &ClickInput) -> Option<Tensor<4>> {
        let Self::Stem { maps, guidance } = self else { return None };
        let x = coordinates(told, *guidance);
        Some(match maps {
            StemMaps::Scaled { first, second } => second.forward(activated(first, x, *guidance)),
            StemMaps::Extended(conv) => conv.forward(x),
        })
    }
}

fn activated<L: Layer>(conv: &L, x: Tensor<4>, guidance: Guidance) -> Tensor<4> {
    match guidance.leaky {
        true => leaky_relu(conv.forward(x), LEAKY_SLOPE),
        false => relu(conv.forward(x)),
    }
}

/// Previous mask (where the network sees it), positive clicks, negative clicks.
pub(crate) fn coordinates(told: &ClickInput, guidance: Guidance) -> Tensor<4> {
    let [batch, _, height, width] = told.maps.dims();
    let empty = || Tensor::zeros([batch, 1, height, width], &told.maps.device());
    let mask = || told.previous_mask.clone().unwrap_or_else(empty);
    let mask = match guidance.previous_mask {
        PreviousMask::None => return told.maps.clone(),
        PreviousMask::Probabilities => mask(),
        PreviousMask::Binary => mask().greater_scalar(0.5).float(),
    };
    Tensor::cat(vec![mask, told.maps.clone()], 1)
}

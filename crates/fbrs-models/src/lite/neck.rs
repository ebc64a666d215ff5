//! The neck: the encoder's taps brought together at three strides, and embeddings of two of them.

use burn::tensor::Tensor;

use super::PREFIX;
use super::clicks::unit;
use super::encoder::LiteTaps;
use crate::build::Build;
use crate::conv::{Conv, ConvSpec, Layer};
use crate::resize::{Joining, join_resized};
use crate::separable::SeparableConv;

pub(super) const DEEP: usize = 128;
pub(super) const DEEP_EMBEDDING: usize = 64;
pub(super) const MID: usize = 64;
pub(super) const SKIP: usize = 48;
pub(super) const SKIP_EMBEDDING: usize = 32;

#[derive(Debug, Clone)]
pub(crate) struct Neck<L = Conv> {
    deep: L,
    deep_embed: L,
    mid: Join<L>,
    skip: Join<L>,
    skip_embed: L,
}

/// What the neck computes.
#[derive(Debug, Clone)]
pub(crate) struct NeckFeatures {
    /// Stride 16.
    pub(crate) deep: Tensor<4>,
    /// Stride 8.
    pub(crate) mid: Tensor<4>,
    /// Stride 4.
    pub(crate) skip: Tensor<4>,
    /// Embeddings of length 1 by groups, at the size of `deep`.
    pub(crate) deep_unit: Tensor<4>,
    /// The same at the size of `skip`.
    pub(crate) skip_unit: Tensor<4>,
}

impl<L> Neck<L> {
    pub(super) fn build<B: Build<Layer = L>>(build: &mut B) -> Result<Self, B::Error> {
        let [quarter, eighth, sixteenth, last] = LiteTaps::CHANNELS;
        let embed =
            |name: &str, input, output| ConvSpec::new(format!("{PREFIX}.{name}"), input, output, 1);
        Ok(Self {
            deep: build.conv(conv_norm("deep_project", sixteenth + last, DEEP, 1))?,
            deep_embed: build.conv(embed("deep_embed", DEEP, DEEP_EMBEDDING))?,
            mid: Join::build(build, "mid", [DEEP, eighth, 48, MID])?,
            skip: Join::build(build, "skip", [MID, quarter, 32, SKIP])?,
            skip_embed: build.conv(embed("skip_embed", SKIP, SKIP_EMBEDDING))?,
        })
    }
}

/// `feature_extractor.NAME`: a convolution, BatchNorm and ReLU.
pub(super) fn conv_norm(name: &str, input: usize, output: usize, kernel: usize) -> ConvSpec {
    ConvSpec::new(format!("{PREFIX}.{name}.0"), input, output, kernel)
        .norm(format!("{PREFIX}.{name}.1"))
}

impl<L: Layer> Neck<L> {
    pub(crate) fn forward(&self, taps: LiteTaps) -> NeckFeatures {
        let deep = self.deep.relu(Tensor::cat(vec![taps.sixteenth, taps.last], 1));
        let mid = self.mid.forward(deep.clone(), taps.eighth);
        let skip = self.skip.forward(mid.clone(), taps.quarter);
        let deep_unit = unit(self.deep_embed.forward(deep.clone()));
        let skip_unit = unit(self.skip_embed.forward(skip.clone()));
        NeckFeatures { deep, mid, skip, deep_unit, skip_unit }
    }
}

/// Coarse features resized to finer ones, both projected to one width and fused.
#[derive(Debug, Clone)]
struct Join<L> {
    up: L,
    project: L,
    fuse: SeparableConv<L>,
}

impl<L> Join<L> {
    fn build<B: Build<Layer = L>>(
        build: &mut B,
        name: &str,
        [coarse, fine, width, output]: [usize; 4],
    ) -> Result<Self, B::Error> {
        let fuse = format!("{PREFIX}.{name}_fuse");
        Ok(Self {
            up: build.conv(conv_norm(&format!("{name}_up"), coarse, width, 1))?,
            project: build.conv(conv_norm(&format!("{name}_project"), fine, width, 1))?,
            fuse: SeparableConv::build(build, &fuse, 2 * width, output)?,
        })
    }
}

impl<L: Layer> Join<L> {
    fn forward(&self, coarse: Tensor<4>, fine: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = fine.dims();
        let parts = vec![self.up.relu(coarse), self.project.relu(fine)];
        self.fuse.forward(join_resized(parts, [height, width], Joining::Beside))
    }
}

//! Atrous spatial pyramid pooling (Chen et al. 2017).

use burn::tensor::Tensor;

use crate::build::Build;
use crate::conv::{Conv, ConvSpec, Layer};
use crate::learning::Dropout;

/// Five branches, concatenated and projected: 1×1, three dilated 3×3, and the mean of all pixels.
#[derive(Debug, Clone)]
pub(crate) struct Aspp<L = Conv> {
    branches: Vec<L>,
    pooled: L,
    project: L,
}

impl<L> Aspp<L> {
    pub(crate) fn build<B: Build<Layer = L>>(
        build: &mut B,
        name: &str,
        input: usize,
        channels: usize,
        dilations: [usize; 3],
    ) -> Result<Self, B::Error> {
        let branch = |index: usize, kernel| {
            ConvSpec::new(format!("{name}.concurent.{index}.0"), input, channels, kernel)
                .norm(format!("{name}.concurent.{index}.1"))
        };
        let mut branches = vec![build.conv(branch(0, 1))?];
        for (index, dilation) in dilations.into_iter().enumerate() {
            branches.push(build.conv(branch(index + 1, 3).dilation(dilation))?);
        }
        let pooled = ConvSpec::new(format!("{name}.concurent.4.gap.1"), input, channels, 1)
            .norm(format!("{name}.concurent.4.gap.2"));
        let project = ConvSpec::new(format!("{name}.project.0"), 5 * channels, channels, 1)
            .norm(format!("{name}.project.1"))
            .dropout(Dropout::Values);
        Ok(Self { branches, pooled: build.conv(pooled)?, project: build.conv(project)? })
    }
}

impl<L: Layer> Aspp<L> {
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, _, height, width] = x.dims();
        let mut parts: Vec<_> = self.branches.iter().map(|branch| branch.relu(x.clone())).collect();
        let pooled = self.pooled.relu(x.mean_dim(3).mean_dim(2));
        let channels = pooled.dims()[1];
        parts.push(pooled.expand([batch, channels, height, width]));
        self.project.relu(Tensor::cat(parts, 1))
    }
}

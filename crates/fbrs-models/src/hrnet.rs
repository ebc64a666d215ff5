//! HRNetV2 (Wang et al. 2019) with OCR.

use burn::tensor::Tensor;

use crate::architecture::HrNetConfig;
use crate::block::{self, Block, Dilation};
use crate::build::Build;
use crate::click_input::ClickInput;
use crate::conv::{Conv, ConvSpec, Layer};
use crate::cut::{Beside, Cut, CutState};
use crate::fusion::ClickFusion;
use crate::ocr::{Ocr, PREFIX};
use crate::resize::{Joining, join_resized};

/// Channels of the first stage's output.
const STAGE1_CHANNELS: usize = 256;

impl HrNetConfig {
    fn branch_width(&self, branch: usize) -> usize {
        self.width << branch
    }

    /// Channels of the concatenated branches.
    pub(crate) fn features(&self) -> usize {
        15 * self.width
    }

    fn stage1_blocks(&self) -> usize {
        if self.small { 2 } else { 4 }
    }

    fn branch_blocks(&self) -> usize {
        if self.small { 2 } else { 4 }
    }

    /// Modules of stages 2, 3 and 4.
    fn modules(&self) -> [usize; 3] {
        if self.small { [1, 3, 2] } else { [1, 4, 3] }
    }

    pub(crate) fn channels_at(&self, cut: Cut) -> usize {
        match cut {
            Cut::Image => 3,
            Cut::DistanceMaps => 2,
            Cut::Early | Cut::Middle => self.features(),
            Cut::Late if self.ocr_width == 0 => self.features(),
            Cut::Late => 2 * self.ocr_width,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct HrNet<L = Conv> {
    pub(crate) fusion: ClickFusion<L>,
    stem: [L; 2],
    stage1: Vec<Block<L>>,
    stages: Vec<Stage<L>>,
    pub(crate) head: HrNetHead<L>,
}

/// What follows the concatenated branches.
#[derive(Debug, Clone)]
pub(crate) enum HrNetHead<L = Conv> {
    Ocr(Ocr<L>),
    /// 3×3 with BatchNorm and ReLU, and the class head: a network without object attention.
    Plain {
        features: L,
        classes: L,
    },
}

impl<L> HrNet<L> {
    pub(crate) fn build<B: Build<Layer = L>>(
        config: &HrNetConfig,
        build: &mut B,
    ) -> Result<Self, B::Error> {
        let fusion = ClickFusion::build(config.fusion, build)?;
        let mut stem = |index: usize, input| {
            let conv = ConvSpec::new(format!("{PREFIX}.conv{index}"), input, 64, 3)
                .norm(format!("{PREFIX}.bn{index}"))
                .stride(2);
            build.conv(conv)
        };
        let stem = [stem(1, 3)?, stem(2, 64)?];
        let mut stage1 = Vec::new();
        for index in 0..config.stage1_blocks() {
            let channels = (if index == 0 { 64 } else { STAGE1_CHANNELS }, STAGE1_CHANNELS);
            let name = format!("{PREFIX}.layer1.{index}");
            stage1.push(Block::bottleneck(build, &name, channels, 1, Dilation::ONE)?);
        }
        let mut stages = Vec::new();
        let mut widths = vec![STAGE1_CHANNELS];
        for (index, modules) in config.modules().into_iter().enumerate() {
            let next: Vec<_> = (0..index + 2).map(|branch| config.branch_width(branch)).collect();
            stages.push(Stage::build(config, build, index + 2, modules, &widths, &next)?);
            widths = next;
        }
        let head = match config.ocr_width {
            0 => {
                let (width, name) = (config.features(), format!("{PREFIX}.cls_head"));
                let features = ConvSpec::new(format!("{name}.0"), width, width, 3);
                HrNetHead::Plain {
                    features: build.conv(features.bias().norm(format!("{name}.1")))?,
                    classes: build.conv(ConvSpec::new(format!("{name}.3"), width, 1, 1).bias())?,
                }
            }
            _ => HrNetHead::Ocr(Ocr::build(config, build)?),
        };
        Ok(Self { fusion, stem, stage1, stages, head })
    }
}

impl<L: Layer> HrNet<L> {
    /// The stem's first convolution where it depends on the image alone, else the image.
    pub(crate) fn image_features(&self, image: Tensor<4>) -> Tensor<4> {
        match self.fusion {
            ClickFusion::Stem { .. } => self.stem[0].relu(image),
            _ => image,
        }
    }

    /// The image's features and the clicks through the stem and the first stage: stride 4, 256
    /// channels.
    pub(crate) fn first_stage(&self, image: Tensor<4>, told: &ClickInput) -> Tensor<4> {
        let first = match self.fusion.in_stem(told) {
            Some(maps) => image + maps,
            None => self.stem[0].relu(self.fusion.forward(image, told)),
        };
        block::run(&self.stage1, self.stem[1].relu(first))
    }

    /// The first stage's output to the concatenated branches, `[batch, 15 · width, h/4, w/4]`.
    pub(crate) fn features(&self, x: Tensor<4>) -> Tensor<4> {
        let branches = self.stages.iter().fold(vec![x], |branches, stage| stage.forward(branches));
        let Some([_, _, height, width]) = branches.first().map(Tensor::dims) else {
            return Tensor::cat(branches, 1);
        };
        join_resized(branches, [height, width], Joining::Beside)
    }

    /// Behind the first cut: from one to the next; a state at the last one stays as it is.
    pub(crate) fn advance(&self, state: CutState) -> CutState {
        let CutState { cut, features, beside, size } = state;
        match cut {
            Cut::Early => CutState { cut: Cut::Middle, features, beside, size },
            Cut::Middle => {
                let features = match &self.head {
                    HrNetHead::Ocr(ocr) => ocr.forward(features),
                    HrNetHead::Plain { features: layer, .. } => layer.relu(features),
                };
                CutState { cut: Cut::Late, features, beside, size }
            }
            _ => CutState { cut, features, beside, size },
        }
    }

    /// The last cut's features to the logits at stride 4.
    pub(crate) fn output(&self, features: Tensor<4>) -> Tensor<4> {
        match &self.head {
            HrNetHead::Ocr(ocr) => ocr.classify(features),
            HrNetHead::Plain { classes, .. } => classes.forward(features),
        }
    }

    /// From the image's features, of an image of `size`, and the clicks to the first cut.
    pub(crate) fn encode(&self, image: Tensor<4>, told: &ClickInput, size: [usize; 2]) -> CutState {
        let features = self.features(self.first_stage(image, told));
        CutState { cut: Cut::Early, features, beside: Beside::Nothing, size }
    }
}

/// Transition to one more branch, then modules of parallel branches with fusion.
#[derive(Debug, Clone)]
struct Stage<L = Conv> {
    transition: Vec<Option<L>>,
    modules: Vec<Module<L>>,
}

impl<L> Stage<L> {
    fn build<B: Build<Layer = L>>(
        config: &HrNetConfig,
        build: &mut B,
        number: usize,
        modules: usize,
        before: &[usize],
        widths: &[usize],
    ) -> Result<Self, B::Error> {
        let mut transition = Vec::new();
        for (branch, &width) in widths.iter().enumerate() {
            let name = format!("{PREFIX}.transition{}.{branch}", number - 1);
            let spec = match (before.get(branch), before.last()) {
                (Some(&input), _) if input == width => None,
                (Some(&input), _) => Some(
                    ConvSpec::new(format!("{name}.0"), input, width, 3).norm(format!("{name}.1")),
                ),
                (None, last) => Some(
                    ConvSpec::new(format!("{name}.0.0"), last.copied().unwrap_or(width), width, 3)
                        .norm(format!("{name}.0.1"))
                        .stride(2),
                ),
            };
            transition.push(spec.map(|spec| build.conv(spec)).transpose()?);
        }
        let mut layers = Vec::new();
        for module in 0..modules {
            let name = format!("{PREFIX}.stage{number}.{module}");
            layers.push(Module::build(build, &name, config.branch_blocks(), widths)?);
        }
        Ok(Self { transition, modules: layers })
    }
}

impl<L: Layer> Stage<L> {
    fn forward(&self, branches: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
        let Some(last) = branches.last().cloned() else { return branches };
        let inputs = branches.into_iter().chain(std::iter::repeat(last));
        let branches = self.transition.iter().zip(inputs).map(|(conv, x)| match conv {
            Some(conv) => conv.relu(x),
            None => x,
        });
        self.modules.iter().fold(branches.collect(), |branches, module| module.forward(branches))
    }
}

/// Basic blocks on every branch, then every branch receives the sum of all.
#[derive(Debug, Clone)]
struct Module<L = Conv> {
    branches: Vec<Vec<Block<L>>>,
    /// `fuse[i][j]` brings branch `j` to branch `i`.
    fuse: Vec<Vec<Fuse<L>>>,
}

#[derive(Debug, Clone)]
enum Fuse<L> {
    Same,
    /// From a coarser branch: conv1×1, resize.
    Up(L),
    /// From a finer branch: conv3×3 of stride 2, ReLU after each but the last.
    Down(Vec<L>),
}

impl<L> Module<L> {
    fn build<B: Build<Layer = L>>(
        build: &mut B,
        name: &str,
        blocks: usize,
        widths: &[usize],
    ) -> Result<Self, B::Error> {
        let mut branches = Vec::new();
        for (branch, &width) in widths.iter().enumerate() {
            let mut layers = Vec::new();
            for index in 0..blocks {
                let name = format!("{name}.branches.{branch}.{index}");
                layers.push(Block::basic(build, &name, (width, width), 1, Dilation::ONE)?);
            }
            branches.push(layers);
        }
        let mut fuse = Vec::new();
        for (to, &output) in widths.iter().enumerate() {
            let mut row = Vec::new();
            for (from, &input) in widths.iter().enumerate() {
                let name = format!("{name}.fuse_layers.{to}.{from}");
                row.push(match to.cmp(&from) {
                    std::cmp::Ordering::Equal => Fuse::Same,
                    std::cmp::Ordering::Less => Fuse::Up(
                        build.conv(
                            ConvSpec::new(format!("{name}.0"), input, output, 1)
                                .norm(format!("{name}.1")),
                        )?,
                    ),
                    std::cmp::Ordering::Greater => {
                        let mut chain = Vec::new();
                        for step in 0..to - from {
                            let last = step + 1 == to - from;
                            let spec = ConvSpec::new(
                                format!("{name}.{step}.0"),
                                input,
                                if last { output } else { input },
                                3,
                            );
                            chain
                                .push(build.conv(spec.norm(format!("{name}.{step}.1")).stride(2))?);
                        }
                        Fuse::Down(chain)
                    }
                });
            }
            fuse.push(row);
        }
        Ok(Self { branches, fuse })
    }
}

impl<L: Layer> Module<L> {
    fn forward(&self, inputs: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
        let branches: Vec<_> =
            self.branches.iter().zip(inputs).map(|(blocks, x)| block::run(blocks, x)).collect();
        let fused = self.fuse.iter().zip(&branches).map(|(row, own)| {
            let [_, _, height, width] = own.dims();
            let parts = row.iter().zip(&branches);
            let parts = parts.map(|(fuse, branch)| fuse.forward(branch.clone())).collect();
            join_resized(parts, [height, width], Joining::SumRelu)
        });
        fused.collect()
    }
}

impl<L: Layer> Fuse<L> {
    /// What is resized and added to the others.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Same => x,
            Self::Up(conv) => conv.forward(x),
            Self::Down(chain) => chain.iter().enumerate().fold(x, |x, (step, conv)| {
                if step + 1 == chain.len() { conv.forward(x) } else { conv.relu(x) }
            }),
        }
    }
}

//! The gradient of a convolution with respect to its input: itself a convolution, with the weights
//! transposed. Of a strided one, every phase of the input has a convolution of its own, so that no
//! zeros are multiplied.

use rayon::prelude::*;

use super::stencil::Stencil;
use super::{Finish, HostConv, Planes, Weight, transposed_tiles, zeros};

#[derive(Debug)]
pub(super) struct InputGradient {
    /// By phase, row-major; `stride²` of them. `None` where no output reads the phase.
    phases: Vec<Option<HostConv>>,
    stride: usize,
}

impl InputGradient {
    pub(super) fn new(conv: &HostConv) -> Self {
        let stride = conv.stencil.stride;
        let phases = (0..stride * stride).map(|phase| {
            let (stencil, which) = conv.stencil.transposed([phase / stride, phase % stride]);
            (!which.is_empty()).then(|| transposed(conv, stencil, &which))
        });
        Self { phases: phases.collect(), stride }
    }

    /// From the gradient with respect to the output to that with respect to the input,
    /// `[batch, channels, size]`.
    pub(super) fn run(&self, gradient: Planes<'_>, channels: usize, size: [usize; 2]) -> Vec<f32> {
        if let (1, [Some(conv)]) = (self.stride, self.phases.as_slice()) {
            return conv.forward(gradient, size, Finish::default());
        }
        let [height, width] = size;
        let mut values = zeros(gradient.dims[0] * channels * height * width);
        for (phase, conv) in self.phases.iter().enumerate() {
            let Some(conv) = conv else { continue };
            let [top, left] = [phase / self.stride, phase % self.stride];
            let count =
                |length: usize, first: usize| length.saturating_sub(first).div_ceil(self.stride);
            let [rows, cols] = [count(height, top), count(width, left)];
            if rows * cols == 0 {
                continue;
            }
            let part = conv.forward(gradient, [rows, cols], Finish::default());
            let planes = values.par_chunks_mut((height * width).max(1));
            planes.zip(part.par_chunks(rows * cols)).for_each(|(plane, part)| {
                let lines = plane.chunks_mut(width).skip(top).step_by(self.stride);
                for (line, part) in lines.zip(part.chunks(cols)) {
                    let to = line.iter_mut().skip(left).step_by(self.stride);
                    to.zip(part).for_each(|(to, value)| *to = *value);
                }
            });
        }
        values
    }
}

/// The convolution of a phase; `which`: its taps, in the order of its stencil. Weights change with every step of
/// training: they are transposed as they lie.
fn transposed(conv: &HostConv, stencil: Stencil, which: &[usize]) -> HostConv {
    let taps = conv.stencil.taps.len();
    let channels @ (input, output) = (conv.output, conv.input);
    let weight = match &conv.weight {
        Weight::Tiles { tiles, .. } => {
            let tiles = transposed_tiles(tiles, (conv.input, conv.output), taps, which);
            Weight::of_tiles(tiles, channels, &stencil)
        }
        Weight::Depthwise(weight) => {
            let kernels = weight.chunks_exact(taps.max(1));
            let taken = kernels.flat_map(|kernel| which.iter().map(|&tap| kernel[tap]));
            Weight::Depthwise(taken.collect())
        }
    };
    HostConv { weight, bias: vec![0.0; output], input, output, stencil }
}

//! The gradient of a convolution with respect to its input: itself a convolution, with the weights
//! transposed. Of a strided one, every phase of the input has a convolution of its own, so that no
//! zeros are multiplied.

use rayon::prelude::*;

use super::stencil::Stencil;
use super::winograd::Winograd;
use super::{Finish, HostConv, Planes, Weight, transposed_tiles};

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
        let mut values = vec![0.0f32; gradient.dims[0] * channels * height * width];
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

/// The convolution of a phase; `which`: its taps, in the order of its stencil.
fn transposed(conv: &HostConv, stencil: Stencil, which: &[usize]) -> HostConv {
    let taps = conv.stencil.taps.len();
    let channels @ (input, output) = (conv.output, conv.input);
    // Weights change with every step of training: mostly they are transposed as they lie.
    let weight = match &conv.weight {
        Weight::Winograd(winograd) => Weight::Winograd(winograd.transposed()),
        Weight::Tiles(_) | Weight::Rows(_) if !Winograd::serves(channels, &stencil) => {
            let weight = match &conv.weight {
                Weight::Rows(rows) => rows.tiles(),
                _ => conv.tiles().unwrap_or_default(),
            };
            let weight = transposed_tiles(weight, (conv.input, conv.output), taps, which);
            Weight::of_tiles(weight, channels, &stencil)
        }
        _ => {
            let weight = conv.weight();
            let kernel = |output: usize, input: usize| {
                let from = (output * conv.inputs_of_output() + input) * taps;
                let kernel = weight.get(from..from + taps).unwrap_or_default();
                which.iter().map(|&tap| kernel.get(tap).copied().unwrap_or(0.0)).collect::<Vec<_>>()
            };
            let weight: Vec<f32> = match conv.is_depthwise() {
                true => (0..conv.output).flat_map(|channel| kernel(channel, 0)).collect(),
                false => (0..conv.input)
                    .flat_map(|input| (0..conv.output).map(move |output| (output, input)))
                    .flat_map(|(output, input)| kernel(output, input))
                    .collect(),
            };
            return HostConv::with_stencil(&weight, None, channels, conv.is_depthwise(), stencil);
        }
    };
    HostConv { weight, bias: vec![0.0; output], input, output, stencil }
}

//! Convolution on the processor.
//!
//! Burn's CPU backend makes a convolution by copying every pixel's neighborhood and multiplying
//! matrices. Here the input is copied once, with its padding, and the convolution reads it in
//! place: seen as one long row, the padded image turns every tap of the kernel into a shifted
//! contiguous read, so that outputs are computed for consecutive positions at once (`tile`). The
//! few positions that fall on padding are computed and dropped. Wide 3×3 convolutions save products
//! (`winograd`). A depthwise convolution with what is before and behind it is one pass (`separable`).
//! The innermost loop of all of them is in `registers`.
//! The gradient with respect to the input is again a convolution (`gradient`), and `layer` makes
//! both an operation on Burn's tensors. `finish` is what follows a plane's sums, `scratch` the memory
//! that a thread uses again.
//!
//! The largest of windows has a kernel too (`max_pool`). For training there are the gradient with respect to
//! the weight (`weight_gradient`) and normalization by batch (`norm`), each with its gradients.

mod depthwise;
mod finish;
mod gradient;
mod layer;
mod learning;
mod max_pool;
mod norm;
mod padded;
mod registers;
mod scratch;
mod separable;
mod stencil;
mod tile;
mod weight_gradient;
mod winograd;

use std::ops::Range;

use burn::tensor::Device;
use rayon::prelude::*;

pub(crate) use layer::HostLayer;
pub(crate) use learning::{Normalizing, convolve, max_pool, normalize};
use padded::Padded;
use registers::OUTPUTS;
pub(crate) use separable::HostChain;
use stencil::Stencil;
use tile::OutputTask;
use winograd::Winograd;

use crate::conv::Activation;

/// Values of the padded input of several images, at most, about.
const TOGETHER: usize = 16 << 20;

/// What a convolution looks like; square in every respect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostShape {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
    pub(crate) depthwise: bool,
}

impl HostShape {
    fn output_side(&self, side: usize) -> usize {
        let reach = self.dilation * (self.kernel - 1) + 1;
        (side + 2 * self.padding).saturating_sub(reach) / self.stride + 1
    }

    /// Shape of the weight as it is published.
    fn weight_shape(&self) -> [usize; 4] {
        [self.output, if self.depthwise { 1 } else { self.input }, self.kernel, self.kernel]
    }
}

/// A batch of feature planes, `[batch, channels, height, width]`, row-major.
#[derive(Clone, Copy)]
struct Planes<'a> {
    values: &'a [f32],
    dims: [usize; 4],
}

/// What is done to a convolution's sums beside its bias.
#[derive(Clone, Copy, Default)]
struct Finish<'a> {
    /// Added, shaped like the output.
    addend: Option<&'a [f32]>,
    activation: Activation,
}

impl Finish<'_> {
    /// The same for a part of the output.
    fn part(self, place: Range<usize>) -> Self {
        Self { addend: self.addend.and_then(|addend| addend.get(place)), ..self }
    }

    /// The least and the largest value of the output.
    fn range(self) -> [f32; 2] {
        self.activation.range()
    }
}

/// The value within a range; what is not a number stays so, for others to see.
#[inline(always)]
fn within([floor, ceiling]: [f32; 2], value: f32) -> f32 {
    let value = if value < floor { floor } else { value };
    if value > ceiling { ceiling } else { value }
}

/// Whether these kernels are made for this processor: AVX2, AVX-512 or NEON. Elsewhere Burn's are used.
fn serves_this_processor() -> bool {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return !matches!(pulp::Arch::new(), pulp::Arch::Scalar);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    false
}

/// Whether these kernels are made for what lies on this device, without gradients.
pub(crate) fn serves(device: &Device) -> bool {
    *device == Device::flex() && serves_this_processor()
}

/// A weight as a kernel reads it.
#[derive(Debug)]
enum Weight {
    /// `[channel][tap]`.
    Depthwise(Vec<f32>),
    /// `[output tile][input · tap][OUTPUTS]`, padded with zeros.
    Tiles(Vec<f32>),
    Winograd(Winograd),
}

/// A convolution whose values lie in the processor's memory.
#[derive(Debug)]
struct HostConv {
    weight: Weight,
    bias: Vec<f32>,
    input: usize,
    output: usize,
    stencil: Stencil,
}

impl HostConv {
    /// `weight`: `[output, input / groups, kernel, kernel]`, row-major.
    fn new(weight: &[f32], bias: Option<Vec<f32>>, shape: &HostShape) -> Self {
        let channels = (shape.input, shape.output);
        Self::with_stencil(weight, bias, channels, shape.depthwise, Stencil::new(shape))
    }

    /// `weight`: `[output, input / groups, tap]`, row-major.
    fn with_stencil(
        weight: &[f32],
        bias: Option<Vec<f32>>,
        (input, output): (usize, usize),
        depthwise: bool,
        stencil: Stencil,
    ) -> Self {
        let bias = bias.unwrap_or_else(|| vec![0.0; output]);
        let weight = if depthwise {
            Weight::Depthwise(weight.to_vec())
        } else if let Some(winograd) = Winograd::new(weight, (input, output), &stencil) {
            Weight::Winograd(winograd)
        } else {
            Weight::Tiles(tiles(weight, input * stencil.taps.len()))
        };
        Self { weight, bias, input, output, stencil }
    }

    /// The weight by output tiles, where it lies so.
    fn tiles(&self) -> Option<&[f32]> {
        match &self.weight {
            Weight::Tiles(weight) => Some(weight),
            _ => None,
        }
    }

    fn is_depthwise(&self) -> bool {
        matches!(self.weight, Weight::Depthwise(_))
    }

    /// How many input channels an output reads.
    fn inputs_of_output(&self) -> usize {
        if self.is_depthwise() { 1 } else { self.input }
    }

    fn values_per_output(&self) -> usize {
        self.inputs_of_output() * self.stencil.taps.len()
    }

    /// The weight as it was given.
    fn weight(&self) -> Vec<f32> {
        let packed = match &self.weight {
            Weight::Depthwise(weight) => return weight.clone(),
            Weight::Winograd(winograd) => return winograd.weight(),
            Weight::Tiles(packed) => packed,
        };
        let per_output = self.values_per_output();
        let mut weight = vec![0.0; self.output * per_output];
        let tiles = packed.par_chunks((per_output * OUTPUTS).max(1));
        weight.par_chunks_mut((per_output * OUTPUTS).max(1)).zip(tiles).for_each(|(rows, tile)| {
            for (lane, row) in rows.chunks_mut(per_output.max(1)).enumerate() {
                for (to, from) in row.iter_mut().zip(tile.iter().skip(lane).step_by(OUTPUTS)) {
                    *to = *from;
                }
            }
        });
        weight
    }

    /// The convolution with its bias, finished: `[batch, output, size]`.
    fn forward(&self, x: Planes<'_>, size: [usize; 2], finish: Finish<'_>) -> Vec<f32> {
        if x.dims[0] * self.output * size[0] * size[1] == 0 {
            return Vec::new();
        }
        match &self.weight {
            Weight::Winograd(winograd) => winograd.forward(x, &self.bias, finish),
            Weight::Depthwise(weight) => self.run_depthwise(weight, x, size, finish),
            Weight::Tiles(weight) => self.run_tiles(weight, x, size, finish),
        }
    }

    fn run_depthwise(
        &self,
        weight: &[f32],
        x: Planes<'_>,
        size: [usize; 2],
        finish: Finish<'_>,
    ) -> Vec<f32> {
        let plane = size[0] * size[1];
        let mut values = vec![0.0; x.dims[0] * self.output * plane];
        let padded = Padded::new(x, &self.stencil, size, true);
        let taps = self.stencil.taps.len();
        values.par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
            let channel = index % self.output;
            let weight = weight.get(channel * taps..(channel + 1) * taps);
            let bias = self.bias.get(channel).copied().unwrap_or(0.0);
            let finish = finish.part(index * plane..(index + 1) * plane);
            let weight = weight.unwrap_or_default();
            let padded = &padded;
            depthwise::PlaneTask { padded, index, weight, bias, finish, out }.run();
        });
        values
    }

    fn run_tiles(
        &self,
        weight: &[f32],
        x: Planes<'_>,
        size: [usize; 2],
        finish: Finish<'_>,
    ) -> Vec<f32> {
        let [batch, channels, height, width] = x.dims;
        let image = self.output * size[0] * size[1];
        let mut values = vec![0.0; batch * image];
        // Far padding makes the copy many times as large as the input: then one image after the other.
        let together = match Padded::length(x.dims, &self.stencil, size) > TOGETHER {
            true => 1,
            false => batch,
        };
        let inputs = x.values.chunks(together * channels * height * width);
        for (index, (out, input)) in values.chunks_mut(together * image).zip(inputs).enumerate() {
            let dims = [out.len() / image, channels, height, width];
            let finish =
                finish.part(index * together * image..index * together * image + out.len());
            self.run_images(weight, Planes { values: input, dims }, size, finish, out);
        }
        values
    }

    /// `out`: `[batch, output, size]`.
    fn run_images(
        &self,
        weight: &[f32],
        x: Planes<'_>,
        size: [usize; 2],
        finish: Finish<'_>,
        out: &mut [f32],
    ) {
        let [height, width] = size;
        let (batch, plane) = (x.dims[0], height * width);
        let image_length = self.output * plane;
        let padded = Padded::new(x, &self.stencil, size, false);
        // As few tasks as keep every core busy: each goes through all weights.
        let tasks = rayon::current_num_threads().div_ceil(batch).clamp(1, height);
        let lines = height.div_ceil(tasks);
        let parts = out.chunks_mut(image_length).enumerate().flat_map(|(image, out)| {
            let mut parts: Vec<(usize, usize, Vec<&mut [f32]>)> =
                (0..height).step_by(lines).map(|first| (image, first, Vec::new())).collect();
            for channel in out.chunks_mut(plane) {
                let chunks = channel.chunks_mut(lines * width);
                parts.iter_mut().zip(chunks).for_each(|((.., own), chunk)| own.push(chunk));
            }
            parts
        });
        let parts: Vec<_> = parts.collect();
        parts.into_par_iter().for_each(|(image, first, out)| {
            let finish = finish.part(image * image_length..(image + 1) * image_length);
            let lines = first..(first + lines).min(height);
            let (padded, channels, bias) = (&padded, self.input, &self.bias[..]);
            OutputTask { padded, image, channels, weight, bias, finish, lines, out }.run();
        });
    }
}

/// `[output][value]` to `[output tile][value][OUTPUTS]`, padded with zeros.
fn tiles(weight: &[f32], per_output: usize) -> Vec<f32> {
    let rows = (per_output * OUTPUTS).max(1);
    let mut packed = vec![0.0; weight.len().div_ceil(rows) * rows];
    let tiles = packed.par_chunks_mut(rows.max(1)).zip(weight.par_chunks(rows.max(1)));
    tiles.for_each(|(tile, rows)| {
        for (lane, row) in rows.chunks(per_output.max(1)).enumerate() {
            for (to, from) in tile.iter_mut().skip(lane).step_by(OUTPUTS).zip(row) {
                *to = *from;
            }
        }
    });
    packed
}

/// `[output tile][input][tap][OUTPUTS]` to `[input tile][output][tap][OUTPUTS]`, where the taps are those
/// of `which`.
fn transposed_tiles(
    weight: &[f32],
    (input, output): (usize, usize),
    taps: usize,
    which: &[usize],
) -> Vec<f32> {
    let per_output = (which.len() * OUTPUTS).max(1);
    let mut transposed = vec![0.0; input.div_ceil(OUTPUTS) * output * per_output];
    let tiles = transposed.par_chunks_mut((output * per_output).max(1)).enumerate();
    tiles.for_each(|(tile, transposed)| {
        let sources = weight.chunks_exact((input * taps * OUTPUTS).max(1));
        for (outputs, from) in transposed.chunks_mut(OUTPUTS * per_output).zip(sources) {
            let inputs = from.chunks_exact(taps * OUTPUTS).skip(tile * OUTPUTS).take(OUTPUTS);
            for (lane, from) in inputs.enumerate() {
                for (place, tap) in which.iter().enumerate() {
                    let to = outputs.iter_mut().skip(place * OUTPUTS + lane).step_by(per_output);
                    let from = from.iter().skip(tap * OUTPUTS);
                    to.zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        }
    });
    transposed
}

#[cfg(test)]
mod tests;

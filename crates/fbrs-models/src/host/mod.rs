//! Convolution on the processor.
//!
//! Burn's CPU backend makes a convolution by copying every pixel's neighborhood and multiplying
//! matrices. Here the input is copied once, with its padding, and the convolution reads it in
//! place: seen as one long row, the padded image turns every tap of the kernel into a shifted
//! contiguous read, so that outputs are computed for consecutive positions at once (`tile`). The
//! few positions that fall on padding are computed and dropped. Most 3×3 convolutions save products
//! (`winograd`); elsewhere, where taps lie far apart, those that read padding are left out (`far`). A depthwise
//! convolution with what is before and behind it is one pass (`separable`). The innermost loop of all of
//! them is in `registers`.
//! The gradient with respect to the input is again a convolution (`gradient`), and `layer` makes
//! both an operation on Burn's tensors. `finish` is what follows a plane's sums, `scratch` the memory
//! that a thread uses again.
//!
//! The largest of windows has a kernel too (`max_pool`), what a search moves: a scale and a shift per channel
//! (`channel_affine`), and what becomes of maps of several sizes: they are resized and joined in one pass
//! (`resize`).
//!
//! For training there are the gradient with respect to the weight (`weight_gradient`) and normalization by batch
//! (`norm`), each with its gradients.

mod channel_affine;
mod depthwise;
mod far;
mod finish;
mod gradient;
mod layer;
mod learning;
mod max_pool;
mod norm;
mod padded;
mod registers;
mod resize;
mod scratch;
mod separable;
mod stencil;
mod tile;
mod weight_gradient;
mod winograd;

use std::ops::Range;

use burn::tensor::Device;
use rayon::prelude::*;

pub(crate) use channel_affine::channel_affine;
use far::Strips;
pub(crate) use layer::HostLayer;
pub(crate) use learning::{Normalizing, convolve, max_pool, normalize};
use padded::Padded;
use registers::OUTPUTS;
pub(crate) use resize::join_resized;
pub(crate) use separable::HostChain;
use stencil::Stencil;
use tile::OutputTask;
use winograd::{Rows, Winograd};

use crate::conv::Activation;

/// So many values are worth being written by several threads.
const MANY: usize = 1 << 18;
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
    addend: Addend<'a>,
    activation: Activation,
}

/// What is added beside the bias, shaped like the output.
#[derive(Clone, Copy, Default)]
enum Addend<'a> {
    #[default]
    None,
    Beside(&'a [f32]),
    /// It lies where the output comes.
    InPlace,
}

impl Finish<'_> {
    /// The same for a part of the output.
    fn part(self, place: Range<usize>) -> Self {
        let addend = match self.addend {
            Addend::Beside(addend) => Addend::Beside(&addend[place]),
            addend => addend,
        };
        Self { addend, ..self }
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

/// Zeros. Many are written by all threads: one alone would take a tenth of the time of a layer that writes them, and
/// more in memory that is new to the process.
fn zeros(length: usize) -> Vec<f32> {
    if length < MANY {
        return vec![0.0; length];
    }
    rayon::iter::repeat_n(0.0, length).with_min_len(MANY / 4).collect()
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
    /// `[output tile][input][tap][OUTPUTS]`, padded with zeros.
    Tiles { tiles: Vec<f32>, way: Way },
}

/// How a convolution is made whose outputs read all inputs.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// By the products of its definition.
    Direct,
    Winograd(Winograd),
    Rows(Rows),
}

impl Weight {
    /// `tiles`: `[output tile][input][tap][OUTPUTS]`.
    fn of_tiles(tiles: Vec<f32>, channels: (usize, usize), stencil: &Stencil) -> Self {
        let rows = || Rows::new(channels, stencil).map(Way::Rows);
        let way = Winograd::new(channels, stencil).map(Way::Winograd).or_else(rows);
        Self::Tiles { tiles, way: way.unwrap_or(Way::Direct) }
    }
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
        } else {
            let tiles = tiles(weight, input * stencil.taps.len());
            Weight::of_tiles(tiles, (input, output), &stencil)
        };
        Self { weight, bias, input, output, stencil }
    }

    /// The weight by output tiles, where it is multiplied so.
    fn tiles(&self) -> Option<&[f32]> {
        match &self.weight {
            Weight::Tiles { tiles, way: Way::Direct } => Some(tiles),
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
            Weight::Tiles { tiles, .. } => tiles,
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

    /// The convolution with its bias, finished: `[batch, output, size]`. The addend lies beside it, if there
    /// is one.
    fn forward(&self, x: Planes<'_>, size: [usize; 2], finish: Finish<'_>) -> Vec<f32> {
        let mut out = zeros(x.dims[0] * self.output * size[0] * size[1]);
        self.forward_into(x, size, finish, &mut out);
        out
    }

    /// The same in memory that is there: with what is in it as the addend, or without.
    fn forward_into(&self, x: Planes<'_>, size: [usize; 2], finish: Finish<'_>, out: &mut [f32]) {
        if out.is_empty() {
            return;
        }
        let (tiles, way) = match &self.weight {
            Weight::Depthwise(weight) => return self.run_depthwise(weight, x, size, finish, out),
            Weight::Tiles { tiles, way } => (tiles, way),
        };
        let map = [x.dims[2], x.dims[3]];
        match way {
            Way::Winograd(way) if way.serves(map, size) => {
                way.forward(tiles, x, &self.bias, finish, out);
            }
            Way::Rows(way) if way.serves(map, size) => {
                way.forward(tiles, x, &self.bias, finish, out);
            }
            _ => self.run_tiles(tiles, x, size, finish, out),
        }
    }

    fn run_depthwise(
        &self,
        weight: &[f32],
        x: Planes<'_>,
        size: [usize; 2],
        finish: Finish<'_>,
        out: &mut [f32],
    ) {
        let plane = size[0] * size[1];
        let padded = Padded::new(x, &self.stencil, size, true);
        let taps = self.stencil.taps.len();
        out.par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
            let channel = index % self.output;
            let weight = weight.get(channel * taps..(channel + 1) * taps);
            let bias = self.bias.get(channel).copied().unwrap_or(0.0);
            let finish = finish.part(index * plane..(index + 1) * plane);
            let weight = weight.unwrap_or_default();
            let padded = &padded;
            depthwise::PlaneTask { padded, index, weight, bias, finish, out }.run();
        });
    }

    fn run_tiles(
        &self,
        weight: &[f32],
        x: Planes<'_>,
        size: [usize; 2],
        finish: Finish<'_>,
        out: &mut [f32],
    ) {
        let [batch, channels, height, width] = x.dims;
        let image = self.output * size[0] * size[1];
        let is_far = far::serves(&self.stencil, [height, width], size);
        let length = match is_far {
            true => far::length(x.dims, &self.stencil),
            false => Padded::length(x.dims, &self.stencil, size),
        };
        // Far padding makes the copy many times as large as the input: then one image after the other.
        let together = if length > TOGETHER { 1 } else { batch };
        let inputs = x.values.chunks(together * channels * height * width);
        for (index, (out, input)) in out.chunks_mut(together * image).zip(inputs).enumerate() {
            let dims = [out.len() / image, channels, height, width];
            let x = Planes { values: input, dims };
            let finish =
                finish.part(index * together * image..index * together * image + out.len());
            if is_far {
                let strips = Strips::new(x, &self.stencil);
                self.run_images(weight, &strips.rectangles(&self.stencil), size, finish, out);
            } else {
                let padded = Padded::new(x, &self.stencil, size, false);
                self.run_images(weight, &[padded], size, finish, out);
            }
        }
    }

    /// `parts`: what the output's parts read; `out`: `[batch, output, size]`.
    fn run_images(
        &self,
        weight: &[f32],
        parts: &[Padded<'_>],
        size: [usize; 2],
        finish: Finish<'_>,
        out: &mut [f32],
    ) {
        let [height, width] = size;
        let plane = height * width;
        let image_length = self.output * plane;
        let batch = out.len() / image_length;
        // As few tasks as keep every core busy: each goes through all weights.
        let tasks = rayon::current_num_threads().div_ceil(batch).clamp(1, height);
        let bounds = shares(height, tasks, |line| {
            let of_part = |part: &Padded<'_>| {
                let line = line.checked_sub(part.corner[0]).filter(|line| *line < part.out_height);
                line.map_or(0, |line| part.work(line))
            };
            parts.iter().map(of_part).sum()
        });
        let shares = divided(out, (self.output, size), &bounds);
        shares.into_par_iter().for_each(|Share { image, lines, out }| {
            let finish = finish.part(image * image_length..(image + 1) * image_length);
            let (channels, bias) = (self.input, &self.bias[..]);
            OutputTask { parts, image, channels, weight, bias, finish, size, lines, out }.run();
        });
    }
}

/// Consecutive lines of all channels of an image.
struct Share<'a> {
    image: usize,
    lines: Range<usize>,
    /// These lines of each channel.
    out: Vec<&'a mut [f32]>,
}

/// The output, `[batch, channels, size]`, by shares of lines: `bounds`, where each begins, and the end.
fn divided<'a>(
    out: &'a mut [f32],
    (channels, [height, width]): (usize, [usize; 2]),
    bounds: &[usize],
) -> Vec<Share<'a>> {
    let plane = height * width;
    let mut shares = Vec::new();
    for (image, out) in out.chunks_mut(channels * plane).enumerate() {
        let of_image = bounds.windows(2);
        let mut own: Vec<_> = of_image
            .map(|pair| Share { image, lines: pair[0]..pair[1], out: Vec::with_capacity(channels) })
            .collect();
        for mut channel in out.chunks_mut(plane) {
            for share in &mut own {
                let (chunk, rest) = channel.split_at_mut(share.lines.len() * width);
                share.out.push(chunk);
                channel = rest;
            }
        }
        shares.append(&mut own);
    }
    shares
}

/// Divides lines into consecutive shares of about as much work: where each begins, and the end.
fn shares(lines: usize, count: usize, work: impl Fn(usize) -> usize) -> Vec<usize> {
    let sums: Vec<usize> = std::iter::once(0)
        .chain((0..lines).scan(0, |sum, line| {
            *sum += work(line);
            Some(*sum)
        }))
        .collect();
    let all = sums.last().copied().unwrap_or(0);
    let bound = |share: usize| sums.partition_point(|sum| sum * count < all * share);
    let mut bounds: Vec<usize> = (0..count).map(bound).chain([lines]).collect();
    bounds.dedup();
    bounds
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

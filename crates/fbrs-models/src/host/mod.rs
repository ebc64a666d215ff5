//! Convolution on the processor, for inference.
//!
//! Burn's CPU backend makes a convolution by copying every pixel's neighbourhood and multiplying
//! matrices. Here the input is copied once, with its padding, and the convolution reads it in
//! place: seen as one long row, the padded image turns every tap of the kernel into a shifted
//! contiguous read, so that outputs are computed for consecutive positions at once (`tile`). The
//! few positions that fall on padding are computed and dropped.

mod depthwise;
mod padded;
mod tile;

use rayon::prelude::*;

use padded::Padded;
use tile::{OUTPUTS, OutputTask};

/// A convolution whose values lie in the processor's memory.
#[derive(Debug, Clone)]
pub(crate) struct HostConv {
    /// `[output tile][input · kernel²][OUTPUTS]`, padded with zeros; depthwise: `[channel][kernel²]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
    shape: HostShape,
}

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
}

/// A batch of maps, `[batch, channels, height, width]`, row-major.
#[derive(Clone, Copy)]
pub(crate) struct Maps<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) dims: [usize; 4],
}

/// Whether these kernels are made for this processor: AVX2 or AVX-512. Elsewhere Burn's are used.
pub(crate) fn serves_this_processor() -> bool {
    #[cfg(target_arch = "x86_64")]
    return matches!(pulp::Arch::new(), pulp::Arch::V3(_) | pulp::Arch::V4(_));
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl HostConv {
    /// `weight`: `[output, input / groups, kernel, kernel]`, row-major.
    pub(crate) fn new(weight: &[f32], bias: Option<Vec<f32>>, shape: HostShape) -> Self {
        let bias = bias.unwrap_or_else(|| vec![0.0; shape.output]);
        let per_output = weight.len() / shape.output.max(1);
        if shape.depthwise {
            return Self { weight: weight.to_vec(), bias, shape };
        }
        let mut packed = vec![0.0; shape.output.div_ceil(OUTPUTS) * per_output * OUTPUTS];
        let tiles = packed.chunks_mut((per_output * OUTPUTS).max(1));
        for (tile, rows) in tiles.zip(weight.chunks((per_output * OUTPUTS).max(1))) {
            for (lane, row) in rows.chunks(per_output.max(1)).enumerate() {
                for (to, from) in tile.iter_mut().skip(lane).step_by(OUTPUTS).zip(row) {
                    *to = *from;
                }
            }
        }
        Self { weight: packed, bias, shape }
    }

    /// The weight as it was given, `[output, input / groups, kernel, kernel]`.
    pub(crate) fn weight(&self) -> Vec<f32> {
        if self.shape.depthwise {
            return self.weight.clone();
        }
        let per_output = self.shape.input * self.shape.kernel * self.shape.kernel;
        let mut weight = vec![0.0; self.shape.output * per_output];
        let tiles = self.weight.chunks((per_output * OUTPUTS).max(1));
        for (rows, tile) in weight.chunks_mut((per_output * OUTPUTS).max(1)).zip(tiles) {
            for (lane, row) in rows.chunks_mut(per_output.max(1)).enumerate() {
                for (to, from) in row.iter_mut().zip(tile.iter().skip(lane).step_by(OUTPUTS)) {
                    *to = *from;
                }
            }
        }
        weight
    }

    /// Shape of [`HostConv::weight`].
    pub(crate) fn weight_shape(&self) -> [usize; 4] {
        let HostShape { input, output, kernel, depthwise, .. } = self.shape;
        [output, if depthwise { 1 } else { input }, kernel, kernel]
    }

    pub(crate) fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The convolution with its bias, what is below 0 set to 0 where `relu`; values and dimensions.
    pub(crate) fn forward(&self, x: Maps<'_>, relu: bool) -> (Vec<f32>, [usize; 4]) {
        let [batch, _, height, width] = x.dims;
        let shape = &self.shape;
        let (out_height, out_width) = (shape.output_side(height), shape.output_side(width));
        let mut values = vec![0.0; batch * shape.output * out_height * out_width];
        let padded = Padded::new(x, shape, out_height, out_width);
        let plane = (out_height * out_width).max(1);
        if shape.depthwise {
            values.par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
                let channel = index % shape.output.max(1);
                let taps = shape.kernel * shape.kernel;
                let weight = self.weight.get(channel * taps..(channel + 1) * taps);
                let bias = self.bias.get(channel).copied().unwrap_or(0.0);
                depthwise::plane(&padded, index, weight.unwrap_or_default(), bias, relu, out);
            });
        } else {
            // As few tasks as keep every core busy: each gathers its input anew.
            let tiles = shape.output.div_ceil(OUTPUTS);
            let tasks = (2 * rayon::current_num_threads()).div_ceil(batch.max(1)).clamp(1, tiles);
            let chunk = tiles.div_ceil(tasks);
            let per_chunk = chunk * shape.input * shape.kernel * shape.kernel * OUTPUTS;
            values.par_chunks_mut((shape.output * plane).max(1)).enumerate().for_each(
                |(image, out)| {
                    let weights = self.weight.par_chunks(per_chunk.max(1));
                    let biases = self.bias.par_chunks(chunk * OUTPUTS);
                    let outs = out.par_chunks_mut(chunk * OUTPUTS * plane);
                    outs.zip(weights).zip(biases).for_each(|((out, weight), bias)| {
                        OutputTask {
                            padded: &padded,
                            image,
                            channels: shape.input,
                            weight,
                            bias,
                            relu,
                            out,
                        }
                        .run();
                    });
                },
            );
        }
        (values, [batch, shape.output, out_height, out_width])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    /// The definition of a convolution, value by value.
    fn plain(x: Maps<'_>, weight: &[f32], bias: &[f32], shape: &HostShape, relu: bool) -> Vec<f32> {
        let [batch, channels, height, width] = x.dims;
        let (out_height, out_width) = (shape.output_side(height), shape.output_side(width));
        let per_group = if shape.depthwise { 1 } else { channels };
        let mut out = Vec::new();
        for image in 0..batch {
            for output in 0..shape.output {
                for (row, col) in
                    (0..out_height).flat_map(|row| (0..out_width).map(move |col| (row, col)))
                {
                    let mut sum = f64::from(bias[output]);
                    for index in 0..per_group * shape.kernel * shape.kernel {
                        let tap = index % (shape.kernel * shape.kernel);
                        let input = index / (shape.kernel * shape.kernel);
                        let channel = if shape.depthwise { output } else { input };
                        let at = |position: usize, tap: usize| {
                            (position * shape.stride + tap * shape.dilation)
                                .checked_sub(shape.padding)
                        };
                        let (Some(r), Some(c)) =
                            (at(row, tap / shape.kernel), at(col, tap % shape.kernel))
                        else {
                            continue;
                        };
                        if r < height && c < width {
                            let weight = weight[output * per_group * shape.kernel.pow(2) + index];
                            let value =
                                x.values[((image * channels + channel) * height + r) * width + c];
                            sum += f64::from(weight * value);
                        }
                    }
                    out.push(if relu { sum.max(0.0) as f32 } else { sum as f32 });
                }
            }
        }
        out
    }

    #[test]
    fn kernels_agree_with_the_definition() {
        // input, output, height, width, kernel, stride, padding, dilation, depthwise
        let cases = [
            (3, 5, 9, 11, 3, 1, 1, 1, false),
            (7, 19, 13, 10, 3, 2, 1, 1, false),
            (3, 8, 21, 17, 7, 2, 3, 1, false),
            (4, 9, 12, 15, 3, 1, 12, 12, false),
            (4, 9, 10, 7, 3, 1, 36, 36, false),
            (5, 3, 8, 9, 1, 1, 0, 1, false),
            (5, 3, 9, 9, 1, 2, 0, 1, false),
            (4, 4, 30, 40, 3, 1, 2, 2, false),
            (4, 17, 1, 1, 1, 1, 0, 1, false),
            (2, 1, 1, 1, 3, 1, 1, 1, false),
            (6, 6, 9, 10, 3, 1, 1, 1, true),
            (3, 3, 2, 1, 3, 1, 1, 1, true),
            (300, 40, 5, 60, 3, 1, 4, 4, false),
        ];
        for (input, output, height, width, kernel, stride, padding, dilation, depthwise) in cases {
            let shape = HostShape { input, output, kernel, stride, padding, dilation, depthwise };
            let per_output = if depthwise { 1 } else { input } * kernel * kernel;
            let wave = |count: usize, step: f32| -> Vec<f32> {
                (0..count).map(|i| ((i as f32 + 1.0) * step).sin()).collect()
            };
            let (weight, bias) = (wave(output * per_output, 0.7), wave(output, 1.3));
            let values = wave(2 * input * height * width, 0.31);
            let x = Maps { values: &values, dims: [2, input, height, width] };
            let conv = HostConv::new(&weight, Some(bias.clone()), shape);
            assert_eq!(conv.weight(), weight);
            for relu in [false, true] {
                let (found, _) = conv.forward(x, relu);
                let expected = plain(x, &weight, &bias, &shape, relu);
                assert_eq!(found.len(), expected.len(), "{shape:?}");
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 2e-4, "{shape:?}: {found} {expected}");
                }
            }
        }
    }
}

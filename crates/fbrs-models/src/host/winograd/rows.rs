//! 3×3 convolutions of few channels: F(4, 3) along the rows alone. Four outputs beside one another take six
//! products for each row of the kernel in place of twelve, half of the definition's. F(4×4, 3×3) takes a
//! quarter; but with few channels its transformations cost what it saves, while here an input is transformed
//! once for all three rows of the kernel.
//!
//! Transformed, it is six convolutions, one for each product, whose three taps lie below one another. Tiles of
//! consecutive lines are consecutive positions for them, without padding between lines.
//!
//! With stride 2, of few channels or many, four outputs take nine products in place of twelve (`strided`): nine
//! convolutions, whose taps lie in two groups of lines, those between the output's and those at them.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::finish::finish;
use super::super::registers::{OUTPUTS, POSITIONS, step, vectors};
use super::super::scratch::{Scratch, Use};
use super::super::stencil::Stencil;
use super::super::tile::{Input, RUN, accumulate_tile};
use super::super::{Finish, Planes, Share, divided, shares};
use super::input::{six, take_apart};
use super::output::four;
use super::vectors::{load, load_all, store_all};
use super::weight::line;
use super::{LEAST_BESIDE_ROWS, REACH, SIDE, UNIT, square, strided};

/// With fewer channels the transformations cost what they save.
const FEWEST: usize = 12;
/// Lines of a task, at least: above and below them are lines that its neighbors transform too.
const LINES: usize = 4;
/// Rows of the kernel.
const DOWN: usize = 3;

/// What depends on the stride.
struct Form {
    /// Products of four outputs.
    products: usize,
    /// Different weights; all further products have the last one.
    weights: usize,
    /// Parts of a row of the input.
    parts: usize,
    /// Tiles of a task, about.
    tiles: usize,
    /// Values of the transformed input that are worked on at once, at most, about: they stay in the core's own
    /// cache. Where channels are divided for that, the sums of all outputs are kept beside them, which many outputs
    /// do not.
    transformed: usize,
}

impl Form {
    const fn of(stride: usize) -> Self {
        match stride {
            1 => Self {
                products: REACH,
                weights: REACH,
                parts: SIDE,
                tiles: 512,
                transformed: 80 * 1024,
            },
            _ => Self {
                products: strided::PRODUCTS,
                weights: strided::WEIGHTS,
                parts: strided::PARTS,
                tiles: 288,
                transformed: 176 * 1024,
            },
        }
    }
}

/// A convolution that is made this way. Its weight stays as it is: transformed it would take twice the memory.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Rows {
    input: usize,
    output: usize,
    stride: usize,
}

impl Rows {
    /// A convolution with taps beside one another, neither of very few channels nor, with stride 1, of many; `None`
    /// for any other.
    pub(in super::super) fn new(
        (input, output): (usize, usize),
        stencil: &Stencil,
    ) -> Option<Self> {
        let (channels, stride) = (input.min(output), stencil.stride);
        let is_served = match stride {
            1 => (FEWEST..LEAST_BESIDE_ROWS).contains(&channels),
            2 => channels >= FEWEST,
            _ => false,
        };
        match square(stencil) {
            Some(1) if is_served => Some(Self { input, output, stride }),
            _ => None,
        }
    }

    /// Whether outputs of this size are made of such maps this way: the maps' by the stride, rounded up.
    pub(in super::super) fn serves(&self, map: [usize; 2], size: [usize; 2]) -> bool {
        map.map(|side| side.div_ceil(self.stride)) == size
    }

    /// As `HostConv::forward_into`, of what it serves. `weight`:
    /// `[output tile][input][tap][OUTPUTS]`.
    pub(in super::super) fn forward(
        &self,
        weight: &[f32],
        x: Planes<'_>,
        bias: &[f32],
        finish: Finish<'_>,
        out: &mut [f32],
    ) {
        match self.stride {
            1 => self.run::<1>(weight, x, bias, finish, out),
            _ => self.run::<2>(weight, x, bias, finish, out),
        }
    }

    fn run<const STRIDE: usize>(
        &self,
        weight: &[f32],
        x: Planes<'_>,
        bias: &[f32],
        finish: Finish<'_>,
        out: &mut [f32],
    ) {
        let form = const { Form::of(STRIDE) };
        let [batch, _, height, width] = x.dims;
        let size @ [height, width] = [height, width].map(|side| side.div_ceil(STRIDE));
        let across = width.div_ceil(SIDE);
        let fewest = height.div_ceil((form.tiles / across).max(LINES));
        let wanted = rayon::current_num_threads().div_ceil(batch);
        let count = fewest.max(wanted).min(height.div_ceil(LINES));
        // The same for any number of threads and images, since sums are rounded where channels are divided.
        let most = Lay::new::<STRIDE>(height.div_ceil(fewest), across).plane;
        let portion = (form.transformed / (form.products * most)).clamp(1, self.input);
        let bounds = shares(height, count, |_| 1);
        let image_length = self.output * height * width;
        divided(out, (self.output, size), &bounds).into_par_iter().for_each(|share| {
            let image = share.image * image_length..(share.image + 1) * image_length;
            let finish = finish.part(image);
            let task = RowsTask::<STRIDE> { rows: self, weight, x, bias, finish, portion, share };
            Arch::new().dispatch(task);
        });
    }
}

/// Makes some lines of all outputs.
struct RowsTask<'a, 'out, const STRIDE: usize> {
    rows: &'a Rows,
    /// The weight.
    weight: &'a [f32],
    x: Planes<'a>,
    bias: &'a [f32],
    /// Of the whole image.
    finish: Finish<'a>,
    /// Channels that are worked on at once.
    portion: usize,
    share: Share<'out>,
}

/// The places of what a task works on. With stride 1 a channel of a product holds the input's lines in their order,
/// from the one above the output's first line to the one below its last. With stride 2 it holds those between the
/// output's lines, the ones above and below them included, and behind these those at the output's lines.
#[derive(Clone, Copy)]
struct Lay {
    /// Tiles of a line.
    across: usize,
    /// Tiles of the task.
    tiles: usize,
    /// Lines of the input that the task reads, those above and below the image included.
    lines: usize,
    /// Where the kernel's rows read the first tile.
    down: [usize; DOWN],
    /// Length of a channel of a product.
    plane: usize,
}

impl Lay {
    /// `lines`: of the output.
    fn new<const STRIDE: usize>(lines: usize, across: usize) -> Self {
        let (count, down) = match STRIDE {
            1 => (lines + 2, [0, 1, 2]),
            _ => (2 * lines + 1, [0, lines + 1, 1]),
        };
        let down = down.map(|line| line * across);
        Self { across, tiles: lines * across, lines: count, down, plane: count * across + UNIT }
    }

    /// Which line of the input, of so many, is the `index`-th here, where the task's first output line is `first`;
    /// `None` for those above and below the input.
    #[inline(always)]
    fn source<const STRIDE: usize>(
        &self,
        first: usize,
        index: usize,
        height: usize,
    ) -> Option<usize> {
        let between = self.lines / 2 + 1;
        let line = match STRIDE {
            1 => (first + index).checked_sub(1),
            _ if index < between => (2 * (first + index)).checked_sub(1),
            _ => Some(2 * (first + index - between)),
        };
        line.filter(|line| *line < height)
    }
}

impl<const STRIDE: usize> WithSimd for RowsTask<'_, '_, STRIDE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Form { products, weights, .. } = const { Form::of(STRIDE) };
        let Rows { input, output, .. } = *self.rows;
        let across = self.x.dims[3].div_ceil(STRIDE).div_ceil(SIDE);
        let lay = Lay::new::<STRIDE>(self.share.lines.len(), across);
        let Lay { plane, down, .. } = lay;
        let portion = self.portion;
        let groups = lay.tiles.div_ceil(step::<S>());
        let of_tile = groups * OUTPUTS * POSITIONS;
        let per_tile = input * 9 * OUTPUTS;
        // Where channels are divided, the sums of all outputs wait for the others.
        let kept = if portion < input { output.div_ceil(OUTPUTS) } else { 1 };
        let mut values = Scratch::take(Use::Wide, products * portion * plane + UNIT);
        let mut weight = Scratch::take(Use::Packed, weights * portion * DOWN * OUTPUTS);
        let mut sums = Scratch::take(Use::Middle, kept * products * of_tile);
        let mut room = Scratch::take(Use::Tiles, 2 * SIDE * groups * step::<S>());
        for first in (0..input).step_by(portion) {
            let channels = first..(first + portion).min(input);
            let of_product = channels.len() * plane;
            self.transform(simd, lay, channels.clone(), &mut values);
            let of_weight = channels.len() * DOWN * OUTPUTS;
            for (tile, kernels) in self.weight.chunks_exact(per_tile).enumerate() {
                let kernels = &kernels[channels.start * 9 * OUTPUTS..channels.end * 9 * OUTPUTS];
                match STRIDE {
                    1 => transform_weight(kernels, line, of_weight, &mut weight),
                    _ => transform_weight(kernels, strided::line, of_weight, &mut weight),
                }
                let outputs = (output - tile * OUTPUTS).min(OUTPUTS);
                let place = if kept > 1 { tile * products * of_tile } else { 0 };
                let sums = &mut sums[place..place + products * of_tile];
                for product in 0..products {
                    let values = &values[product * of_product..(product + 1) * of_product];
                    let which = product.min(weights - 1);
                    let weight = &weight[which * of_weight..(which + 1) * of_weight];
                    for group in 0..groups {
                        let from = group * step::<S>();
                        let [above, at, below] = down.map(|line| from + line);
                        let taps = [(above, 0), (at, 1), (below, 2)];
                        let run = RUN / DOWN;
                        let input = Input { values, channel: plane, taps: &taps, run };
                        let left = (lay.tiles - from).div_ceil(S::F32_LANES);
                        let made = [left.min(vectors::<S>()), outputs];
                        let place = product * of_tile + group * OUTPUTS * POSITIONS;
                        accumulate_tile(simd, &input, weight, &mut sums[place..], first > 0, made);
                    }
                }
                if channels.end == input {
                    self.store(
                        simd,
                        lay,
                        tile * OUTPUTS..tile * OUTPUTS + outputs,
                        sums,
                        &mut room,
                    );
                }
            }
        }
    }
}

/// `G` of the rows of kernels, `[input][tap][OUTPUTS]`, to `[weight][input][row][OUTPUTS]`; `step`: the length of
/// a weight, `line`: makes those of a row.
#[inline(always)]
fn transform_weight<const N: usize>(
    kernels: &[f32],
    line: impl Fn(&[f32; OUTPUTS], &[f32; OUTPUTS], &[f32; OUTPUTS], &mut [[f32; OUTPUTS]; N]),
    step: usize,
    into: &mut [f32],
) {
    let (kernels, _) = kernels.as_chunks::<OUTPUTS>();
    for (input, kernel) in kernels.chunks_exact(9).enumerate() {
        for (row, taps) in kernel.chunks_exact(3).enumerate() {
            let mut weights = [[0.0; OUTPUTS]; N];
            line(&taps[0], &taps[1], &taps[2], &mut weights);
            for (weight, values) in weights.iter().enumerate() {
                let to = weight * step + (input * DOWN + row) * OUTPUTS;
                into[to..to + OUTPUTS].copy_from_slice(values);
            }
        }
    }
}

impl<const STRIDE: usize> RowsTask<'_, '_, STRIDE> {
    /// `Bᵀ·d` of the lines that the task reads: `[product][channel][plane]`.
    #[inline(always)]
    fn transform<S: Simd>(&self, simd: S, lay: Lay, channels: Range<usize>, values: &mut [f32]) {
        let Form { products, parts: count, .. } = const { Form::of(STRIDE) };
        let Lay { across, plane, .. } = lay;
        let [_, all, height, width] = self.x.dims;
        let of_product = channels.len() * plane;
        let part = across + 1;
        // Zeros before a line and behind it stay.
        let mut parts = Scratch::take(Use::Line, count * part + UNIT);
        let parts = &mut parts[..count * part + UNIT];
        parts.fill(0.0);
        let first = self.share.lines.start;
        for (place, channel) in channels.enumerate() {
            let source = &self.x.values[(self.share.image * all + channel) * height * width..];
            for line in 0..lay.lines {
                let to = place * plane + line * across;
                let Some(at) = lay.source::<STRIDE>(first, line, height) else {
                    for product in 0..products {
                        values[product * of_product + to..][..across].fill(0.0);
                    }
                    continue;
                };
                let source = &source[at * width..(at + 1) * width];
                let line = &mut parts[..count * part];
                match STRIDE {
                    1 => take_apart(line, source, part, 1),
                    _ => strided::take_apart(line, source, part),
                }
                let mut tile = 0;
                // Whole vectors: what is too much is written over by the next line, or lies behind the last.
                while tile < across {
                    let to = to + tile;
                    if STRIDE == 1 {
                        let made = six(
                            simd,
                            [
                                load::<S>(parts, tile),
                                load::<S>(parts, part + tile),
                                load::<S>(parts, 2 * part + tile),
                                load::<S>(parts, 3 * part + tile),
                                load::<S>(parts, tile + 1),
                                load::<S>(parts, part + tile + 1),
                            ],
                        );
                        store_all::<S, _>(values, to, of_product, made);
                    } else {
                        let made = strided::nine(simd, parts, part, tile);
                        store_all::<S, _>(values, to, of_product, made);
                    }
                    tile += S::F32_LANES;
                }
            }
        }
    }

    /// `Aᵀ·m` of some outputs, whose sums are `[product][group][OUTPUTS][POSITIONS]`, finished and written.
    #[inline(always)]
    fn store<S: Simd>(
        &mut self,
        simd: S,
        lay: Lay,
        outputs: Range<usize>,
        sums: &[f32],
        room: &mut [f32],
    ) {
        let [height, width] = [2, 3].map(|axis| self.x.dims[axis].div_ceil(STRIDE));
        let plane = height * width;
        let of_product = sums.len() / const { Form::of(STRIDE).products };
        let of_place = lay.tiles.next_multiple_of(step::<S>());
        let (places, lines) = room.split_at_mut(SIDE * of_place);
        for (lane, output) in outputs.enumerate() {
            for at in (0..lay.tiles).step_by(S::F32_LANES) {
                let (group, within) = (at / step::<S>(), at % step::<S>());
                let from = (group * OUTPUTS + lane) * POSITIONS + within;
                let made = match STRIDE {
                    1 => four(simd, load_all::<S, _>(sums, from, of_product)),
                    _ => strided::four(simd, load_all::<S, _>(sums, from, of_product)),
                };
                store_all::<S, _>(places, at, of_place, made);
            }
            let [a, b, c, d] = [0, 1, 2, 3].map(|place| &places[place * of_place..][..lay.tiles]);
            let (tiles, _) = lines.as_chunks_mut::<SIDE>();
            for (tile, (((a, b), c), d)) in tiles.iter_mut().zip(a.iter().zip(b).zip(c).zip(d)) {
                *tile = [*a, *b, *c, *d];
            }
            let bias = self.bias.get(output).copied().unwrap_or(0.0);
            let first = output * plane + self.share.lines.start * width;
            let out = &mut self.share.out[output];
            for (line, out) in out.chunks_exact_mut(width).enumerate() {
                let sums = &lines[line * SIDE * lay.across..][..width];
                let place = first + line * width..first + (line + 1) * width;
                finish(simd, sums, bias, self.finish.part(place), out);
            }
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::super::tests::noise;
    use super::super::super::{Addend, HostShape, tiles};
    use super::*;
    use crate::conv::Activation;

    /// On a processor with wide vectors the other tests run these kernels with them alone.
    #[test]
    fn narrow_vectors_give_what_wide_ones_give() {
        for (input, output, size) in
            [(18, 18, [23, 50]), (12, 30, [5, 3]), (200, 20, [9, 101]), (36, 70, [2, 65])]
        {
            agree::<1>(input, output, size);
            agree::<2>(input, output, size);
        }
    }

    fn agree<const STRIDE: usize>(input: usize, output: usize, [height, width]: [usize; 2]) {
        let Some(narrow) = pulp::x86::V3::try_new() else { return };
        let (kernel, stride, padding, dilation, depthwise) = (3, STRIDE, 1, 1, false);
        let shape = HostShape { input, output, kernel, stride, padding, dilation, depthwise };
        let stencil = Stencil::new(&shape);
        let weight = noise(output * input * 9, 5);
        let rows = Rows::new((input, output), &stencil).unwrap();
        let weight = tiles(&weight, input * 9);
        let values = noise(2 * input * height * width, 7);
        let x = Planes { values: &values, dims: [2, input, height, width] };
        let size = [height, width].map(|side| shape.output_side(side));
        let (bias, addend) = (noise(output, 3), noise(2 * output * size[0] * size[1], 9));
        let finish = Finish { addend: Addend::InPlace, activation: Activation::Relu };
        let made = |is_narrow: bool| {
            let mut out = addend.clone();
            // The second image; of many lines some are made by themselves.
            let bounds = [0, size[0] / 3, size[0]];
            let shares = divided(&mut out, (output, size), &bounds).into_iter();
            for share in shares.filter(|share| share.image == 1) {
                let (rows, weight, bias, portion) = (&rows, &weight[..], &bias[..], 40);
                let task = RowsTask::<STRIDE> { rows, weight, x, bias, finish, portion, share };
                match is_narrow {
                    true => Simd::vectorize(narrow, task),
                    false => Arch::new().dispatch(task),
                }
            }
            out
        };
        let most = ((input * 9) as f32).sqrt();
        for (found, expected) in made(true).iter().zip(made(false)) {
            let case = (STRIDE, input, output, height, width);
            assert!((found - expected).abs() < 2e-6 * most, "{case:?}");
        }
    }
}

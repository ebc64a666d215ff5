//! Every output channel with every input channel.

use pulp::Arch;
use rayon::prelude::*;

use super::super::{HostShape, Planes};
use super::packed::{Lay, Packed};
use super::product::{NARROW, RUN, Side, TILE, TileTask, WIDE};
use super::windows::{Block, Segment, Windows};

/// Values of a block of positions, about: they stay in a core's own cache.
const BLOCK: usize = 512 * 1024;
/// Positions of a block, at least: the sums of all tiles are read and written once per block.
const LEAST_POSITIONS: usize = 2048;
/// Values of the widest vector.
const LANES: usize = 16;

/// Which side lies in vectors, and how channels are divided.
#[derive(Debug, Clone, Copy)]
struct Roles {
    /// Whether it is the gradient of the output.
    swapped: bool,
    /// Channels of a panel of the input, and of the gradient of the output.
    x: usize,
    dy: usize,
    /// Values of a window that are multiplied at once, at most.
    piece: usize,
}

/// Some values of a window, in a panel of the input.
struct Part {
    panel: usize,
    window: usize,
    /// The first one.
    first: usize,
    count: usize,
}

pub(super) fn weight_gradient(x: Planes<'_>, dy: Planes<'_>, shape: &HostShape) -> Vec<f32> {
    let [batch, input, height, width] = x.dims;
    let [_, output, out_height, out_width] = dy.dims;
    let windows = Windows::new(shape, [height, width], [out_height, out_width]);
    let roles = Roles::new(input, output, windows.taps);
    let mut packed_x = Packed::new(input, roles.x);
    let mut packed_dy = Packed::new(output, roles.dy);
    let parts = parts(&packed_x, &windows, roles);
    let per_panel = parts.len() * TILE;
    let mut sums = vec![0.0f32; packed_dy.panels() * per_panel];
    let per_position = input * shape.stride * shape.stride + output;
    let positions = (BLOCK / per_position).max(LEAST_POSITIONS);
    let x_lay = Lay { before: windows.before, row: windows.row };
    let dy_lay = Lay { before: 0, row: out_width };
    for block in windows.blocks(batch, positions) {
        let Block { images, lines, source } = block.clone();
        packed_x.fill(x, images.clone(), source, x_lay, WIDE);
        packed_dy.fill(dy, images, lines, dy_lay, WIDE);
        let windows_segments: Vec<Vec<Segment>> =
            windows.windows.iter().map(|window| windows.segments(window, &block, RUN)).collect();
        sums.par_chunks_mut(TILE).enumerate().for_each(|(index, sums)| {
            let (panel, part) = (index / parts.len(), index % parts.len());
            let Some(part) = parts.get(part) else { return };
            let Some(segments) = windows_segments.get(part.window) else { return };
            let step = |packed: &Packed, panel| packed.channels_of(panel).len();
            let values = packed_x.panel(part.panel).get(part.first..).unwrap_or_default();
            let x = Side { values, step: step(&packed_x, part.panel) };
            let dy = Side { values: packed_dy.panel(panel), step: step(&packed_dy, panel) };
            let (wide, narrow) = match roles.swapped {
                true => (dy.step, part.count),
                false => (part.count, dy.step),
            };
            let (stride, swapped) = (shape.stride, roles.swapped);
            let task = TileTask { x, dy, stride, swapped, segments, wide, narrow, sums };
            Arch::new().dispatch(task);
        });
    }
    let taps = shape.kernel * shape.kernel;
    let mut weight = vec![0.0f32; output * input * taps];
    let outputs = weight.par_chunks_mut(roles.dy * input * taps);
    outputs.zip(sums.par_chunks(per_panel.max(1))).for_each(|(weight, sums)| {
        for (part, sums) in parts.iter().zip(sums.chunks_exact(TILE)) {
            let Some(window) = windows.windows.get(part.window) else { continue };
            let channels = packed_x.channels_of(part.panel);
            for value in 0..part.count {
                let (tap, channel) =
                    ((part.first + value) / channels.len(), (part.first + value) % channels.len());
                let to = (channels.start + channel) * taps + window.tap + tap;
                let (from, step) = if roles.swapped { (value * WIDE, 1) } else { (value, WIDE) };
                let weight = weight.iter_mut().skip(to).step_by(input * taps);
                let sums = sums.iter().skip(from).step_by(step);
                weight.zip(sums).for_each(|(to, sum)| *to = *sum);
            }
        }
    });
    weight
}

impl Roles {
    /// Those that leave the fewest products to be thrown away.
    fn new(input: usize, output: usize, taps: usize) -> Self {
        let candidates = [8, 6, 4, 2].into_iter().flat_map(|narrow: usize| {
            let x_wide = Self { swapped: false, x: even(input), dy: narrow, piece: WIDE };
            let x = input.min(NARROW * 3);
            let dy_wide = Self { swapped: true, x, dy: even(output), piece: narrow };
            [x_wide, dy_wide]
        });
        let cost = |roles: &Self| roles.cost(input, output, taps);
        candidates.min_by_key(cost).unwrap_or(Self {
            swapped: false,
            x: WIDE,
            dy: NARROW,
            piece: WIDE,
        })
    }

    /// Cycles of all products of a position, about.
    fn cost(&self, input: usize, output: usize, taps: usize) -> usize {
        let panels = |channels: usize, width: usize| {
            (0..channels).step_by(width).map(move |first| width.min(channels - first))
        };
        let pieces = panels(input, self.x).flat_map(|width| pieces(width * taps, self.piece));
        let pieces: Vec<usize> = pieces.map(|(_, count)| count).collect();
        let outputs = panels(output, self.dy);
        let tile = |wide: usize, narrow: usize| {
            let (vectors, narrow) = (wide.div_ceil(LANES), narrow.next_multiple_of(2));
            // What is read beside the products.
            (vectors * narrow).max(2 * vectors + narrow / 2) + 2
        };
        let of_output = |count: usize| -> usize {
            let tiles = pieces.iter().map(|&piece| match self.swapped {
                true => tile(count, piece),
                false => tile(piece, count),
            });
            tiles.sum()
        };
        outputs.map(of_output).sum()
    }
}

/// Channels of a panel, of at most `WIDE`, so that all hold about as many vectors.
fn even(channels: usize) -> usize {
    let vectors = channels.div_ceil(LANES);
    let panels = vectors.div_ceil(WIDE / LANES).max(1);
    (vectors.div_ceil(panels) * LANES).min(channels).max(1)
}

/// `length` values in pieces of at most `most`, all about as long: first and count.
fn pieces(length: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let unit = if most > LANES { LANES } else { most.max(1) };
    let units = length.div_ceil(unit);
    let count = units.div_ceil((most / unit).max(1));
    let start = move |index: usize| (index * units).div_ceil(count.max(1)) * unit;
    (0..count).map(move |index| (start(index), start(index + 1).min(length) - start(index)))
}

/// What every panel of outputs is multiplied with.
fn parts(x: &Packed, windows: &Windows, roles: Roles) -> Vec<Part> {
    let panels = (0..x.panels()).flat_map(|panel| {
        (0..windows.windows.len()).flat_map(move |window| {
            let values = x.channels_of(panel).len() * windows.taps;
            let pieces = pieces(values, roles.piece);
            pieces.map(move |(first, count)| Part { panel, window, first, count })
        })
    });
    panels.collect()
}

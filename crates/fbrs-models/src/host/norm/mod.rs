//! Batch normalization with what follows it, `activation(gamma · (x - mean) / √(variance + eps) + beta +
//! addend)`, and its gradient.
//!
//! It costs what reading and writing the planes costs, so that these are gone through as few times as may
//! be: once for the moments (`moments`), once for the output; backward once for the two sums that the
//! gradient needs of every channel, and once for the gradient (`passes`). Where the moments are given, the
//! sums and the gradient are one pass.
//!
//! Every plane is summed on its own, and a channel's planes after that in their order: the results are the
//! same whatever the number of threads.

mod moments;
mod passes;

use pulp::Arch;
use rayon::prelude::*;

use super::Planes;
use crate::conv::Activation;

pub(super) use moments::Moments;
use passes::{Backward, Forward, Slopes, Sums};

/// Values that are gone through as one piece of work, at least.
const LEAST: usize = 8192;

/// A normalization of planes by channel. All slices are one value per channel.
#[derive(Clone, Copy)]
pub(super) struct Norm<'a> {
    pub(super) moments: &'a Moments,
    /// Whether the moments are of the very planes that are normalized, and change with these; otherwise
    /// they are given.
    pub(super) of_batch: bool,
    pub(super) gamma: &'a [f32],
    pub(super) beta: &'a [f32],
    pub(super) eps: f64,
    pub(super) activation: Activation,
}

/// What the backward pass reads.
#[derive(Clone, Copy)]
pub(super) struct NormInput<'a> {
    pub(super) x: Planes<'a>,
    /// The output, where there is an activation: where it is at an end of the range, nothing comes back.
    pub(super) y: &'a [f32],
    /// The gradient with respect to it.
    pub(super) dy: &'a [f32],
}

/// Gradients of a normalization.
pub(super) struct NormGradient {
    pub(super) x: Vec<f32>,
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
    /// Where it was asked for.
    pub(super) addend: Option<Vec<f32>>,
}

/// A channel's numbers.
#[derive(Clone, Copy, Default)]
struct Channel {
    mean: f64,
    /// `1 / √(variance + eps)`.
    by_deviation: f64,
    gamma: f64,
    beta: f64,
}

impl Norm<'_> {
    /// `addend`: shaped like `x`.
    pub(super) fn forward(&self, x: Planes<'_>, addend: Option<&[f32]>) -> Vec<f32> {
        let plane = plane(x);
        let channels: Vec<Channel> = self.channels(x).collect();
        let range = self.activation.range();
        let mut y = vec![0.0f32; x.values.len()];
        let planes = y.par_chunks_mut(plane).zip(x.values.par_chunks(plane)).enumerate();
        planes.with_min_len(LEAST.div_ceil(plane)).for_each(|(index, (y, x))| {
            let Some(channel) = channels.get(index % channels.len()) else { return };
            let scale = channel.gamma * channel.by_deviation;
            let shift = (channel.beta - scale * channel.mean) as f32;
            let addend = part(addend.unwrap_or_default(), index, plane);
            Arch::new().dispatch(Forward { x, addend, scale: scale as f32, shift, range, y });
        });
        y
    }

    /// `with_addend`: whether the gradient with respect to an addend is wanted too.
    pub(super) fn backward(&self, input: NormInput<'_>, with_addend: bool) -> NormGradient {
        let (x, plane) = (input.x, plane(input.x));
        let channels: Vec<Channel> = self.channels(x).collect();
        let per_channel = (x.values.len() / channels.len().max(1)).max(1) as f64;
        let length = x.values.len();
        let mut dx = vec![0.0f32; length];
        let mut addend = with_addend.then(|| vec![0.0f32; length]);
        let slopes = |index: usize| {
            let mean = channels.get(index % channels.len()).map_or(0.0, |channel| channel.mean);
            let y = match self.activation {
                Activation::None => &[],
                _ => part(input.y, index, plane),
            };
            let (dy, x) = (part(input.dy, index, plane), part(x.values, index, plane));
            Slopes { dy, y, range: self.activation.range(), x, mean: mean as f32 }
        };
        // Where the moments are given, the gradient is made of the slopes alone.
        let direct = (!self.of_batch).then_some(&mut *dx);
        let outs = planes(addend.as_deref_mut(), length, plane);
        let outs: Vec<_> = outs.zip(planes(direct, length, plane)).collect();
        let sums: Vec<[f64; 2]> = outs
            .into_par_iter()
            .with_min_len(LEAST.div_ceil(plane))
            .enumerate()
            .map(|(index, (addend, dx))| {
                let channel = channels.get(index % channels.len()).copied().unwrap_or_default();
                let scale = (channel.gamma * channel.by_deviation) as f32;
                Arch::new().dispatch(Sums { slopes: slopes(index), addend, dx, scale })
            })
            .collect();
        let sums: Vec<[f64; 2]> = channels
            .iter()
            .enumerate()
            .map(|(index, channel)| {
                let planes = sums.iter().skip(index).step_by(channels.len());
                let [slopes, products] =
                    planes.fold([0.0; 2], |sum, part| [sum[0] + part[0], sum[1] + part[1]]);
                // The distances were taken from the rounded mean.
                let rounding = f64::from(channel.mean as f32) - channel.mean;
                [slopes, products + rounding * slopes]
            })
            .collect();
        if self.of_batch {
            let planes = dx.par_chunks_mut(plane).with_min_len(LEAST.div_ceil(plane)).enumerate();
            planes.for_each(|(index, dx)| {
                let which = index % channels.len();
                let (Some(channel), Some([sum, product])) = (channels.get(which), sums.get(which))
                else {
                    return;
                };
                let by_slope = channel.gamma * channel.by_deviation;
                let by_distance = -by_slope * channel.by_deviation.powi(2) * product / per_channel;
                let rounding = f64::from(channel.mean as f32) - channel.mean;
                let shift = by_distance * rounding - by_slope * sum / per_channel;
                let [by_slope, by_distance, shift] =
                    [by_slope, by_distance, shift].map(|value| value as f32);
                let slopes = slopes(index);
                Arch::new().dispatch(Backward { slopes, by_slope, by_distance, shift, dx });
            });
        }
        let gamma = channels.iter().zip(&sums);
        let gamma = gamma.map(|(channel, [_, product])| (product * channel.by_deviation) as f32);
        let gamma = gamma.collect();
        let beta = sums.iter().map(|[slopes, _]| *slopes as f32).collect();
        NormGradient { x: dx, gamma, beta, addend }
    }

    fn channels(&self, x: Planes<'_>) -> impl Iterator<Item = Channel> {
        let moments = self.moments.mean.iter().zip(&self.moments.variance);
        let affine = self.gamma.iter().zip(self.beta);
        let all = moments.zip(affine).take(x.dims[1]);
        all.map(|((mean, variance), (gamma, beta))| Channel {
            mean: *mean,
            by_deviation: 1.0 / (variance + self.eps).sqrt(),
            gamma: f64::from(*gamma),
            beta: f64::from(*beta),
        })
    }
}

/// Length of a plane.
fn plane(x: Planes<'_>) -> usize {
    (x.dims[2] * x.dims[3]).max(1)
}

/// A plane of many, or nothing where there are none.
fn part(values: &[f32], index: usize, plane: usize) -> &[f32] {
    values.get(index * plane..(index + 1) * plane).unwrap_or_default()
}

/// The planes of `length` values; where there are no values, as many without any.
fn planes(
    values: Option<&mut [f32]>,
    length: usize,
    plane: usize,
) -> impl Iterator<Item = &mut [f32]> {
    let mut planes = values.map(|values| values.chunks_mut(plane));
    let count = length.div_ceil(plane);
    (0..count).map(move |_| planes.as_mut().and_then(|planes| planes.next()).unwrap_or_default())
}

#[cfg(test)]
mod tests;

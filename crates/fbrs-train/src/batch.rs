//! Samples as a network takes them.

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_clicks::{Click, CropSpace, NetworkPoints, Position, Size, disc_maps, distance_maps};
use fbrs_models::{Architecture, ClickInput, ClickPoints};
use fbrs_samples::{TrainingPoint, TrainingSample};
use fbrs_weights::InputScaling;
use rayon::prelude::*;

/// Samples of one size, and what a network needs to know of its inputs.
pub(crate) struct Batch<'a> {
    pub(crate) samples: &'a [TrainingSample],
    /// Clicks of each sample, of which some may have been added.
    pub(crate) points: Vec<Vec<Option<TrainingPoint>>>,
    pub(crate) size: Size,
    architecture: Architecture,
    scaling: InputScaling,
}

impl<'a> Batch<'a> {
    /// `None` where there are no samples.
    pub(crate) fn new(
        samples: &'a [TrainingSample],
        architecture: Architecture,
        scaling: InputScaling,
    ) -> Option<Self> {
        let (width, height) = samples.first()?.photo.dimensions();
        let size = Size { height: height as usize, width: width as usize };
        let points = samples.iter().map(|sample| sample.points.clone()).collect();
        Some(Self { samples, points, size, architecture, scaling })
    }

    /// A part of the samples.
    pub(crate) fn part(&self, range: std::ops::Range<usize>) -> Self {
        Self {
            samples: self.samples.get(range.clone()).unwrap_or_default(),
            points: self.points.get(range).unwrap_or_default().to_vec(),
            ..*self
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Normalized photos, `[batch, 3, height, width]`.
    pub(crate) fn images(&self, device: &Device) -> Tensor<4> {
        let area = self.size.area();
        let InputScaling { mean, deviation, .. } = self.scaling;
        let mut values = vec![0.0f32; self.len() * 3 * area];
        let samples = self.samples.par_iter();
        values.par_chunks_mut((3 * area).max(1)).zip(samples).for_each(|(values, sample)| {
            let channels = values.chunks_mut(area.max(1)).zip(mean.iter().zip(deviation));
            for (channel, (plane, (mean, deviation))) in channels.enumerate() {
                for (value, pixel) in plane.iter_mut().zip(sample.photo.pixels()) {
                    *value = (f32::from(pixel.0[channel]) / 255.0 - mean) / deviation;
                }
            }
        });
        self.tensor(values, 3, device)
    }

    /// What the network is told of the clicks.
    pub(crate) fn told(&self, previous: Option<Vec<f32>>, device: &Device) -> ClickInput {
        let radius = self.scaling.norm_radius;
        let discs = self.architecture.guidance().is_some_and(|guidance| guidance.discs);
        let points: Vec<_> = self.points.par_iter().map(|points| network_points(points)).collect();
        let maps = points.par_iter().map(|points| match discs {
            true => disc_maps(points, self.size, radius),
            false => distance_maps(points, self.size, radius),
        });
        let maps: Vec<Vec<f32>> = maps.collect();
        let points = points.iter().map(|points| {
            let of = |position: Position<CropSpace>| [position.row as f32, position.col as f32];
            ClickPoints {
                positive: points.positive().map(of).collect(),
                negative: points.negative().map(of).collect(),
            }
        });
        ClickInput {
            maps: self.tensor(maps.concat(), 2, device),
            previous_mask: previous.map(|previous| self.tensor(previous, 1, device)),
            points: points.collect(),
        }
    }

    /// Labels of all pixels, `[batch, height · width]`.
    pub(crate) fn targets(&self) -> Vec<f32> {
        self.samples.iter().flat_map(|sample| sample.target.iter().copied()).collect()
    }

    fn tensor(&self, values: Vec<f32>, channels: usize, device: &Device) -> Tensor<4> {
        let shape = [self.len(), channels, self.size.height, self.size.width];
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

/// The slots of a sample as the click maps take them.
fn network_points(points: &[Option<TrainingPoint>]) -> NetworkPoints {
    let (positive, negative) = points.split_at(points.len() / 2);
    let clicks = |points: &[Option<TrainingPoint>], click: fn(Position<CropSpace>) -> Click<CropSpace>| {
        let used = points.iter().flatten();
        let position = |point: &TrainingPoint| {
            Position::from_row_col(f64::from(point.row), f64::from(point.col))
        };
        used.map(|point| click(position(point))).collect::<Vec<_>>()
    };
    let mut all = clicks(positive, Click::positive);
    all.extend(clicks(negative, Click::negative));
    NetworkPoints::new(&all, None)
}

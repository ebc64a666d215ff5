//! Samples as a network takes them.

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_clicks::{Click, CropSpace, NetworkPoints, Position, Size, disc_maps, distance_maps};
use fbrs_models::{Architecture, ClickInput, ClickPoints};
use fbrs_samples::{TrainingPoint, TrainingSample};
use fbrs_weights::InputScaling;
use rayon::prelude::*;

/// Samples of one size, and what a network needs to know of its inputs.
pub(crate) struct Batch {
    pub(crate) samples: Vec<TrainingSample>,
    /// Clicks of each sample, of which some may have been added.
    pub(crate) points: Vec<Vec<Option<TrainingPoint>>>,
    pub(crate) size: Size,
    architecture: Architecture,
    scaling: InputScaling,
}

impl Batch {
    /// `None` where there are no samples.
    pub(crate) fn new(
        samples: Vec<TrainingSample>,
        architecture: Architecture,
        scaling: InputScaling,
    ) -> Option<Self> {
        let (width, height) = samples.first()?.photo.dimensions();
        let size = Size { height: height as usize, width: width as usize };
        let points = samples.iter().map(|sample| sample.points.clone()).collect();
        Some(Self { samples, points, size, architecture, scaling })
    }

    /// The samples with the clicks that were added.
    pub(crate) fn into_samples(self) -> Vec<TrainingSample> {
        let samples = self.samples.into_iter().zip(self.points);
        samples.map(|(sample, points)| TrainingSample { points, ..sample }).collect()
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

    /// Labels of all pixels of a size (height, width), `[batch, height · width]`: of a smaller one those of
    /// the nearest pixels, corners on corners.
    pub(crate) fn targets(&self, size: [usize; 2]) -> Vec<f32> {
        let nearest = Nearest::new([self.size.height, self.size.width], size);
        self.samples.iter().flat_map(|sample| nearest.of(&sample.target)).collect()
    }

    /// Values of all pixels of a size as values of the crop's.
    pub(crate) fn at_crop(&self, values: Vec<f32>, size: [usize; 2]) -> Vec<f32> {
        let own = [self.size.height, self.size.width];
        if size == own {
            return values;
        }
        let nearest = Nearest::new(size, own);
        values.chunks((size[0] * size[1]).max(1)).flat_map(|plane| nearest.of(plane)).collect()
    }

    fn tensor(&self, values: Vec<f32>, channels: usize, device: &Device) -> Tensor<4> {
        let shape = [self.len(), channels, self.size.height, self.size.width];
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

/// The slots of a sample as the click maps take them.
fn network_points(points: &[Option<TrainingPoint>]) -> NetworkPoints {
    let (positive, negative) = points.split_at(points.len() / 2);
    let clicks = |points: &[Option<TrainingPoint>],
                  click: fn(Position<CropSpace>) -> Click<CropSpace>| {
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

/// For every pixel of one size the nearest of another, corners on corners.
struct Nearest {
    rows: Vec<usize>,
    cols: Vec<usize>,
    width: usize,
}

impl Nearest {
    fn new(from: [usize; 2], to: [usize; 2]) -> Self {
        let axis = |from: usize, to: usize| {
            let scale = from.saturating_sub(1) as f64 / to.saturating_sub(1).max(1) as f64;
            (0..to).map(|index| (index as f64 * scale).round_ties_even() as usize).collect()
        };
        Self { rows: axis(from[0], to[0]), cols: axis(from[1], to[1]), width: from[1] }
    }

    fn of<'a>(&'a self, plane: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let row = move |row: &'a usize| {
            let line = row * self.width;
            self.cols.iter().map(move |col| plane.get(line + col).copied().unwrap_or(-1.0))
        };
        self.rows.iter().flat_map(row)
    }
}

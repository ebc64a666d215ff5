use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_clicks::{Click, CropSpace, NetworkPoints, Size, distance_maps};

/// What the network sees of a photo: one crop, or tiles of one size, each with its mirror image
/// where flipping is on.
///
/// Cloning shares the pixels. Two frames are the same only if one is a clone of the other.
#[derive(Debug, Clone)]
pub struct Frame {
    /// `[batch, 3, height, width]`: the crops, then their mirror images.
    image: Tensor<4>,
    size: Size,
    crops: usize,
    flip: bool,
    id: FrameId,
}

/// Tells frames apart.
#[derive(Debug, Clone)]
pub(crate) struct FrameId(Arc<()>);

impl PartialEq for FrameId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Frame {
    /// Uploads crops, each `3 · height · width` normalized values, row-major.
    pub fn new(crops: &[Vec<f32>], size: Size, flip: bool, device: &Device) -> Self {
        let halves = if flip { 2 } else { 1 };
        let mut values: Vec<f32> = Vec::with_capacity(halves * crops.len() * 3 * size.area());
        crops.iter().for_each(|crop| values.extend(crop));
        if flip {
            crops.iter().for_each(|crop| mirror_into(crop, size, &mut values));
        }
        let shape = [halves * crops.len(), 3, size.height, size.width];
        let image = Tensor::from_data(TensorData::new(values, shape), device);
        Self { image, size, crops: crops.len(), flip, id: FrameId(Arc::new(())) }
    }

    /// Height and width of a crop.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Number of crops, mirror images not counted.
    pub fn crops(&self) -> usize {
        self.crops
    }

    /// Whether every crop is accompanied by its mirror image.
    pub fn is_flipped(&self) -> bool {
        self.flip
    }

    pub(crate) fn id(&self) -> FrameId {
        self.id.clone()
    }

    /// Number of images that the network sees.
    pub(crate) fn batch(&self) -> usize {
        self.crops * if self.flip { 2 } else { 1 }
    }

    pub(crate) fn image(&self) -> Tensor<4> {
        self.image.clone()
    }

    /// Distance maps of the first `limit` clicks: `[batch, 2, height, width]`.
    pub(crate) fn maps(
        &self,
        clicks: &[Vec<Click<CropSpace>>],
        limit: Option<usize>,
        norm_radius: f32,
    ) -> Tensor<4> {
        let maps: Vec<Vec<f32>> = clicks
            .iter()
            .map(|clicks| distance_maps(&NetworkPoints::new(clicks, limit), self.size, norm_radius))
            .collect();
        let mut values = maps.concat();
        if self.flip {
            maps.iter().for_each(|map| mirror_into(map, self.size, &mut values));
        }
        let shape = [self.batch(), 2, self.size.height, self.size.width];
        Tensor::from_data(TensorData::new(values, shape), &self.image.device())
    }

    /// The clicks of every image of the batch.
    pub(crate) fn batch_clicks(
        &self,
        clicks: &[Vec<Click<CropSpace>>],
    ) -> Vec<Vec<Click<CropSpace>>> {
        let mirrored = |clicks: &Vec<Click<CropSpace>>| {
            clicks.iter().map(|click| click.mirrored(self.size)).collect()
        };
        let mut batch = clicks.to_vec();
        if self.flip {
            batch.extend(clicks.iter().map(mirrored));
        }
        batch
    }
}

/// Appends the mirror image of row-major channels.
fn mirror_into(channels: &[f32], size: Size, values: &mut Vec<f32>) {
    for row in channels.chunks(size.width.max(1)) {
        values.extend(row.iter().rev());
    }
}

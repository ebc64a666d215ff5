use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_clicks::{Click, CropSpace, NetworkPoints, Size, distance_maps};

/// Images (mirror images counted) of a part of many crops: what they need while they run is bounded.
const PART_IMAGES: usize = 4;

/// Where a frame's crops come from. They may be asked for again, and must then be the same.
pub trait CropSource: Send + Sync + fmt::Debug {
    /// The crop with this number: `3 · height · width` normalized values, row-major.
    fn crop(&self, number: usize) -> Vec<f32>;
}

impl CropSource for Vec<Vec<f32>> {
    fn crop(&self, number: usize) -> Vec<f32> {
        self.get(number).cloned().unwrap_or_default()
    }
}

/// What the network sees of a photo: one crop, or tiles of one size, each with its mirror image
/// where flipping is on.
///
/// Many tiles go through the network in parts of a few, one part after the other: memory is that of
/// one part. The images of a frame of a single part stay on the device until they are
/// [forgotten](Frame::forget), and are made again when needed; those of many parts are never kept.
///
/// Cloning shares the pixels. Two frames are the same only if one is a clone of the other.
#[derive(Debug, Clone)]
pub struct Frame {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    source: Arc<dyn CropSource>,
    size: Size,
    crops: usize,
    flip: bool,
    device: Device,
    /// Of a single part.
    image: Mutex<Option<Tensor<4>>>,
}

/// Tells frames apart.
#[derive(Debug, Clone)]
pub(crate) struct FrameId(Arc<Shared>);

impl PartialEq for FrameId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Frame {
    /// A frame of `crops` crops of one size.
    pub fn new(
        source: Arc<dyn CropSource>,
        crops: usize,
        size: Size,
        flip: bool,
        device: &Device,
    ) -> Self {
        let (device, image) = (device.clone(), Mutex::default());
        Self { shared: Arc::new(Shared { source, size, crops, flip, device, image }) }
    }

    /// Height and width of a crop.
    pub fn size(&self) -> Size {
        self.shared.size
    }

    /// Number of crops, mirror images not counted.
    pub fn crops(&self) -> usize {
        self.shared.crops
    }

    /// Whether every crop is accompanied by its mirror image.
    pub fn is_flipped(&self) -> bool {
        self.shared.flip
    }

    /// Whether both are one frame, not only alike.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Bytes of the images that are kept on the device.
    pub fn memory(&self) -> usize {
        let image = self.shared.image.lock().unwrap_or_else(PoisonError::into_inner);
        image.as_ref().map_or(0, |image| image.dims().iter().product::<usize>() * size_of::<f32>())
    }

    /// Drops the images that are kept. Nothing changes but the time of the next click in this frame.
    pub fn forget(&self) {
        *self.shared.image.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn id(&self) -> FrameId {
        FrameId(self.shared.clone())
    }

    /// The parts that go through the network one after the other: numbers of their crops.
    pub(crate) fn parts(&self) -> impl ExactSizeIterator<Item = Range<usize>> + use<> {
        let (crops, length) = (self.crops(), (PART_IMAGES / self.halves()).max(1));
        (0..crops.div_ceil(length)).map(move |part| part * length..((part + 1) * length).min(crops))
    }

    /// Numbers of a part's images among all, in the order of its batch: the whole order is all
    /// crops, then all mirror images.
    pub(crate) fn images(&self, part: Range<usize>) -> impl Iterator<Item = usize> + Clone + use<> {
        let crops = self.crops();
        (0..self.halves()).flat_map(move |half| part.clone().map(move |crop| half * crops + crop))
    }

    /// Number of images that the network sees.
    pub(crate) fn batch(&self) -> usize {
        self.crops() * self.halves()
    }

    fn halves(&self) -> usize {
        if self.is_flipped() { 2 } else { 1 }
    }

    /// A part's crops and then their mirror images: `[batch, 3, height, width]`.
    pub(crate) fn image(&self, part: Range<usize>) -> Tensor<4> {
        if self.parts().len() > 1 {
            return self.upload_image(part);
        }
        let mut kept = self.shared.image.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert_with(|| self.upload_image(part)).clone()
    }

    fn upload_image(&self, part: Range<usize>) -> Tensor<4> {
        let crops: Vec<_> = part.map(|crop| self.shared.source.crop(crop)).collect();
        self.upload(crops, 3)
    }

    /// Distance maps of the first `limit` clicks for a part: `[batch, 2, height, width]`.
    pub(crate) fn distance_maps(
        &self,
        part: Range<usize>,
        clicks: &[Vec<Click<CropSpace>>],
        limit: Option<usize>,
        norm_radius: f32,
    ) -> Tensor<4> {
        let clicks = clicks.get(part).unwrap_or_default();
        let maps = clicks.iter().map(|clicks| {
            distance_maps(&NetworkPoints::new(clicks, limit), self.size(), norm_radius)
        });
        self.upload(maps.collect(), 2)
    }

    /// The planes of each crop, and their mirror images where flipping is on.
    fn upload(&self, crops: Vec<Vec<f32>>, channels: usize) -> Tensor<4> {
        let Size { height, width } = self.size();
        let shape = [self.halves() * crops.len(), channels, height, width];
        let mut values = crops.concat();
        if self.is_flipped() {
            values.reserve_exact(values.len());
            crops.iter().for_each(|crop| mirror_into(crop, self.size(), &mut values));
        }
        Tensor::from_data(TensorData::new(values, shape), &self.shared.device)
    }

    /// The clicks of every image of the batch.
    pub(crate) fn batch_clicks(
        &self,
        clicks: &[Vec<Click<CropSpace>>],
    ) -> Vec<Vec<Click<CropSpace>>> {
        let mirrored = |clicks: &Vec<Click<CropSpace>>| {
            clicks.iter().map(|click| click.mirrored(self.size())).collect()
        };
        let mut batch = clicks.to_vec();
        if self.is_flipped() {
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

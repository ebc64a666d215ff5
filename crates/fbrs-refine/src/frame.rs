use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_clicks::{Click, CropSpace, NetworkPoints, Position, Size, disc_maps, distance_maps};
use fbrs_models::{ClickInput, ClickPoints, ImageFeatures, Interrupt, Interrupted, Network};

use crate::refiner::{ClickEncoding, Told};

/// Images (mirror images counted) of a part of many crops: what they need while they run is bounded.
const PART_IMAGES: usize = 4;
/// Bytes of features that are kept of many parts: of the images' alone by a frame, of a click's for its
/// search. More, as of hundreds of tiles, is made anew whenever it is needed.
pub(crate) const KEPT_FEATURES: usize = 1 << 30;

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
/// one part. What the network computes of the images alone ([`ImageFeatures`]) stays on the device
/// from click to click until it is [forgotten](Frame::forget), and is made again when needed, to the
/// bit; that of many parts is kept as far as 1 GiB holds it. A frame serves one network.
///
/// Cloning shares all of it. Two frames are the same only if one is a clone of the other.
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
    /// By part.
    features: Mutex<Vec<Option<ImageFeatures>>>,
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
        let (device, features) = (device.clone(), Mutex::default());
        Self { shared: Arc::new(Shared { source, size, crops, flip, device, features }) }
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

    /// Bytes of what is kept on the device.
    pub fn memory(&self) -> usize {
        self.kept().iter().flatten().map(bytes).sum()
    }

    /// Drops what is kept. Nothing changes but the time of the next click in this frame.
    pub fn forget(&self) {
        self.kept().clear();
    }

    /// Computes what `network` makes of the images alone, so that the next click need not.
    ///
    /// # Errors
    /// [`Interrupted`] where that is no longer wanted; parts that are done are kept.
    pub fn prepare(&self, network: &Network, interrupt: &Interrupt) -> Result<(), Interrupted> {
        self.parts().try_for_each(|part| {
            if self.kept().iter().flatten().map(bytes).sum::<usize>() >= KEPT_FEATURES {
                return Ok(());
            }
            self.image_features(network, part, interrupt).map(drop)
        })
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Option<ImageFeatures>>> {
        self.shared.features.lock().unwrap_or_else(PoisonError::into_inner)
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
        let crops: Vec<_> = part.map(|crop| self.shared.source.crop(crop)).collect();
        self.upload(crops, 3)
    }

    /// What the network computes of a part's images alone: kept, or made anew.
    pub(crate) fn image_features(
        &self,
        network: &Network,
        part: Range<usize>,
        interrupt: &Interrupt,
    ) -> Result<ImageFeatures, Interrupted> {
        let index = self.parts().position(|known| known == part);
        if let Some(Some(known)) = index.and_then(|index| self.kept().get(index).cloned()) {
            return Ok(known);
        }
        // Of a run that was interrupted nothing is kept.
        let features = interrupt.run(|| network.image_features(self.image(part)))?;
        let mut kept = self.kept();
        let held: usize = kept.iter().flatten().map(bytes).sum();
        let parts = self.parts().len();
        if let Some(index) =
            index.filter(|_| parts == 1 || held + bytes(&features) <= KEPT_FEATURES)
        {
            kept.resize(parts, None);
            if let Some(place) = kept.get_mut(index) {
                *place = Some(features.clone());
            }
        }
        Ok(features)
    }

    /// What the network is told of a part's first `limit` clicks, and of the answer before.
    pub(crate) fn click_input(
        &self,
        part: Range<usize>,
        told: Told<'_>,
        limit: Option<usize>,
        encoding: ClickEncoding,
    ) -> ClickInput {
        let previous = told.previous.and_then(|crops| crops.get(part.clone()));
        let previous_mask = previous.map(|crops| self.upload(crops.to_vec(), 1));
        let clicks = told.clicks.get(part).unwrap_or_default().iter();
        let told: Vec<_> = clicks.map(|clicks| NetworkPoints::new(clicks, limit)).collect();
        let maps = told.iter().map(|points| match encoding {
            ClickEncoding::DistanceMaps { norm_radius } => {
                distance_maps(points, self.size(), norm_radius)
            }
            ClickEncoding::Discs { radius } => disc_maps(points, self.size(), radius),
        });
        let maps = self.upload(maps.collect(), 2);
        let mut points: Vec<_> = told.iter().map(|points| self.click_points(points)).collect();
        if self.is_flipped() {
            let mirrored: Vec<_> = points.iter().map(|points| self.mirrored(points)).collect();
            points.extend(mirrored);
        }
        ClickInput { maps, previous_mask, points: points.into() }
    }

    /// Of a single crop all clicks, wherever they are. A tile has nothing of what lies elsewhere, and
    /// its border is not what was clicked on.
    fn click_points(&self, points: &NetworkPoints) -> ClickPoints {
        let is_seen = |position: &Position<CropSpace>| {
            let is_in = |at: f64, length: usize| (0.0..length as f64).contains(&at);
            let Size { height, width } = self.size();
            self.crops() == 1 || (is_in(position.row, height) && is_in(position.col, width))
        };
        let place = |position: Position<CropSpace>| [position.row as f32, position.col as f32];
        ClickPoints {
            positive: points.positive().filter(is_seen).map(place).collect(),
            negative: points.negative().filter(is_seen).map(place).collect(),
        }
    }

    fn mirrored(&self, points: &ClickPoints) -> ClickPoints {
        let last = self.size().width.saturating_sub(1) as f32;
        let mirrored =
            |points: &[[f32; 2]]| points.iter().map(|[row, col]| [*row, last - col]).collect();
        ClickPoints { positive: mirrored(&points.positive), negative: mirrored(&points.negative) }
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

fn bytes(features: &ImageFeatures) -> usize {
    features.values() * size_of::<f32>()
}

/// Appends the mirror image of row-major channels.
fn mirror_into(channels: &[f32], size: Size, values: &mut Vec<f32>) {
    for row in channels.chunks(size.width.max(1)) {
        values.extend(row.iter().rev());
    }
}

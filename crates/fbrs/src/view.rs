//! From clicks and the previous prediction to the part of the photo that the network sees.

use std::sync::Arc;

use burn::tensor::Device;
use fbrs_clicks::{Click, CropSpace, CropTransform, ImageSpace, Region, Size, tile_offsets};
use fbrs_refine::Frame;

use crate::options::{Options, View, ZoomIn};
use crate::photo::Photo;
use crate::prediction::Prediction;

/// Probability above which a pixel counts as object when the region is chosen.
const OBJECT: f32 = 0.5;
/// A first prediction is repeated, zoomed in, where its region overlaps the image less than this.
const REPEAT_IOU: f64 = 0.5;

/// What the network sees, and where in the photo that is.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) transforms: Arc<[CropTransform]>,
    pub(crate) frame: Frame,
}

impl Seen {
    fn new(
        transforms: Vec<CropTransform>,
        photo: &Photo,
        flip: bool,
        device: &Device,
    ) -> Option<Self> {
        let size = transforms.first()?.crop();
        let crops: Vec<_> = transforms.iter().map(|map| photo.crop(map)).collect();
        Some(Self { transforms: transforms.into(), frame: Frame::new(&crops, size, flip, device) })
    }

    /// Whether both are the same view of the photo, not only equal ones.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.transforms, &other.transforms)
    }

    /// The clicks as each crop has them.
    pub(crate) fn clicks(&self, clicks: &[Click<ImageSpace>]) -> Vec<Vec<Click<CropSpace>>> {
        let in_crop =
            |map: &CropTransform| clicks.iter().map(|click| map.click_to_crop(*click)).collect();
        self.transforms.iter().map(in_crop).collect()
    }
}

/// The views of one object, from click to click. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(crate) struct ObjectView {
    /// The region zoomed in to, and what was seen of it.
    zoomed: Option<(Region, Seen)>,
}

impl ObjectView {
    /// Chooses what the network sees for the last of `clicks`.
    pub(crate) fn choose(
        &mut self,
        options: &Options,
        clicks: &[Click<ImageSpace>],
        previous: Option<&Prediction>,
        photo: &Photo,
        whole: &Seen,
        device: &Device,
    ) -> Seen {
        let View::ZoomIn(zoom) = &options.view else { return whole.clone() };
        if clicks.len() <= zoom.skip_clicks {
            return whole.clone();
        }
        let Some(wanted) = previous.and_then(|previous| zoom.region(previous, clicks)) else {
            return whole.clone();
        };
        let stays = |region: &Region| {
            let positive = || clicks.iter().filter(|click| click.is_positive());
            positive().all(|click| region.holds(click.position))
                && region.iou(wanted) >= zoom.recompute_iou
        };
        if let Some((region, seen)) = &self.zoomed
            && stays(region)
        {
            return seen.clone();
        }
        let map = limit(CropTransform::longest_side(wanted, zoom.target_size), options);
        let Some(seen) = Seen::new(vec![map], photo, options.flip, device) else {
            return whole.clone();
        };
        self.zoomed = Some((wanted, seen.clone()));
        seen
    }

    /// Whether a prediction of the whole image is to be repeated, zoomed in: where even the first
    /// click zooms in and the object turns out to be small.
    pub(crate) fn should_repeat(&self, options: &Options, prediction: &Prediction) -> bool {
        let View::ZoomIn(zoom) = &options.view else { return false };
        if zoom.skip_clicks > 0 || self.zoomed.is_some() {
            return false;
        }
        let whole = Region::whole(prediction.size());
        zoom.region(prediction, &[]).is_some_and(|region| region.iou(whole) < REPEAT_IOU)
    }

    /// The region that is zoomed in to, once there is one.
    pub(crate) fn region(&self) -> Option<Region> {
        self.zoomed.as_ref().map(|(region, _)| *region)
    }
}

impl ZoomIn {
    /// The surroundings of the predicted object, every positive click's pixel counted as object;
    /// `None` where nothing is predicted.
    fn region(&self, previous: &Prediction, clicks: &[Click<ImageSpace>]) -> Option<Region> {
        let size = previous.size();
        let mut mask: Vec<bool> =
            previous.probabilities().iter().map(|&probability| probability > OBJECT).collect();
        if !mask.contains(&true) {
            return None;
        }
        for click in clicks.iter().filter(|click| click.is_positive()) {
            let (row, col) = (click.position.row as usize, click.position.col as usize);
            if let Some(pixel) = mask.get_mut(row * size.width + col) {
                *pixel = true;
            }
        }
        let object = Region::bounding_box(&mask, size)?;
        Some(object.expanded(self.expansion_ratio, self.min_region_size, size))
    }
}

/// The whole photo as the options have it: at its own size, or limited, or in tiles.
pub(crate) fn whole(photo: &Photo, options: &Options, device: &Device) -> Option<Seen> {
    let size = photo.size();
    let transforms = match &options.view {
        View::Tiles(tiles) => tile_regions(size, tiles.size, tiles.min_overlap)
            .into_iter()
            .map(|region| limit(CropTransform::unscaled(region), options))
            .collect(),
        View::Whole | View::ZoomIn(_) => vec![limit(CropTransform::identity(size), options)],
    };
    Seen::new(transforms, photo, options.flip, device)
}

fn tile_regions(size: Size, tile: usize, min_overlap: f64) -> Vec<Region> {
    let axis = |length: usize| {
        let offsets = tile_offsets(length, tile, min_overlap);
        offsets.into_iter().map(move |first| (first, first + tile.min(length) - 1))
    };
    axis(size.height)
        .flat_map(|(top, bottom)| {
            axis(size.width).map(move |(left, right)| Region { top, bottom, left, right })
        })
        .collect()
}

fn limit(map: CropTransform, options: &Options) -> CropTransform {
    match options.max_size {
        Some(limit) => map.limited(limit),
        None => map,
    }
}

//! From clicks and the previous prediction to the part of the photo that the network sees.

use std::sync::Arc;

use fbrs_clicks::{Click, CropSpace, CropTransform, ImageSpace, Region, Size, tile_offsets};
use fbrs_refine::Frame;

use crate::error::{Error, Result};
use crate::loaded::Loaded;
use crate::options::{Options, View, ZoomIn};
use crate::photo::{Crops, Photo};

/// Probability above which a pixel counts as object when the region is chosen.
pub(crate) const OBJECT: f32 = 0.5;
/// Tiles that a photo may be cut into.
const MOST_TILES: usize = 4096;
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
        loaded: &Loaded,
    ) -> Option<Self> {
        let size = transforms.first()?.crop();
        let transforms: Arc<[_]> = transforms.into();
        let (photo, scaling) = (photo.clone(), loaded.scaling);
        let crops = Crops { photo, transforms: transforms.clone(), scaling };
        let device = loaded.device.burn();
        let frame = Frame::new(Arc::new(crops), transforms.len(), size, flip, device);
        Some(Self { transforms, frame })
    }

    /// Whether both are the same view of the photo, not only equal ones.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.frame.is_same(&other.frame)
    }

    /// The clicks as each crop has them.
    pub(crate) fn clicks(&self, clicks: &[Click<ImageSpace>]) -> Vec<Vec<Click<CropSpace>>> {
        let in_crop = |transform: &CropTransform| {
            clicks.iter().map(|click| transform.click_to_crop(*click)).collect()
        };
        self.transforms.iter().map(in_crop).collect()
    }
}

/// What all views of a photo are chosen from.
#[derive(Clone, Copy)]
pub(crate) struct Whole<'a> {
    pub(crate) options: &'a Options,
    pub(crate) photo: &'a Photo,
    /// The whole photo as the options have it.
    pub(crate) seen: &'a Seen,
    pub(crate) loaded: &'a Loaded,
}

/// The views of one object, from click to click. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(crate) struct ObjectView {
    /// The region zoomed in to, and what was seen of it.
    zoomed: Option<(Region, Seen)>,
}

impl ObjectView {
    /// Chooses what the network sees for the last of `clicks`; `previous` is where the object was
    /// predicted before, `seen_before` finds a view that another object or a change that was taken
    /// back has already had.
    pub(crate) fn choose(
        &mut self,
        of: &Whole<'_>,
        clicks: &[Click<ImageSpace>],
        previous: Option<Region>,
        seen_before: impl Fn(&CropTransform) -> Option<Seen>,
    ) -> Seen {
        let Whole { options, photo, seen: whole, loaded } = *of;
        let View::ZoomIn(zoom) = &options.view else { return whole.clone() };
        if clicks.len() <= zoom.skip_clicks && !zoom.from_start {
            return whole.clone();
        }
        let wanted = previous.map(|previous| zoom.region(previous, clicks, photo.size()));
        let everything = || zoom.from_start.then(|| Region::whole(photo.size()));
        let Some(wanted) = wanted.or_else(everything) else { return whole.clone() };
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
        let transform = match zoom.fixed_crop {
            true => CropTransform::stretched(wanted, zoom.target_size),
            false => CropTransform::longest_side(wanted, zoom.target_size),
        };
        let transform = limit(transform, options);
        let fresh = || Seen::new(vec![transform], photo, options.flip, loaded);
        let Some(seen) = seen_before(&transform).or_else(fresh) else { return whole.clone() };
        self.zoomed = Some((wanted, seen.clone()));
        seen
    }

    /// Whether a prediction of the whole image is to be repeated, zoomed in: where even the first
    /// click zooms in and the object turns out to be small.
    pub(crate) fn should_repeat(
        &self,
        options: &Options,
        predicted: Option<Region>,
        size: Size,
    ) -> bool {
        let View::ZoomIn(zoom) = &options.view else { return false };
        if zoom.skip_clicks > 0 || zoom.from_start || self.zoomed.is_some() {
            return false;
        }
        let whole = Region::whole(size);
        predicted.is_some_and(|object| zoom.region(object, &[], size).iou(whole) < REPEAT_IOU)
    }

    /// What is seen when zoomed in.
    pub(crate) fn seen(&self) -> Option<&Seen> {
        self.zoomed.as_ref().map(|(_, seen)| seen)
    }

    /// The region that is zoomed in to, once there is one.
    pub(crate) fn region(&self) -> Option<Region> {
        self.zoomed.as_ref().map(|(region, _)| *region)
    }
}

impl ZoomIn {
    /// The surroundings of the predicted object, every positive click's pixel counted as object.
    fn region(&self, predicted: Region, clicks: &[Click<ImageSpace>], size: Size) -> Region {
        let positive = clicks.iter().filter(|click| click.is_positive());
        let pixels = positive.filter(|click| click.position.is_inside(size)).filter_map(|click| {
            let (row, col) = (click.position.row as usize, click.position.col as usize);
            Region::new(row..=row, col..=col)
        });
        let object = pixels.fold(predicted, Region::union);
        object.expanded(self.expansion_ratio, self.min_region_size, size)
    }
}

/// The whole photo as the options have it: at its own size, or limited, or in tiles.
pub(crate) fn whole(photo: &Photo, options: &Options, loaded: &Loaded) -> Result<Seen> {
    let size = photo.size();
    let transforms = match &options.view {
        View::Tiles(tiles) => tile_regions(size, tiles.size, tiles.min_overlap)?
            .into_iter()
            .map(|region| limit(CropTransform::unscaled(region), options))
            .collect(),
        View::Whole | View::ZoomIn(_) => vec![limit(CropTransform::identity(size), options)],
    };
    Seen::new(transforms, photo, options.flip, loaded)
        .ok_or_else(|| Error::Image { size, reason: "there is nothing to see in it".to_owned() })
}

fn tile_regions(size: Size, tile: usize, min_overlap: f64) -> Result<Vec<Region>> {
    let axis = |length: usize| {
        let offsets = tile_offsets(length, tile, min_overlap);
        offsets.into_iter().map(move |first| first..=first + tile.min(length) - 1)
    };
    let (rows, cols) = (axis(size.height), axis(size.width));
    let count = rows.len().saturating_mul(cols.len());
    if count > MOST_TILES {
        return Err(Error::Parameter {
            name: "tile size",
            expected: "at most 4096 tiles: larger ones, or less overlap",
            found: format!("{count} tiles of {tile} pixels"),
        });
    }
    let regions = rows.flat_map(|rows| cols.clone().map(move |cols| (rows.clone(), cols)));
    Ok(regions.filter_map(|(rows, cols)| Region::new(rows, cols)).collect())
}

fn limit(transform: CropTransform, options: &Options) -> CropTransform {
    match options.max_size {
        Some(limit) => transform.limited(limit),
        None => transform,
    }
}

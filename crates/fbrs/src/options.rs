use fbrs_models::Architecture;
use fbrs_refine::{Mode, NetClicks, RefineOptions};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How a session answers clicks. The default is the published one of each part, f-BRS-B with
/// zoom-in and flip; [`Segmenter::options`](crate::Segmenter::options) are those that suit a network.
///
/// ```
/// use fbrs::{Mode, Options, RefineOptions};
///
/// let refine = RefineOptions::default().with_mode(Mode::FBrsC);
/// let options = Options::default().with_flip(false).with_refine(refine);
/// assert!(options.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Options {
    /// What part of the image the network sees.
    pub view: View,
    /// An image or crop whose longer side exceeds this many pixels is resized to it; `None` for no
    /// limit. Published: 800 in the demo. Without a limit, memory grows with the photo's area.
    pub max_size: Option<usize>,
    /// Averages the answers to the image and to its mirror image. Published: on.
    pub flip: bool,
    /// Refinement: mode and parameters.
    pub refine: RefineOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            view: View::ZoomIn(ZoomIn::default()),
            max_size: Some(800),
            flip: true,
            refine: RefineOptions::default(),
        }
    }
}

/// What part of the image the network sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum View {
    /// All of it.
    Whole,
    /// From the second click on, the surroundings of the object.
    ZoomIn(ZoomIn),
    /// Overlapping tiles, answered together and averaged where they overlap: for big images.
    Tiles(Tiles),
}

/// Parameters of zooming in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ZoomIn {
    /// The whole image is seen until there are more clicks than this. Published: 1.
    pub skip_clicks: usize,
    /// Zooms in from the first click on: the whole photo is resized to the target size while nothing
    /// is found in it. Published in RITM's demo and fixed evaluation (`skip_clicks` -1).
    pub from_start: bool,
    /// Longer side of the crop, in pixels. Published: 400 (600 for DAVIS).
    pub target_size: usize,
    /// Resizes every region to a square of the target size, whatever its aspect. Published in RITM's
    /// demo and fixed evaluation.
    pub fixed_crop: bool,
    /// The object's box is expanded by this factor. Published: 1.4.
    pub expansion_ratio: f64,
    /// Smallest side of the region, in pixels of the photo. Published: 200.
    pub min_region_size: usize,
    /// The region is replaced when its overlap with a new one falls below this. Published: 0.5.
    pub recompute_iou: f64,
}

impl Default for ZoomIn {
    fn default() -> Self {
        Self {
            skip_clicks: 1,
            from_start: false,
            target_size: 400,
            fixed_crop: false,
            expansion_ratio: 1.4,
            min_region_size: 200,
            recompute_iou: 0.5,
        }
    }
}

/// Parameters of tiling. A photo is cut into at most 4096 tiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Tiles {
    /// Side of a tile, in pixels of the photo; a shorter image side is one tile.
    pub size: usize,
    /// Smallest overlap of neighbors, as a share of a tile. Published: 0.2.
    pub min_overlap: f64,
}

impl Default for Tiles {
    fn default() -> Self {
        Self { size: 480, min_overlap: 0.2 }
    }
}

impl ZoomIn {
    fbrs_refine::setters! {
        skip_clicks: usize, with_skip_clicks;
        from_start: bool, with_from_start;
        target_size: usize, with_target_size;
        fixed_crop: bool, with_fixed_crop;
        expansion_ratio: f64, with_expansion_ratio;
        min_region_size: usize, with_min_region_size;
        recompute_iou: f64, with_recompute_iou;
    }
}

impl Tiles {
    fbrs_refine::setters! {
        size: usize, with_size;
        min_overlap: f64, with_min_overlap;
    }
}

/// Sides that can be asked for, in pixels.
const SIDES: std::ops::RangeInclusive<usize> = 16..=8192;

impl Options {
    fbrs_refine::setters! {
        view: View, with_view;
        max_size: Option<usize>, with_max_size;
        flip: bool, with_flip;
        refine: RefineOptions, with_refine;
    }

    /// How a network answers clicks best: as published for the published networks (RITM's: without
    /// refinement), and for the Lite family as evaluation found (`weights/README.md`): views as large
    /// as those that it was trained on, zoomed in to small objects from the first click on; f-BRS-B
    /// with every click told to the network, and regularized more than published.
    pub fn for_network(architecture: &Architecture) -> Self {
        match architecture {
            Architecture::Lite(_) => {
                let zoom = ZoomIn::default().with_target_size(360).with_skip_clicks(0);
                let refine = RefineOptions::default()
                    .with_net_clicks(NetClicks::All)
                    .with_regularization(0.02);
                Self::default()
                    .with_view(View::ZoomIn(zoom))
                    .with_max_size(Some(360))
                    .with_refine(refine)
            }
            // The successor's networks are published without refinement.
            _ if architecture.guidance().is_some() => {
                Self::default().with_refine(RefineOptions::default().with_mode(Mode::NoBrs))
            }
            _ => Self::default(),
        }
    }

    /// Whether the very first click may be answered twice, the second time zoomed in.
    pub(crate) fn is_zoomed_in_from_the_first_click(&self) -> bool {
        matches!(&self.view, View::ZoomIn(zoom) if zoom.skip_clicks == 0)
    }

    /// Whether every parameter lies in its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first that does not.
    pub fn check(&self) -> Result<()> {
        let side =
            |name, side: usize| check(name, "16 to 8192 pixels", side, |side| SIDES.contains(side));
        match &self.view {
            View::Whole => {}
            View::ZoomIn(zoom) => {
                side("zoom-in target size", zoom.target_size)?;
                check(
                    "zoom-in expansion ratio",
                    "a number from 1 to 10",
                    zoom.expansion_ratio,
                    |x| (1.0..=10.0).contains(x),
                )?;
                check("zoom-in overlap", "a number from 0 to 1", zoom.recompute_iou, |x| {
                    (0.0..=1.0).contains(x)
                })?;
            }
            View::Tiles(tiles) => {
                side("tile size", tiles.size)?;
                check("tile overlap", "a number from 0 to 0.9", tiles.min_overlap, |x| {
                    (0.0..=0.9).contains(x)
                })?;
            }
        }
        if let Some(limit) = self.max_size {
            side("maximal size", limit)?;
        }
        let refine = &self.refine;
        check_threshold(refine.threshold)?;
        check("minimal IoU difference", "a number from 0 to 1", refine.min_iou_diff, |x| {
            (0.0..=1.0).contains(x)
        })?;
        for (name, weight) in [
            ("regularization", refine.regularization),
            ("regularization of biases", refine.bias_regularization),
        ] {
            check(name, "a finite number of at least 0", weight, |x| x.is_finite() && *x >= 0.0)?;
        }
        Ok(())
    }
}

pub(crate) fn check_threshold(threshold: f32) -> Result<()> {
    check("threshold", "a number between 0 and 1", threshold, |x| *x > 0.0 && *x < 1.0)
}

fn check<T: ToString>(
    name: &'static str,
    expected: &'static str,
    value: T,
    holds: impl Fn(&T) -> bool,
) -> Result<()> {
    match holds(&value) {
        true => Ok(()),
        false => Err(Error::Parameter { name, expected, found: value.to_string() }),
    }
}

use fbrs_clicks::{Sign, Size};
use fbrs_data::training::LabelledPhoto;
use image::RgbImage;

use crate::augment::{self, NoObject};
use crate::clicks;
use crate::options::SampleOptions;
use crate::stream::{Purpose, Stream};

/// A crop to train on.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSample {
    /// The crop, 8 bits a channel.
    pub photo: RgbImage,
    /// Row by row: 1 on the object, 0 beside it, -1 where a pixel takes no part in any loss or metric; with
    /// soft targets also what lies between 0 and 1.
    pub target: Vec<f32>,
    /// Places for clicks on the object and then as many for clicks beside it; `None` is an unused one.
    pub points: Vec<Option<TrainingPoint>>,
    /// Objects that could have been the target.
    pub candidates: usize,
    /// How many of them are.
    pub chosen: usize,
    /// Where crops come again: which one it is.
    pub view: Option<View>,
}

/// One of the crops of a photo, where they are limited in number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct View {
    /// The photo's number in the set.
    pub photo: usize,
    /// The crop's among the photo's.
    pub number: usize,
}

/// A click, in pixels of the crop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingPoint {
    /// Downwards.
    pub row: f32,
    /// To the right.
    pub col: f32,
    /// Its number where clicks came one after the other, [`TrainingPoint::FIRST`] or
    /// [`TrainingPoint::DRAWN`].
    pub order: u32,
}

impl TrainingPoint {
    /// The order of a first click that has a place of its own.
    pub const FIRST: u32 = 0;
    /// The order of a click that was drawn with others.
    pub const DRAWN: u32 = 100;
}

impl TrainingSample {
    /// Size of the crop.
    pub fn size(&self) -> Size {
        Size { height: self.photo.height() as usize, width: self.photo.width() as usize }
    }

    /// The clicks, those on the object first.
    pub fn clicks(&self) -> impl Iterator<Item = (TrainingPoint, Sign)> + '_ {
        let slots = self.points.len() / 2;
        let sign = move |at| if at < slots { Sign::Positive } else { Sign::Negative };
        self.points.iter().enumerate().filter_map(move |(at, point)| Some(((*point)?, sign(at))))
    }
}

/// Makes a sample of a photo; `stream` gives the sample's streams.
///
/// # Errors
/// Where there is no object in the photo, and it was not to be kept without.
pub(crate) fn make(
    labelled: &LabelledPhoto,
    options: &SampleOptions,
    stream: impl Fn(Purpose) -> Stream,
) -> Result<TrainingSample, NoObject> {
    let augmented = augment::augment(labelled, options, &mut stream(Purpose::Augmentation))?;
    let soft = |object: usize| clicks::soft_mask(labelled, object, &augmented.geometry);
    let drawn =
        clicks::draw(&augmented.scene, &options.clicks, &soft, &mut stream(Purpose::Clicks));
    Ok(TrainingSample {
        photo: augmented.photo,
        target: drawn.target,
        points: drawn.points,
        candidates: augmented.scene.eligible().len(),
        chosen: drawn.chosen,
        view: None,
    })
}

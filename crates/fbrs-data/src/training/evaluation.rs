use std::collections::BTreeMap;

use rand::Rng;

use super::TrainingSet;
use super::layers::Layers;
use super::photo::LabelledPhoto;
use crate::annotations::Label;
use crate::sets::{OpenedData, Problem};
use crate::text::printable;

/// A set for evaluation, photo by photo instead of object by object.
#[derive(Debug)]
pub(super) struct Evaluation {
    data: OpenedData,
    /// Photos with the numbers of their objects.
    photos: Vec<(String, Vec<usize>)>,
}

impl Evaluation {
    pub(super) fn new(data: OpenedData) -> Self {
        let mut photos: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, key) in data.objects.iter().enumerate() {
            photos.entry(key.image.clone()).or_default().push(number);
        }
        Self { photos: photos.into_iter().collect(), data }
    }
}

impl TrainingSet for Evaluation {
    fn len(&self) -> usize {
        self.photos.len()
    }

    fn name(&self, index: usize) -> String {
        self.photos.get(index).map(|(image, _)| printable(image)).unwrap_or_default()
    }

    fn read(&self, index: usize, _: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let (_, numbers) = self.photos.get(index).ok_or_else(Problem::no_such_object)?;
        let mut found: Option<(image::RgbImage, Layers)> = None;
        for number in numbers {
            let sample = self.data.set.read(*number)?;
            let (photo, mut layers) = match found.take() {
                Some(found) => found,
                None => {
                    let layers = Layers::new(sample.photo.dimensions());
                    (sample.photo, layers)
                }
            };
            let is = |wanted: Label| {
                let labels = sample.truth.labels().iter();
                labels.map(|label| *label == wanted).collect::<Vec<bool>>()
            };
            layers.object(&is(Label::Object))?;
            layers.ignore(&is(Label::Ignore))?;
            found = Some((photo, layers));
        }
        let (photo, layers) = found.ok_or_else(Problem::no_such_object)?;
        layers.labelled(photo)
    }

    fn remarks(&self) -> Vec<String> {
        self.data.remarks.clone()
    }
}

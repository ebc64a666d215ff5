//! What is marked in one photo.

use std::sync::Arc;

use fbrs_clicks::{Click, ImageSpace, Size};
use fbrs_data::pictures::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::annotation::LARGEST;
use crate::mask::Mask;

/// Everything that is marked in one photo. Cloning is cheap: objects are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The photo.
    pub photo: PhotoRecord,
    /// How far the work on it is.
    pub state: PhotoState,
    /// Finished objects, the lowest first: where masks overlap, later ones are on top.
    pub objects: Vec<Arc<Object>>,
    /// The object in hand.
    pub current: Option<Current>,
    /// The id of the next new object. Ids are never given twice.
    pub next_id: u64,
}

/// A photo, so that it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoRecord {
    /// Name of its file, without a folder.
    pub file: String,
    /// Columns of the upright photo.
    pub width: u32,
    /// Rows of the upright photo.
    pub height: u32,
    /// Of the file, in lowercase hexadecimal digits.
    pub sha256: String,
    /// Length of the file.
    pub bytes: u64,
    /// How the photo had to be turned to be upright, as EXIF tells: 1 to 8.
    #[serde(default = "upright")]
    pub orientation: u8,
}

fn upright() -> u8 {
    1
}

impl PhotoRecord {
    /// Height and width, upright.
    pub fn size(&self) -> Size {
        Size { height: self.height as usize, width: self.width as usize }
    }
}

/// How far the work on a photo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoState {
    /// There is more to do.
    #[default]
    InProgress,
    /// Somebody said that it is done.
    Done,
}

/// A finished object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Names the object within its photo.
    pub id: u64,
    /// Its class in the project; `None` where it has none.
    #[serde(default)]
    pub class: Option<u32>,
    /// What somebody called it; mostly nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether it is drawn.
    #[serde(default = "yes")]
    pub visible: bool,
    /// Whether it is safe from changes.
    #[serde(default)]
    pub locked: bool,
    /// Its pixels: the truth. All else tells how it came about.
    pub mask: Mask,
    /// The mask that it was begun from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Mask>,
    /// Clicks of the parts that were finished before the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Vec<Click<ImageSpace>>>,
    /// The clicks of the last part, in time order.
    #[serde(default)]
    pub clicks: Vec<Click<ImageSpace>>,
    /// How the clicks were answered.
    #[serde(flatten)]
    pub origin: Origin,
    /// Whether the mask is another than that which the clicks were answered with: it was drawn by
    /// hand, cut or imported.
    #[serde(default)]
    pub edited: bool,
    /// What this program does not know, kept as it was.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn yes() -> bool {
    true
}

impl Object {
    /// A new object whose mask no clicks gave: drawn by hand, or imported. [`Document::put`] gives it
    /// its id.
    pub fn drawn(mask: Mask, class: Option<u32>) -> Self {
        Self {
            id: 0,
            class,
            name: String::new(),
            visible: true,
            locked: false,
            mask,
            start: None,
            parts: Vec::new(),
            clicks: Vec::new(),
            origin: Origin { repeatable: true, ..Origin::default() },
            edited: true,
            extra: Map::new(),
        }
    }

    /// Number of its clicks, those of all parts.
    pub fn click_count(&self) -> usize {
        self.parts.iter().map(Vec::len).sum::<usize>() + self.clicks.len()
    }
}

/// How clicks were answered: what it takes to answer them again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// Options, as the engine writes them.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub options: Value,
    /// Probability above which a pixel is object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// The network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weights>,
    /// What it ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Name and version of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Whether the clicks give the same mask again: no search was ended by its time.
    #[serde(default = "yes")]
    pub repeatable: bool,
}

/// The network that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// What people call it.
    pub name: String,
    /// What tells it from others, in hexadecimal digits.
    pub sha256: String,
}

/// The object in hand. It has no mask: its clicks are answered again where they need be.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Current {
    /// The finished object that is gone on with; it stays in the list until this one is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<u64>,
    /// Its class in the project.
    #[serde(default)]
    pub class: Option<u32>,
    /// The mask that it was begun from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Mask>,
    /// Clicks of the parts that are finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Vec<Click<ImageSpace>>>,
    /// The clicks of the part in hand, in time order.
    #[serde(default)]
    pub clicks: Vec<Click<ImageSpace>>,
    /// How clicks are answered, as the engine writes it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub options: Value,
    /// Probability above which a pixel is object, where it is another than for new objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// What this program does not know, kept as it was.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Current {
    /// Whether nothing was marked yet.
    pub fn is_untouched(&self) -> bool {
        self.start.is_none() && self.parts.is_empty() && self.clicks.is_empty()
    }
}

impl Document {
    /// Of a photo in which nothing is marked.
    pub fn new(photo: PhotoRecord) -> Self {
        Self { photo, state: PhotoState::default(), objects: Vec::new(), current: None, next_id: 1 }
    }

    /// The photo's height and width, upright.
    pub fn size(&self) -> Size {
        self.photo.size()
    }

    /// Whether nothing was ever marked or said.
    pub fn is_untouched(&self) -> bool {
        let nothing_in_hand = self.current.as_ref().is_none_or(Current::is_untouched);
        self.objects.is_empty() && self.state == PhotoState::InProgress && nothing_in_hand
    }

    /// The object of this id.
    pub fn object(&self, id: u64) -> Option<&Arc<Object>> {
        self.objects.iter().find(|object| object.id == id)
    }

    /// Where in the list the object is.
    pub fn place(&self, id: u64) -> Option<usize> {
        self.objects.iter().position(|object| object.id == id)
    }

    /// Adds an object on top of all others, or puts it in the place of the one that has its id. An
    /// object with id 0 gets the next one. Returns the id.
    pub fn put(&mut self, mut object: Object) -> u64 {
        if object.id == 0 {
            object.id = self.next_id;
        }
        let id = object.id;
        self.next_id = self.next_id.max(id.saturating_add(1));
        match self.place(id).and_then(|place| self.objects.get_mut(place)) {
            Some(old) => *old = Arc::new(object),
            None => self.objects.push(Arc::new(object)),
        }
        id
    }

    /// Changes an object; `false` where there is none of this id.
    pub fn alter(&mut self, id: u64, change: impl FnOnce(&mut Object)) -> bool {
        let place = self.place(id);
        let Some(object) = place.and_then(|place| self.objects.get_mut(place)) else {
            return false;
        };
        change(Arc::make_mut(object));
        true
    }

    /// Takes an object out of the list.
    pub fn remove(&mut self, id: u64) -> Option<Arc<Object>> {
        self.place(id).map(|place| self.objects.remove(place))
    }

    /// Why this cannot be: an object of another size than the photo, or an id that is there twice.
    pub(crate) fn fault(&self) -> Option<String> {
        let size = self.size();
        let wrong = |mask: &Mask| mask.size() != size;
        let mut ids = std::collections::HashSet::new();
        let (limits, sides) = (Limits::default(), [self.photo.height, self.photo.width]);
        let area = sides.iter().map(|side| u64::from(*side)).product::<u64>();
        if area == 0 || area > limits.area || sides.iter().any(|side| *side > limits.longest_side) {
            return Some(format!("its photo has {size} pixels"));
        }
        if self.next_id > LARGEST {
            return Some(format!("its next object would have the id {}", self.next_id));
        }
        for object in &self.objects {
            if object.id == 0 || !ids.insert(object.id) {
                return Some(format!("two objects have the id {}", object.id));
            }
            let clicks = object.parts.iter().flatten().chain(&object.clicks);
            if clicks.into_iter().any(|click| !click.position.is_inside(size)) {
                return Some(format!("object {} has a click outside the photo", object.id));
            }
            if wrong(&object.mask) || object.start.as_ref().is_some_and(wrong) {
                let found = object.mask.size();
                return Some(format!(
                    "object {} has a mask of {found} pixels, the photo {size}",
                    object.id
                ));
            }
        }
        if let Some(current) = &self.current {
            let mut clicks = current.parts.iter().flatten().chain(&current.clicks);
            if clicks.any(|click| !click.position.is_inside(size)) {
                return Some("the object in hand has a click outside the photo".to_owned());
            }
        }
        let start = self.current.as_ref().and_then(|current| current.start.as_ref());
        start.filter(|start| wrong(start)).map(|start| {
            format!("the object in hand has a mask of {} pixels, the photo {size}", start.size())
        })
    }
}

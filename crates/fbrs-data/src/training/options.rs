//! What is asked of sets when they are opened.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which part of a published data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// What is learned from.
    #[default]
    Train,
    /// What tells how well it was learned.
    Val,
}

impl Split {
    /// Its name in names of files and folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
        }
    }
}

/// What becomes of objects that are no use as targets: crowds, masks that are all border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Useless {
    /// Their pixels take no part in any loss or metric.
    #[default]
    Ignored,
    /// Their pixels are background, as in the published training: the network learns to leave them
    /// out.
    Background,
}

/// What is asked of a set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetOptions {
    /// Which part, where the layout has several.
    pub split: Split,
    /// How likely stuff (sky, road) is an object too, drawn at each reading, where the layout tells
    /// it from things; else it is background.
    pub stuff: f64,
    /// What becomes of crowds and of masks that are all border.
    pub useless: Useless,
    /// Folder of the photos of a file of COCO instances; `None` to look for it near the file, as
    /// [`crate::sets::CocoOptions::images`] says.
    pub images: Option<PathBuf>,
}

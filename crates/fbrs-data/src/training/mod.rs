//! Photos with labels to learn from: one trait, one file per layout.
//!
//! A set gives a photo with all that is labelled in it ([`LabelledPhoto`]): layers of numbers,
//! objects with their parts, and regions to be ignored. What is drawn from it, and how, is not this
//! module's.
//!
//! | module | what it reads |
//! |---|---|
//! | `folder` | people's own `images` and `masks` |
//! | `coco` | COCO's instances |
//! | `sbd`, `voc`, `lvis`, `panoptic`, `ade20k`, `openimages` | published data sets |
//! | `combined` | COCO and LVIS combined: as [`combine()`] writes it, and the published pickles |
//! | `evaluation` | data sets for evaluation |
//!
//! [`check()`] reads every file once before anything is learned, so that a mask of compression noise is
//! found in the first minute and not after a night. What `training` reads is as hostile as what
//! [`crate::sets`] reads, and handled alike: nothing outside of the folder, nothing without a bound,
//! nothing printed as it came.
//!
//! ```
//! use fbrs_data::training::{Kind, TrainingName};
//!
//! let name: TrainingName = "sbd:data/SBD=0.5".parse().unwrap();
//! assert_eq!((name.kind, name.share), (Some(Kind::Sbd), Some(0.5)));
//! ```
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod ade20k;
mod check;
mod chosen;
mod coco;
mod combine;
mod combined;
mod draw;
mod evaluation;
mod folder;
mod labels;
mod layers;
mod lvis;
mod mixed;
mod open;
mod openimages;
mod options;
mod panoptic;
mod photo;
mod pickle;
mod sbd;
mod scores;
mod voc;

use std::fmt;

pub use check::{Checked, check};
pub use chosen::Chosen;
pub use combine::{Combination, combine};
pub use mixed::Mixed;
pub use open::{Kind, TrainingName, mix};
pub use options::{SetOptions, Split, Useless};
pub use photo::{LabelMap, LabelledPhoto, Object, Region};
pub use scores::{PUBLISHED_GAMMA, Score, Scored, Scores};

use crate::sets::Problem;

/// Photos with labels to learn from.
pub trait TrainingSet: Send + Sync + fmt::Debug {
    /// How many photos there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What messages call a photo; fit to be printed.
    fn name(&self, index: usize) -> String;

    /// Reads a photo and its labels. What a set draws at reading (the order of annotations, whether
    /// stuff is an object, one mask file of several) comes from `draw`.
    ///
    /// # Errors
    /// [`Problem`]: what is wrong with it, for a person to read.
    fn read(&self, index: usize, draw: &mut dyn rand::Rng) -> Result<LabelledPhoto, Problem>;

    /// Weights of the photos, where the set has them: how often one is drawn, compared with others.
    fn weights(&self) -> Option<Vec<f64>> {
        None
    }

    /// What a user ought to know of the whole set, one sentence each.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}

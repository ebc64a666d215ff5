//! What people mark in photos: documents with every change on disk, classes, and other programs'
//! formats.
//!
//! The decision that shaped this crate: an object's mask is the truth, and its clicks, options and
//! weights tell how it came about. A [`Document`] is a value; [`Annotation`] makes changes to it that
//! can all be taken back; a [`Keeper`] has every change on disk before anything is computed from it.
//! No window and no network is in here.
//!
//! ```
//! use fbrs_annotation::{Annotation, Keeper, Mask, Object, PhotoRecord, shape};
//! use fbrs_clicks::{Position, Size};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("cat.jpg.fbrs.json");
//! # let sha256 = "0".repeat(64);
//! let photo = PhotoRecord {
//!     file: "cat.jpg".into(), width: 640, height: 480, sha256, bytes: 1, orientation: 1,
//! };
//! let mut opened = Keeper::open(&path, &photo)?;
//! let disc = shape::stroke(photo.size(), &[Position::at_xy(320.0, 240.0)], 50.0);
//! let line = opened.annotation.change("draw", |document| {
//!     document.put(Object::drawn(disc, None));
//! });
//! if let Some(line) = line {
//!     opened.keeper.append(&line)?;
//! }
//! drop(opened); // As a crash would.
//! let again = Keeper::open(&path, &photo)?;
//! assert_eq!(again.annotation.document().objects.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! | file or folder | what it owns |
//! |---|---|
//! | `mask.rs`, `columns.rs`, [`shape`] | masks, in memory and in files; polygons and brush strokes as masks |
//! | `document.rs` | objects, the object in hand, the photo's state |
//! | `annotation.rs`, `history.rs`, `patch.rs` | changes, taken back and made again |
//! | [`mod@file`], `keeper.rs` | the document's file and its journal |
//! | `folder.rs`, `project.rs` | photos, where their documents are, classes |
//! | [`export`], [`mod@import`] | other programs' formats |
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any release.

mod annotation;
mod columns;
mod document;
mod error;
pub mod export;
pub mod file;
mod folder;
mod history;
pub mod import;
mod keeper;
mod mask;
mod patch;
mod project;
pub mod shape;

pub use annotation::{Annotation, Line};
pub use document::{Current, Document, Object, Origin, PhotoRecord, PhotoState, Weights};
pub use error::{Error, Result};
pub use folder::{Folder, FolderLock, PhotoPath, digest, is_photo};
pub use keeper::{Keeper, Opened};
pub use mask::{Mask, Run};
pub use project::{COLORS, Class, Color, Merge, PROJECT_FILE, Project};

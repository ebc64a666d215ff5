//! Clicks of interactive segmentation: where they are and what a network is told about them.
//!
//! The decision that shaped this crate: a position knows whether it is one in the photo
//! ([`ImageSpace`]) or one in the resized part of it that the network sees ([`CropSpace`]). The only way from
//! one to the other is a [`CropTransform`].
//!
//! ```
//! use fbrs_clicks::{Click, CropSpace, CropTransform, NetworkPoints, Position, Region, Size, distance_maps};
//!
//! let photo = Size { height: 480, width: 640 };
//! let region = Region::new(100..=299, 200..=399).ok_or("no pixels")?;
//! let transform = CropTransform::longest_side(region, 400);
//! let click = Click::positive_at(250.0, 150.0);
//! let in_crop: Click<CropSpace> = transform.click_to_crop(click);
//! assert_eq!(in_crop.position, Position::at_xy(100.0, 100.0));
//! let points = NetworkPoints::new(&[in_crop], None);
//! let maps = distance_maps(&points, transform.crop(), 260.0);
//! assert_eq!(maps.len(), 2 * 400 * 400);
//! # assert!(region.fits(photo));
//! # Ok::<(), &str>(())
//! ```
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.

mod click;
mod discs;
mod maps;
mod points;
mod position;
mod region;
mod tiles;
mod transform;

pub use click::{Click, Sign};
pub use discs::{ClickDiscs, DiscRule};
pub use maps::{NORM_RADIUS, disc_maps, distance_maps};
pub use points::NetworkPoints;
pub use position::{CropSpace, ImageSpace, Position, Size};
pub use region::Region;
pub use tiles::tile_offsets;
pub use transform::CropTransform;

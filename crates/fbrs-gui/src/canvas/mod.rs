//! The photo with everything on it: where it lies, and how it gets onto the screen piece by piece.

mod painter;
mod pyramid;
mod scene;
mod tiles;
mod view;

pub(crate) use painter::{Layer, Order, PaintedTile, Painter};
pub(crate) use pyramid::Pyramid;
pub(crate) use scene::{Hatch, Painted, Scene, Shown};
pub(crate) use tiles::{TILE, Textures, Tile};
pub(crate) use view::{NOTCH, View};

//! The thread that turns photos and masks into pictures for the screen.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use egui::{Color32, ColorImage};

use super::pyramid::Pyramid;
use super::scene::Shown;
use super::tiles::{TILE, Tile};
use crate::engine::{PhotoKey, Wake};

/// What a tile is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Layer {
    Photo,
    Objects,
    /// The object in hand.
    Current,
}

/// What is to be painted; a newer order takes the place of one that is not done.
#[derive(Clone, Default)]
pub(crate) struct Order {
    pub(crate) key: PhotoKey,
    pub(crate) pyramid: Option<Pyramid>,
    pub(crate) photo_tiles: Vec<Tile>,
    pub(crate) objects: Shown,
    pub(crate) object_tiles: Vec<Tile>,
    pub(crate) current: Shown,
    pub(crate) current_tiles: Vec<Tile>,
    pub(crate) thick: usize,
}

/// A tile that is painted.
pub(crate) struct PaintedTile {
    pub(crate) key: PhotoKey,
    pub(crate) layer: Layer,
    pub(crate) tile: Tile,
    /// The scene's number.
    pub(crate) number: u64,
    /// `None` where nothing is to be seen.
    pub(crate) image: Option<ColorImage>,
}

/// The window's end of the thread.
pub(crate) struct Painter {
    shared: Arc<(Mutex<Slot>, Condvar)>,
}

#[derive(Default)]
struct Slot {
    order: Option<Order>,
    is_over: bool,
}

impl Painter {
    pub(crate) fn start(painted: Sender<PaintedTile>, wake: Wake) -> Self {
        let shared: Arc<(Mutex<Slot>, Condvar)> = Arc::default();
        let own = shared.clone();
        let named = thread::Builder::new().name("painter".to_owned());
        let _ = named.spawn(move || run(&own, &painted, &wake));
        Self { shared }
    }

    pub(crate) fn paint(&self, order: Order) {
        lock(&self.shared).order = Some(order);
        self.shared.1.notify_all();
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        lock(&self.shared).is_over = true;
        self.shared.1.notify_all();
    }
}

fn lock(shared: &(Mutex<Slot>, Condvar)) -> MutexGuard<'_, Slot> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(shared: &(Mutex<Slot>, Condvar), painted: &Sender<PaintedTile>, wake: &Wake) {
    loop {
        let order = {
            let mut slot = lock(shared);
            loop {
                if slot.is_over {
                    return;
                }
                if let Some(order) = slot.order.take() {
                    break order;
                }
                slot = shared.1.wait(slot).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let Some(pyramid) = &order.pyramid else { continue };
        let photo = pyramid.size();
        // The object in hand first: people watch it change.
        let layers = [
            (Layer::Current, &order.current_tiles),
            (Layer::Photo, &order.photo_tiles),
            (Layer::Objects, &order.object_tiles),
        ];
        let all = layers.iter().flat_map(|(layer, tiles)| tiles.iter().map(move |t| (*layer, *t)));
        for (layer, tile) in all {
            let (number, image) = match layer {
                Layer::Photo => (0, photo_tile(pyramid, tile)),
                Layer::Objects => {
                    let image = order.objects.scene.paint(tile, tile.size(photo), order.thick);
                    (order.objects.number, image)
                }
                Layer::Current => {
                    let image = order.current.scene.paint(tile, tile.size(photo), order.thick);
                    (order.current.number, image)
                }
            };
            let tile = PaintedTile { key: order.key, layer, tile, number, image };
            if painted.send(tile).is_err() {
                return;
            }
            wake();
            if lock(shared).order.is_some() {
                break;
            }
        }
    }
}

fn photo_tile(pyramid: &Pyramid, tile: Tile) -> Option<ColorImage> {
    let level = pyramid.level(tile.level)?;
    let [width, height] = tile.size(pyramid.size());
    let (left, top) = ((tile.x * TILE) as usize, (tile.y * TILE) as usize);
    let stride = level.width() as usize * 3;
    let mut pixels = Vec::with_capacity(width * height);
    for row in top..top + height {
        let begin = row * stride + 3 * left;
        let line = level.as_raw().get(begin..begin + 3 * width)?;
        pixels.extend(line.chunks_exact(3).map(|rgb| match rgb {
            [r, g, b] => Color32::from_rgb(*r, *g, *b),
            _ => Color32::BLACK,
        }));
    }
    Some(ColorImage::new([width, height], pixels))
}

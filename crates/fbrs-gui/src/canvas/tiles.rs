//! Pieces that the canvas is made of, and the textures of those that were seen last.

use std::collections::HashMap;

use egui::{Rect, TextureHandle, pos2};

use super::view::View;

/// Pixels on the side of a tile.
pub(crate) const TILE: u32 = 512;

/// A square of a level of the photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Tile {
    /// How often the photo was halved.
    pub(crate) level: u32,
    /// From the left.
    pub(crate) x: u32,
    /// From the top.
    pub(crate) y: u32,
}

impl Tile {
    /// Columns and rows of its own pixels; tiles at the right and at the bottom are smaller.
    pub(crate) fn size(self, photo: [u32; 2]) -> [usize; 2] {
        let side = |photo: u32, at: u32| {
            let mut length = photo;
            (0..self.level).for_each(|_| length = length.div_ceil(2));
            length.saturating_sub(at * TILE).min(TILE) as usize
        };
        [side(photo[0], self.x), side(photo[1], self.y)]
    }

    /// The part of the photo that it shows, from the photo's corner.
    pub(crate) fn rect(self, photo: [u32; 2]) -> Rect {
        let step = (1u64 << self.level) as f32;
        let [width, height] = self.size(photo);
        let (left, top) = ((self.x * TILE) as f32 * step, (self.y * TILE) as f32 * step);
        Rect::from_min_max(
            pos2(left, top),
            pos2(left + width as f32 * step, top + height as f32 * step),
        )
    }

    /// The tile that shows the same, and more around it, at half the size.
    pub(crate) fn above(self) -> Self {
        Self { level: self.level + 1, x: self.x / 2, y: self.y / 2 }
    }

    /// The tiles of a level that are seen, those in the middle first.
    pub(crate) fn seen(view: &View, photo: [u32; 2], level: u32) -> Vec<Self> {
        let seen = view.seen();
        if !seen.is_positive() {
            return Vec::new();
        }
        let side = TILE as f32 * (1u64 << level) as f32;
        let range = |first: f32, end: f32| {
            (first / side).floor().max(0.0) as u32..(end / side).ceil().max(0.0) as u32
        };
        let rows = range(seen.min.y, seen.max.y);
        let mut tiles: Vec<_> = rows
            .flat_map(|y| range(seen.min.x, seen.max.x).map(move |x| Self { level, x, y }))
            .filter(|tile| tile.size(photo).iter().all(|side| *side > 0))
            .collect();
        let middle = seen.center();
        tiles.sort_by(|a, b| {
            let far = |tile: &Self| tile.rect(photo).center().distance(middle);
            far(a).total_cmp(&far(b))
        });
        tiles
    }
}

/// Textures of tiles, within a bound of memory.
pub(crate) struct Textures<K> {
    known: HashMap<K, Known>,
    /// Counts uses.
    now: u64,
    bytes: usize,
    limit: usize,
}

struct Known {
    texture: TextureHandle,
    /// The scene that it shows.
    number: u64,
    used: u64,
    bytes: usize,
}

impl<K: Copy + Eq + std::hash::Hash> Textures<K> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { known: HashMap::new(), now: 0, bytes: 0, limit }
    }

    /// Bounds the memory.
    pub(crate) fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// The texture of a tile, and the number of the scene that it shows.
    pub(crate) fn get(&mut self, key: K) -> Option<(&TextureHandle, u64)> {
        self.now += 1;
        let known = self.known.get_mut(&key)?;
        known.used = self.now;
        Some((&known.texture, known.number))
    }

    /// The number of the scene that a tile's texture shows.
    pub(crate) fn number(&self, key: K) -> Option<u64> {
        self.known.get(&key).map(|known| known.number)
    }

    pub(crate) fn put(&mut self, key: K, texture: TextureHandle, number: u64) {
        let [width, height] = texture.size();
        let bytes = 4 * width * height;
        self.remove(key);
        self.now += 1;
        self.bytes += bytes;
        self.known.insert(key, Known { texture, number, used: self.now, bytes });
        while self.bytes > self.limit && self.known.len() > 1 {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.used).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            self.remove(oldest);
        }
    }

    pub(crate) fn remove(&mut self, key: K) {
        if let Some(known) = self.known.remove(&key) {
            self.bytes -= known.bytes;
        }
    }

    /// Forgets all but some.
    pub(crate) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.known.retain(|key, _| keep(key));
        self.bytes = self.known.values().map(|known| known.bytes).sum();
    }

    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use egui::vec2;

    use super::*;

    #[test]
    fn tiles_cover_the_photo_once() {
        let photo = [1300, 700];
        for level in 0..3 {
            let canvas = Rect::from_min_size(pos2(0.0, 0.0), vec2(3000.0, 2000.0));
            let view = View::fitting(canvas, photo, 1.0);
            let tiles = Tile::seen(&view, photo, level);
            let area: f32 = tiles.iter().map(|tile| tile.rect(photo).area()).sum();
            let step = (1 << level) as f32;
            let exact = (1300.0 / step).ceil() * (700.0 / step).ceil() * step * step;
            assert_eq!(area, exact, "{level}");
        }
    }
}

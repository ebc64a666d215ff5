//! Which part of the photo is seen, and how large.

use egui::{Pos2, Rect, Vec2, pos2, vec2};
use fbrs::{ImageSpace, Position};

/// Screen pixels of a photo's pixel when it is seen at its largest.
const LARGEST: f32 = 32.0;
/// How many times smaller than fitting it may be.
const SMALLEST: f32 = 0.25;
/// A notch of the wheel.
pub(crate) const NOTCH: f32 = 1.2;

/// Where the photo lies on the canvas.
///
/// In the photo, whole numbers are the middles of pixels, as everywhere in this project; here, `corner`
/// coordinates have the photo's top left corner as 0, half a pixel further.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct View {
    /// The canvas, in points.
    pub(crate) canvas: Rect,
    /// The photo's columns and rows.
    photo: Vec2,
    /// Points of a photo's pixel.
    scale: f32,
    /// What of the photo lies in the middle of the canvas, from its corner.
    center: Vec2,
    /// Whether the photo is to fill the canvas whatever its size.
    fits: bool,
    pixels_per_point: f32,
}

impl View {
    /// All of the photo.
    pub(crate) fn fitting(canvas: Rect, photo: [u32; 2], pixels_per_point: f32) -> Self {
        let photo = vec2(photo[0] as f32, photo[1] as f32);
        let mut view =
            Self { canvas, photo, scale: 1.0, center: 0.5 * photo, fits: true, pixels_per_point };
        view.fit();
        view
    }

    /// Shows all of the photo.
    pub(crate) fn fit(&mut self) {
        self.scale = self.fitting_scale();
        self.center = 0.5 * self.photo;
        self.fits = true;
    }

    fn fitting_scale(&self) -> f32 {
        let room = self.canvas.size() - vec2(16.0, 16.0);
        let scale = (room.x / self.photo.x.max(1.0)).min(room.y / self.photo.y.max(1.0));
        let largest = LARGEST / self.pixels_per_point;
        if scale.is_finite() { scale.clamp(1e-4, largest) } else { 1.0 }
    }

    /// Shows a photo's pixel as a screen pixel.
    pub(crate) fn natural(&mut self) {
        self.zoom_to(1.0 / self.pixels_per_point, self.canvas.center());
    }

    /// The canvas has another place or size now.
    pub(crate) fn place(&mut self, canvas: Rect, pixels_per_point: f32) {
        let changed = self.canvas != canvas || self.pixels_per_point != pixels_per_point;
        self.canvas = canvas;
        self.pixels_per_point = pixels_per_point;
        if changed && self.fits {
            self.fit();
        }
    }

    /// Zooms by a factor; what lies under a point of the screen stays there.
    pub(crate) fn zoom(&mut self, factor: f32, around: Pos2) {
        self.zoom_to(self.scale * factor, around);
    }

    fn zoom_to(&mut self, scale: f32, around: Pos2) {
        let largest = LARGEST / self.pixels_per_point;
        let smallest = (SMALLEST * self.fitting_scale()).min(largest);
        let under = self.corner_at(around);
        self.scale = scale.clamp(smallest, largest);
        self.center = under - (around - self.canvas.center()) / self.scale;
        self.fits = false;
        self.keep_in_sight();
    }

    /// Moves the photo by points of the screen.
    pub(crate) fn pan(&mut self, by: Vec2) {
        self.center -= by / self.scale;
        self.fits = false;
        self.keep_in_sight();
    }

    /// Brings a place of the photo into the middle where it is not seen.
    pub(crate) fn show(&mut self, at: Position<ImageSpace>) {
        if !self.canvas.shrink(8.0).contains(self.to_screen(at)) {
            self.center = vec2(at.x() as f32 + 0.5, at.y() as f32 + 0.5);
            self.fits = false;
        }
    }

    fn keep_in_sight(&mut self) {
        self.center = self.center.clamp(Vec2::ZERO, self.photo);
    }

    fn corner_at(&self, at: Pos2) -> Vec2 {
        self.center + (at - self.canvas.center()) / self.scale
    }

    /// What of the photo lies under a point of the screen.
    pub(crate) fn to_photo(self, at: Pos2) -> Position<ImageSpace> {
        let corner = self.corner_at(at);
        Position::at_xy(f64::from(corner.x) - 0.5, f64::from(corner.y) - 0.5)
    }

    /// The middle of the photo's pixel under a point of the screen, as clicks are told; `None` beside
    /// the photo.
    pub(crate) fn pixel_at(&self, at: Pos2) -> Option<Position<ImageSpace>> {
        let corner = self.corner_at(at);
        let inside = corner.x >= 0.0
            && corner.y >= 0.0
            && corner.x < self.photo.x
            && corner.y < self.photo.y;
        inside.then(|| Position::at_xy(f64::from(corner.x.floor()), f64::from(corner.y.floor())))
    }

    /// Where a place of the photo is on the screen.
    pub(crate) fn to_screen(self, at: Position<ImageSpace>) -> Pos2 {
        let corner = vec2(at.x() as f32 + 0.5, at.y() as f32 + 0.5);
        self.canvas.center() + (corner - self.center) * self.scale
    }

    /// Where a rectangle of the photo is on the screen, given from its corner.
    pub(crate) fn rect(&self, corner: Rect) -> Rect {
        let at = |at: Pos2| self.canvas.center() + (at.to_vec2() - self.center) * self.scale;
        Rect::from_min_max(at(corner.min), at(corner.max))
    }

    /// What of the photo is seen, from its corner.
    pub(crate) fn seen(&self) -> Rect {
        let [min, max] = [self.canvas.min, self.canvas.max].map(|at| self.corner_at(at));
        let photo = Rect::from_min_max(Pos2::ZERO, pos2(self.photo.x, self.photo.y));
        Rect::from_min_max(min.to_pos2(), max.to_pos2()).intersect(photo)
    }

    /// Points of a photo's pixel.
    pub(crate) fn scale(&self) -> f32 {
        self.scale
    }

    /// Screen pixels of a photo's pixel.
    pub(crate) fn magnification(&self) -> f32 {
        self.scale * self.pixels_per_point
    }

    /// The level of a pyramid whose pixels are seen at their size or up to half of it.
    pub(crate) fn level(&self, last: u32) -> u32 {
        let level = (1.0 / self.magnification()).log2().floor();
        (level.max(0.0) as u32).min(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let canvas = Rect::from_min_size(pos2(100.0, 50.0), vec2(816.0, 616.0));
        View::fitting(canvas, [400, 300], 1.0)
    }

    #[test]
    fn pixels_are_found_where_they_are_drawn() {
        let mut view = view();
        assert_eq!(view.scale(), 2.0);
        for _ in 0..3 {
            for (x, y) in [(0.0, 0.0), (399.0, 299.0), (200.0, 17.0)] {
                let at = Position::at_xy(x, y);
                assert_eq!(view.pixel_at(view.to_screen(at)), Some(at));
            }
            view.zoom(NOTCH, pos2(300.0, 200.0));
            view.pan(vec2(10.0, -20.0));
        }
        let outside = Position::at_xy(-0.6, 0.0);
        assert_eq!(view.pixel_at(view.to_screen(outside)), None);
    }

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let mut view = view();
        let at = pos2(321.0, 234.0);
        let before = view.to_photo(at);
        for factor in [1.2, 1.2, 0.7, 3.0] {
            view.zoom(factor, at);
            let after = view.to_photo(at);
            assert!((after.x() - before.x()).abs() < 1e-3 && (after.y() - before.y()).abs() < 1e-3);
        }
        view.zoom(1e9, at);
        assert_eq!(view.magnification(), LARGEST);
        view.zoom(1e-9, at);
        assert!(view.scale() > 0.0);
    }

    #[test]
    fn levels_are_seen_at_their_size_or_smaller() {
        let mut view = view();
        assert_eq!(view.level(5), 0);
        view.zoom_to(0.5, pos2(500.0, 350.0));
        assert_eq!(view.level(5), 1);
        view.zoom_to(0.26, pos2(500.0, 350.0));
        assert_eq!(view.level(5), 1);
    }
}

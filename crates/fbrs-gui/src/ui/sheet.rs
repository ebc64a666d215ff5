//! The canvas: the photo, the masks, the clicks, and the hand above them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use egui::accesskit::Role;
use egui::{
    Color32, CursorIcon, Event, Key, MouseWheelUnit, PointerButton, Pos2, Rect, Response, Sense,
    Shape, Stroke, StrokeKind, TextureFilter, TextureOptions, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use fbrs::{ImageSpace, Position, Sign};
use fbrs_annotation::Color;

use crate::canvas::{
    Hatch, Layer, NOTCH, Order, Painted, PaintedTile, Painter, Scene, Shown, TILE, Textures, Tile,
    View,
};
use crate::desk::{Action, Desk, Hand};
use crate::engine::PhotoKey;

type Place = Position<ImageSpace>;

/// Bytes of photos' textures.
const PHOTO_TEXTURES: usize = 192 << 20;
/// Bytes of masks' textures, of each layer.
const MASK_TEXTURES: usize = 32 << 20;
/// Bytes that are given to the graphics in a frame.
const UPLOAD: usize = 4 << 20;
/// How near to a click the pointer takes it, in points.
const REACH: f32 = 8.0;
/// What objects without a class are drawn in.
const NO_CLASS: Color = Color([30, 136, 255]);

/// The canvas and what it remembers.
pub(crate) struct Sheet {
    painter: Painter,
    painted: Receiver<PaintedTile>,
    uploads: VecDeque<PaintedTile>,
    photo: Textures<(PhotoKey, Tile)>,
    masks: [Textures<(PhotoKey, Tile)>; 2],
    /// Tiles in which nothing of a scene is seen, with the scene's number.
    empty: [HashMap<(PhotoKey, Tile), u64>; 2],
    objects: Shown,
    current: Shown,
    drawn: Option<(u64, Option<PhotoKey>)>,
    views: HashMap<PhotoKey, View>,
    /// The photo that is shown, and the one before.
    shown: Vec<PhotoKey>,
    last_order: Option<(PhotoKey, u64, u64, Vec<Tile>)>,
    drag: Option<Drag>,
    /// Names the canvas among the window's controls.
    pub(super) id: Option<egui::Id>,
    /// The click of the object in hand under the pointer.
    pub(crate) over: Option<usize>,
    /// The photo's place under the pointer.
    pub(crate) under: Option<Place>,
}

/// What a button that is held does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Drag {
    Pan,
    Stroke,
    Click { key: PhotoKey, index: usize, from: Place, to: Place },
}

impl Sheet {
    pub(crate) fn new(painter: Painter, painted: Receiver<PaintedTile>) -> Self {
        let masks = || Textures::new(MASK_TEXTURES);
        Self {
            painter,
            painted,
            uploads: VecDeque::new(),
            photo: Textures::new(PHOTO_TEXTURES),
            masks: [masks(), masks()],
            empty: Default::default(),
            objects: Shown::default(),
            current: Shown::default(),
            drawn: None,
            views: HashMap::new(),
            shown: Vec::new(),
            last_order: None,
            drag: None,
            id: None,
            over: None,
            under: None,
        }
    }

    /// Draws the open photo, and does what hands do on it.
    pub(crate) fn show(&mut self, ui: &mut Ui, desk: &mut Desk) -> Response {
        let canvas = ui.available_rect_before_wrap();
        let response = ui.allocate_rect(canvas, Sense::click_and_drag());
        ui.painter().rect_filled(canvas, 0.0, ui.visuals().extreme_bg_color);
        self.id = Some(response.id);
        let label = label(desk);
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &label));
        let Some((key, size)) = desk.open.as_ref().map(|open| (open.key, open.pyramid.size()))
        else {
            self.over = None;
            self.under = None;
            return response;
        };
        self.forget_others(key);
        let per_point = ui.ctx().pixels_per_point();
        let mut view = match self.views.get(&key) {
            Some(view) => *view,
            None => View::fitting(canvas, size, per_point),
        };
        view.place(canvas, per_point);
        self.hands(ui, desk, &response, &mut view);
        self.views.insert(key, view);
        self.scenes(desk);
        self.receive(ui);
        self.order(desk, key, &view);
        let painter = ui.painter().with_clip_rect(canvas);
        self.paint_photo(&painter, desk, key, &view);
        self.paint_masks(&painter, key, &view, size);
        self.paint_hand(&painter, ui, desk, &view);
        response
    }

    /// Gives up the pictures of photos that were left, but for the last one.
    fn forget_others(&mut self, key: PhotoKey) {
        if self.shown.first() == Some(&key) {
            return;
        }
        self.shown.retain(|known| *known != key);
        self.shown.insert(0, key);
        self.shown.truncate(2);
        let keep = |key: &PhotoKey| self.shown.contains(key);
        self.photo.retain(|(key, _)| keep(key));
        for (masks, empty) in self.masks.iter_mut().zip(&mut self.empty) {
            masks.retain(|(key, _)| keep(key));
            empty.retain(|(key, _), _| keep(key));
        }
        self.views.retain(|key, _| keep(key));
    }

    /// Whether everything that was to be painted is given to the graphics.
    pub(crate) fn is_painted(&self) -> bool {
        self.uploads.is_empty()
    }

    /// How large the photo is seen: 100 where its pixels are the screen's.
    pub(crate) fn percent(&self, desk: &Desk) -> Option<f32> {
        Some(100.0 * self.views.get(&desk.key()?)?.magnification())
    }

    /// The view of the open photo, to be changed by keys.
    pub(crate) fn view(&mut self, desk: &Desk) -> Option<&mut View> {
        self.views.get_mut(&desk.key()?)
    }

    /// Does what keys do to the view.
    pub(crate) fn act(&mut self, desk: &Desk, action: Action) {
        let Some(view) = self.view(desk) else { return };
        let middle = view.canvas.center();
        let step = 0.12 * view.canvas.size();
        match action {
            Action::ZoomIn => view.zoom(NOTCH, middle),
            Action::ZoomOut => view.zoom(1.0 / NOTCH, middle),
            Action::Fit => view.fit(),
            Action::Natural => view.natural(),
            Action::PanUp => view.pan(vec2(0.0, step.y)),
            Action::PanDown => view.pan(vec2(0.0, -step.y)),
            Action::PanLeft => view.pan(vec2(step.x, 0.0)),
            Action::PanRight => view.pan(vec2(-step.x, 0.0)),
            _ => {}
        }
    }

    fn hands(&mut self, ui: &Ui, desk: &mut Desk, response: &Response, view: &mut View) {
        let pointer = response.hover_pos().or(response.interact_pointer_pos());
        self.under = pointer.and_then(|at| view.pixel_at(at));
        self.over = pointer.filter(|_| desk.hand == Hand::Click).and_then(|at| {
            let current = desk.current()?;
            let near = current
                .clicks
                .iter()
                .enumerate()
                .map(|(index, click)| (index, view.to_screen(click.position).distance(at)));
            let reach = REACH.max(desk.settings.click_radius);
            let near = near.filter(|(_, far)| *far <= reach);
            near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
        });
        self.wheel(ui, response, view);
        let (shift, command) = ui.input(|input| (input.modifiers.shift, input.modifiers.command));
        if response.drag_started() {
            self.drag = self.begin_drag(ui, desk, response, view);
        }
        if let (Some(drag), Some(at)) = (self.drag, response.interact_pointer_pos()) {
            match drag {
                Drag::Pan => view.pan(response.drag_delta()),
                Drag::Stroke => desk.stroke(view.to_photo(at)),
                Drag::Click { key, index, from, to } => {
                    let to = view.pixel_at(at).unwrap_or(to);
                    self.drag = Some(Drag::Click { key, index, from, to });
                }
            }
        }
        if response.drag_stopped() {
            match self.drag.take() {
                Some(Drag::Stroke) => desk.end_stroke(),
                // The click that was taken, and no other that has its place by now.
                Some(Drag::Click { key, index, from, to }) if is_there(desk, key, index, from) => {
                    desk.move_click(index, to);
                }
                _ => {}
            }
        }
        let Some(at) = response.interact_pointer_pos() else { return };
        let left = response.clicked_by(PointerButton::Primary);
        let right = response.clicked_by(PointerButton::Secondary);
        if !left && !right {
            return;
        }
        let Some(place) = view.pixel_at(at) else {
            if left && desk.hand == Hand::Click && !desk.answer.is_busy {
                desk.select(None, false);
            }
            return;
        };
        // On a Mac, Ctrl and the left button are the right one.
        let mac = cfg!(target_os = "macos") && ui.input(|input| input.modifiers.ctrl);
        match &desk.hand {
            _ if command && left && !mac => desk.select_at(place, shift),
            Hand::Click => {
                let negative = right || shift || mac;
                desk.click(place, if negative { Sign::Negative } else { Sign::Positive });
            }
            Hand::Polygon { corners, .. } => {
                let first = corners.first().map(|first| view.to_screen(*first));
                let closes = right
                    || response.double_clicked()
                    || first.is_some_and(|first| corners.len() > 2 && first.distance(at) <= REACH);
                if closes {
                    desk.close_polygon();
                } else {
                    desk.corner(view.to_photo(at));
                }
            }
            Hand::Brush { .. } if left => {
                desk.stroke(view.to_photo(at));
                desk.end_stroke();
            }
            Hand::Brush { .. } => {}
        }
    }

    fn begin_drag(
        &self,
        ui: &Ui,
        desk: &mut Desk,
        response: &Response,
        view: &View,
    ) -> Option<Drag> {
        let left = response.dragged_by(PointerButton::Primary);
        let from = ui.input(|input| input.pointer.press_origin())?;
        match &desk.hand {
            Hand::Brush { .. } if left => {
                desk.stroke(view.to_photo(from));
                Some(Drag::Stroke)
            }
            Hand::Click if left => {
                let clicks = desk.current().map_or(&[][..], |current| &current.clicks);
                let near = clicks.iter().enumerate().map(|(index, click)| {
                    (index, click.position, view.to_screen(click.position).distance(from))
                });
                let reach = REACH.max(desk.settings.click_radius);
                let near = near.filter(|(.., far)| *far <= reach);
                let near = near.min_by(|a, b| a.2.total_cmp(&b.2));
                let key = desk.key()?;
                Some(near.map_or(Drag::Pan, |(index, to, _)| Drag::Click {
                    key,
                    index,
                    from: to,
                    to,
                }))
            }
            _ => Some(Drag::Pan),
        }
    }

    fn wheel(&self, ui: &Ui, response: &Response, view: &mut View) {
        let Some(at) = response.hover_pos() else { return };
        let (events, pinch) = ui.input(|input| (input.raw.events.clone(), input.zoom_delta()));
        let mut zoomed = false;
        for event in events {
            let Event::MouseWheel { unit, delta, modifiers, .. } = event else { continue };
            match unit {
                MouseWheelUnit::Point if !modifiers.command => view.pan(delta),
                MouseWheelUnit::Point => {}
                _ => {
                    let notches = delta.y.clamp(-5.0, 5.0);
                    view.zoom(NOTCH.powf(notches), at);
                    zoomed = true;
                }
            }
        }
        if pinch != 1.0 && !zoomed {
            view.zoom(pinch, at);
        }
    }

    /// Makes the scenes anew where something changed.
    fn scenes(&mut self, desk: &Desk) {
        let now = (desk.drawn, desk.key());
        if self.drawn == Some(now) {
            return;
        }
        self.drawn = Some(now);
        let color = |class: Option<u32>| {
            let class = class.and_then(|id| desk.project.class(id));
            class.map_or(NO_CLASS, |class| class.color).0
        };
        let mut objects = Scene {
            masks: Vec::new(),
            opacity: desk.settings.opacity,
            outlines: desk.settings.outlines,
        };
        let mut current = objects.clone();
        if let Some(document) = desk.document() {
            let in_hand = document.current.as_ref();
            for object in &document.objects {
                let selected = desk.selection().contains(&object.id);
                let is_in_hand = in_hand.is_some_and(|current| current.object == Some(object.id));
                let hidden = !object.visible || (desk.hides_others && !selected) || is_in_hand;
                if !hidden {
                    objects.masks.push(Painted {
                        mask: object.mask.clone(),
                        color: color(object.class),
                        hatch: Hatch::of(object.class),
                        selected,
                    });
                }
            }
            if let (Some(in_hand), Some(mask)) = (in_hand, &desk.answer.mask) {
                current.masks.push(Painted {
                    mask: mask.clone(),
                    color: color(in_hand.class),
                    hatch: Hatch::None,
                    selected: true,
                });
            }
        }
        let layers = [(&mut self.objects, objects), (&mut self.current, current)];
        for ((shown, scene), textures) in layers.into_iter().zip(&mut self.masks) {
            if scene.is_empty() {
                // The next object is not to begin with this one's picture.
                textures.clear();
            }
            if *shown.scene != scene {
                *shown = Shown { number: shown.number + 1, scene: Arc::new(scene) };
            }
        }
    }

    /// Gives painted tiles to the graphics, within the bound of a frame.
    fn receive(&mut self, ui: &Ui) {
        self.uploads.extend(self.painted.try_iter());
        let mut bytes = 0;
        while let Some(painted) = self.uploads.pop_front() {
            let PaintedTile { key, layer, tile, number, image } = painted;
            let place = (key, tile);
            let index = usize::from(layer == Layer::Current);
            match (layer, image) {
                (Layer::Photo, Some(image)) => {
                    bytes += 4 * image.pixels.len();
                    let options = TextureOptions {
                        magnification: TextureFilter::Nearest,
                        minification: TextureFilter::Linear,
                        ..TextureOptions::LINEAR
                    };
                    let texture = ui.ctx().load_texture("photo", image, options);
                    self.photo.put(place, texture, number);
                }
                (Layer::Photo, None) => {}
                (_, image) => {
                    let (Some(textures), Some(empty)) =
                        (self.masks.get_mut(index), self.empty.get_mut(index))
                    else {
                        continue;
                    };
                    match image {
                        Some(image) => {
                            bytes += 4 * image.pixels.len();
                            let options = TextureOptions {
                                magnification: TextureFilter::Nearest,
                                ..TextureOptions::LINEAR
                            };
                            let texture = ui.ctx().load_texture("mask", image, options);
                            empty.remove(&place);
                            textures.put(place, texture, number);
                        }
                        None => {
                            textures.remove(place);
                            empty.insert(place, number);
                        }
                    }
                }
            }
            if bytes >= UPLOAD {
                break;
            }
        }
        if !self.uploads.is_empty() {
            ui.ctx().request_repaint();
        }
        for empty in &mut self.empty {
            if empty.len() > 10_000 {
                empty.clear();
            }
        }
    }

    /// Has the tiles painted that are seen and not there yet.
    fn order(&mut self, desk: &Desk, key: PhotoKey, view: &View) {
        let Some(open) = &desk.open else { return };
        let photo = open.pyramid.size();
        let level = view.level(open.pyramid.last_level());
        let seen = Tile::seen(view, photo, level);
        // All that is seen has room, and as much again for what was seen before.
        let bytes = 2 * seen.len() * 4 * (TILE * TILE) as usize;
        self.photo.set_limit(bytes.max(PHOTO_TEXTURES));
        self.masks.iter_mut().for_each(|masks| masks.set_limit(bytes.max(MASK_TEXTURES)));
        let now = (key, self.objects.number, self.current.number, seen.clone());
        let waits = self.uploads.is_empty();
        if self.last_order.as_ref() == Some(&now) && waits {
            return;
        }
        let mut photo_tiles: Vec<_> =
            seen.iter().copied().filter(|tile| self.photo.number((key, *tile)).is_none()).collect();
        // The smallest level stands in for all others while they are on their way.
        let last = Tile { level: open.pyramid.last_level(), x: 0, y: 0 };
        if self.photo.number((key, last)).is_none() && !photo_tiles.contains(&last) {
            photo_tiles.insert(0, last);
        }
        let stale = |index: usize, number: u64| -> Vec<Tile> {
            let (textures, empty) = (self.masks.get(index), self.empty.get(index));
            let known = |tile: &Tile| {
                let place = (key, *tile);
                let texture = textures.and_then(|textures| textures.number(place));
                texture.or_else(|| empty.and_then(|empty| empty.get(&place).copied()))
            };
            seen.iter().copied().filter(|tile| known(tile) != Some(number)).collect()
        };
        let order = Order {
            key,
            pyramid: Some(open.pyramid.clone()),
            object_tiles: stale(0, self.objects.number),
            current_tiles: stale(1, self.current.number),
            objects: self.objects.clone(),
            current: self.current.clone(),
            photo_tiles,
            thick: if view.magnification() < 1.5 { 2 } else { 1 },
        };
        let has_work = !(order.photo_tiles.is_empty()
            && order.object_tiles.is_empty()
            && order.current_tiles.is_empty());
        if has_work {
            self.painter.paint(order);
        }
        self.last_order = Some(now);
    }

    fn paint_photo(&mut self, painter: &egui::Painter, desk: &Desk, key: PhotoKey, view: &View) {
        let Some(open) = &desk.open else { return };
        let (photo, last) = (open.pyramid.size(), open.pyramid.last_level());
        let level = view.level(last);
        let whole = Rect::from_min_size(Pos2::ZERO, vec2(photo[0] as f32, photo[1] as f32));
        painter.rect_filled(view.rect(whole), 0.0, Color32::from_gray(64));
        for tile in Tile::seen(view, photo, level) {
            let mut standing = Some(tile);
            while let Some(own) = standing {
                let part = tile.rect(photo);
                if let Some((texture, _)) = self.photo.get((key, own)) {
                    let all = own.rect(photo);
                    let uv = Rect::from_min_max(
                        ((part.min - all.min) / all.size()).to_pos2(),
                        ((part.max - all.min) / all.size()).to_pos2(),
                    );
                    painter.image(texture.id(), view.rect(part), uv, Color32::WHITE);
                    break;
                }
                standing = (own.level < last).then(|| own.above());
            }
        }
        let rim = Stroke::new(1.0, Color32::from_gray(128));
        painter.rect_stroke(view.rect(whole), 0.0, rim, StrokeKind::Outside);
    }

    fn paint_masks(
        &mut self,
        painter: &egui::Painter,
        key: PhotoKey,
        view: &View,
        photo: [u32; 2],
    ) {
        let level = |view: &View| {
            let mut last = 0;
            while photo.iter().max().copied().unwrap_or(0) >> last > 256 {
                last += 1;
            }
            view.level(last)
        };
        let seen = Tile::seen(view, photo, level(view));
        let numbers = [self.objects.number, self.current.number];
        for ((textures, scene), number) in
            self.masks.iter_mut().zip([&self.objects.scene, &self.current.scene]).zip(numbers)
        {
            // What is no longer there is not seen until others have taken its place.
            if scene.is_empty() {
                continue;
            }
            for tile in &seen {
                if let Some((texture, shown)) = textures.get((key, *tile))
                    && shown <= number
                {
                    let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
                    painter.image(texture.id(), view.rect(tile.rect(photo)), uv, Color32::WHITE);
                }
            }
        }
    }

    /// The objects' numbers, so that they are told apart by more than colors.
    fn paint_numbers(&self, painter: &egui::Painter, desk: &Desk, view: &View) {
        /// Numbers that are drawn; more would hide the photo.
        const MOST: usize = 200;
        let Some(document) = desk.document().filter(|_| desk.settings.outlines) else { return };
        let in_hand = document.current.as_ref().and_then(|current| current.object);
        let shown = document.objects.iter().filter(|object| {
            let selected = desk.selection().contains(&object.id);
            object.visible && Some(object.id) != in_hand && (selected || !desk.hides_others)
        });
        let numbered = shown.filter_map(|object| {
            let bounds = object.mask.bounds()?;
            let at = Position::at_xy(bounds.left() as f64, bounds.top() as f64);
            let to = Position::at_xy(bounds.right() as f64, bounds.bottom() as f64);
            let rect = Rect::from_two_pos(view.to_screen(at), view.to_screen(to));
            let is_seen = rect.intersects(view.canvas) && rect.width().max(rect.height()) >= 24.0;
            // On the object's uppermost line, so that it is seen whose number it is.
            let [left, right] = object.mask.row(bounds.top()).first()?;
            let middle = (f64::from(*left) + f64::from(*right)) / 2.0;
            let top = view.to_screen(Position::at_xy(middle, bounds.top() as f64));
            is_seen.then_some((object, top))
        });
        for (object, top) in numbered.take(MOST) {
            let [r, g, b] = desk.class_color(object.class);
            let text = object.id.to_string();
            let font = egui::FontId::proportional(11.0);
            let text = painter.layout_no_wrap(text, font, Color32::WHITE);
            let size = text.size() + vec2(6.0, 2.0);
            let at = (top - vec2(0.5 * size.x, 0.5 * size.y)).max(view.canvas.min + vec2(2.0, 2.0));
            let label = Rect::from_min_size(at, size);
            let dark = Color32::from_rgb(r / 2, g / 2, b / 2);
            painter.rect_filled(label, 3.0, dark);
            painter.galley(label.min + vec2(3.0, 1.0), text, Color32::WHITE);
        }
    }

    fn paint_hand(&self, painter: &egui::Painter, ui: &Ui, desk: &Desk, view: &View) {
        self.paint_numbers(painter, desk, view);
        self.paint_clicks(painter, desk, view);
        if let Some(at) = desk.pointer {
            cross(painter, view.to_screen(at), view.scale());
        }
        let pointer = ui.input(|input| input.pointer.hover_pos());
        let pointer = pointer.filter(|at| view.canvas.contains(*at) && self.under.is_some());
        match &desk.hand {
            Hand::Click => {
                let icon = match self.over {
                    Some(_) => CursorIcon::Grab,
                    None => CursorIcon::Crosshair,
                };
                if self.under.is_some() {
                    ui.ctx().set_cursor_icon(icon);
                }
            }
            Hand::Polygon { corners, cuts } => {
                let color = if *cuts { NEGATIVE } else { POSITIVE };
                let mut points: Vec<_> = corners.iter().map(|c| view.to_screen(*c)).collect();
                let marks: Vec<_> = points.clone();
                points.extend(pointer.filter(|_| !corners.is_empty()));
                painter.add(Shape::line(points.clone(), Stroke::new(3.0, Color32::WHITE)));
                painter.add(Shape::line(points, Stroke::new(1.5, color)));
                for (index, at) in marks.into_iter().enumerate() {
                    let radius = if index == 0 { 5.0 } else { 3.5 };
                    painter.circle(at, radius, Color32::WHITE, Stroke::new(1.5, color));
                }
            }
            Hand::Brush { stroke, erases } => {
                let color = if *erases { NEGATIVE } else { POSITIVE };
                let radius = desk.settings.brush_radius as f32 * view.scale();
                let points: Vec<_> = stroke.iter().map(|place| view.to_screen(*place)).collect();
                let tint = color.gamma_multiply(0.5);
                painter.add(Shape::line(points.clone(), Stroke::new(2.0 * radius, tint)));
                for end in [points.first(), points.last()].into_iter().flatten() {
                    painter.circle_filled(*end, radius, tint);
                }
                if let Some(at) = pointer {
                    painter.circle_stroke(at, radius + 1.0, Stroke::new(1.0, Color32::WHITE));
                    painter.circle_stroke(at, radius, Stroke::new(1.5, color));
                }
            }
        }
    }

    fn paint_clicks(&self, painter: &egui::Painter, desk: &Desk, view: &View) {
        let Some(current) = desk.current() else { return };
        let radius = desk.settings.click_radius;
        for click in &desk.later {
            mark(painter, view.to_screen(click.position), radius, click.sign, Look::Queued);
        }
        for click in current.parts.iter().flatten() {
            mark(painter, view.to_screen(click.position), 0.7 * radius, click.sign, Look::Past);
        }
        for (index, click) in current.clicks.iter().enumerate() {
            let mut at = view.to_screen(click.position);
            if let Some(Drag::Click { key, index: dragged, from, to }) = self.drag
                && dragged == index
                && is_there(desk, key, index, from)
            {
                painter.line_segment([at, view.to_screen(to)], Stroke::new(1.0, Color32::WHITE));
                at = view.to_screen(to);
            }
            let is_answered = !desk.answer.is_busy || index < desk.answer.answered;
            let look = if is_answered { Look::Answered } else { Look::Queued };
            mark(painter, at, radius, click.sign, look);
            if self.over == Some(index) {
                painter.circle_stroke(at, radius + 4.0, Stroke::new(1.5, Color32::WHITE));
            }
        }
    }
}

/// Of clicks on the object: green, a disc with a plus.
const POSITIVE: Color32 = Color32::from_rgb(0, 158, 115);
/// Of clicks on the background: red, a ring with a minus.
const NEGATIVE: Color32 = Color32::from_rgb(213, 64, 0);

#[derive(Clone, Copy, PartialEq)]
enum Look {
    Answered,
    Queued,
    Past,
}

/// The mark of a click. Signs differ in shape as in color.
fn mark(painter: &egui::Painter, at: Pos2, radius: f32, sign: Sign, look: Look) {
    let color = if sign == Sign::Positive { POSITIVE } else { NEGATIVE };
    let color = if look == Look::Past { color.gamma_multiply(0.6) } else { color };
    painter.circle_filled(at, radius + 1.5, Color32::WHITE);
    let is_disc = sign == Sign::Positive && look != Look::Queued;
    if is_disc {
        painter.circle_filled(at, radius, color);
    } else {
        painter.circle(at, radius - 1.0, Color32::WHITE, Stroke::new(2.0, color));
    }
    let line = Stroke::new(2.0, if is_disc { Color32::WHITE } else { color });
    let arm = 0.5 * radius;
    painter.line_segment([at - vec2(arm, 0.0), at + vec2(arm, 0.0)], line);
    if sign == Sign::Positive {
        painter.line_segment([at - vec2(0.0, arm), at + vec2(0.0, arm)], line);
    }
}

/// The keyboard's pointer.
fn cross(painter: &egui::Painter, at: Pos2, scale: f32) {
    let (gap, arm) = ((0.5 * scale).max(3.0), 14.0);
    for direction in [Vec2::UP, Vec2::DOWN, Vec2::LEFT, Vec2::RIGHT] {
        let ends = [at + gap * direction, at + (gap + arm) * direction];
        painter.line_segment(ends, Stroke::new(4.0, Color32::BLACK));
        painter.line_segment(ends, Stroke::new(2.0, Color32::WHITE));
    }
}

/// Whether a click of the object in hand is the one that was taken.
fn is_there(desk: &Desk, key: PhotoKey, index: usize, from: Place) -> bool {
    let click = desk.current().and_then(|current| current.clicks.get(index));
    desk.key() == Some(key) && click.is_some_and(|click| click.position == from)
}

/// What a screen reader says of the canvas.
fn label(desk: &Desk) -> String {
    match &desk.open {
        None => "No photo is open".to_owned(),
        Some(open) => {
            let clicks = desk.current().map_or(0, |current| current.clicks.len());
            let objects = desk.document().map_or(0, |document| document.objects.len());
            format!("Photo {}: {objects} objects, {clicks} clicks in hand", open.path.name())
        }
    }
}

/// Moves the keyboard's pointer; what it does by which key.
pub(crate) fn move_pointer(desk: &mut Desk, key: Key, far: bool) -> bool {
    let Some(open) = &desk.open else { return false };
    let (size, Some(at)) = (open.photo.size(), desk.pointer) else { return false };
    let step = if far { 10.0 } else { 1.0 };
    let (dx, dy) = match key {
        Key::ArrowLeft => (-step, 0.0),
        Key::ArrowRight => (step, 0.0),
        Key::ArrowUp => (0.0, -step),
        Key::ArrowDown => (0.0, step),
        _ => return false,
    };
    let x = (at.x() + dx).clamp(0.0, size.width as f64 - 1.0);
    let y = (at.y() + dy).clamp(0.0, size.height as f64 - 1.0);
    desk.pointer = Some(Position::at_xy(x, y));
    true
}

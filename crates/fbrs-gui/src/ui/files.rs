//! The list of photos.

use std::collections::HashMap;

use egui::accesskit::Role;
use egui::{
    Color32, ColorImage, ComboBox, Rect, RichText, ScrollArea, Sense, TextEdit, TextureHandle,
    TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use fbrs_annotation::{PhotoPath, PhotoState};

use super::Ask;
use super::icons::{self, State};
use crate::desk::{Desk, Filter, Thumbnail};

/// Height of a row, in points.
const ROW: f32 = 52.0;
/// Small pictures that the graphics hold before those out of sight are given up.
const TEXTURES: usize = 64;

/// The list, and what it remembers.
#[derive(Default)]
pub(super) struct Files {
    textures: HashMap<PhotoPath, TextureHandle>,
    /// Of which listing the pictures are.
    folder: u64,
    /// The photo that was open last: the list follows it.
    shown: Option<PhotoPath>,
    /// The photos that are listed, by their places among all.
    listed: Vec<usize>,
    /// What they depend on: photos, filter, search, states.
    listed_of: Option<(usize, Filter, String, u64)>,
}

impl Files {
    /// Draws the list; returns the dialog that was asked for.
    pub(super) fn show(&mut self, desk: &mut Desk, ui: &mut Ui) -> Option<Ask> {
        let mut asked = None;
        if self.folder != desk.folders() {
            // Pictures of another folder's photos, whose names may be alike.
            self.textures.clear();
            self.folder = desk.folders();
        }
        ui.add_space(4.0);
        if desk.folder.is_none() {
            ui.label("Open a folder of photos, or drop one onto this window.");
            if ui.button("Open a folder…").clicked() {
                asked = Some(Ask::Folder);
            }
            return asked;
        }
        ui.horizontal(|ui| {
            let shown = desk.filter.text();
            let list = ComboBox::from_id_salt("filter").selected_text(shown).width(110.0);
            let list = list.show_ui(ui, |ui| {
                for filter in Filter::ALL {
                    ui.selectable_value(&mut desk.filter, filter, filter.text());
                }
            });
            name(&list.response, Role::ComboBox, "Which photos are listed");
            let search = TextEdit::singleline(&mut desk.search)
                .hint_text("Search")
                .desired_width(f32::INFINITY);
            name(&ui.add(search), Role::SearchInput, "Search photos by name");
        });
        self.list(desk);
        let done = desk.photos.iter().filter(|item| Filter::Done.holds(item)).count();
        let all = desk.photos.len();
        let counts = format!("{} listed · {done} of {all} done", self.listed.len());
        ui.label(RichText::new(counts).weak());
        ui.separator();
        let open = desk.open.as_ref().map(|open| open.path.clone());
        let open = open.or(desk.loading_photo().cloned());
        let follow = (open != self.shown).then(|| {
            let place = desk.photos.iter().position(|item| Some(&item.path) == open.as_ref());
            place.and_then(|place| self.listed.iter().position(|at| *at == place))
        });
        self.shown.clone_from(&open);
        let mut area = ScrollArea::vertical().auto_shrink(false);
        if let Some(Some(row)) = follow {
            let height = ROW + ui.spacing().item_spacing.y;
            let top = (row as f32 * height - 0.5 * ui.available_height()).max(0.0);
            area = area.vertical_scroll_offset(top);
        }
        let mut chosen = None;
        let rows: Vec<usize> = self.listed.clone();
        let mut seen = Vec::new();
        area.show_rows(ui, ROW, rows.len(), |ui, range| {
            for at in rows.get(range).unwrap_or_default() {
                let Some(item) = desk.photos.get(*at) else { continue };
                let path = item.path.clone();
                let is_open = Some(&path) == open.as_ref();
                seen.push(path.clone());
                if self.row(desk, ui, *at, is_open) {
                    chosen = Some(path);
                }
            }
        });
        if let Some(path) = chosen {
            desk.open_photo(&path);
        }
        if self.textures.len() > TEXTURES {
            self.textures.retain(|path, _| seen.contains(path));
        }
        asked
    }

    /// Finds which photos are listed, where anything changed.
    fn list(&mut self, desk: &Desk) {
        let now = (desk.photos.len(), desk.filter, desk.search.to_lowercase(), desk.states());
        if self.listed_of.as_ref() == Some(&now) {
            return;
        }
        let holds = |item: &&crate::desk::PhotoItem| {
            desk.filter.holds(item)
                && (now.2.is_empty() || item.path.as_str().to_lowercase().contains(&now.2))
        };
        let all = desk.photos.iter().enumerate();
        self.listed = all.filter(|(_, item)| holds(item)).map(|(at, _)| at).collect();
        self.listed_of = Some(now);
    }

    fn row(&mut self, desk: &mut Desk, ui: &mut Ui, at: usize, is_open: bool) -> bool {
        let Some(item) = desk.photos.get(at).cloned() else { return false };
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
        let (state, said) = match (&item.fault, item.state) {
            (Some(_), _) => (State::Unreadable, "cannot be read".to_owned()),
            (None, None) => (State::Untouched, "untouched".to_owned()),
            (None, Some((PhotoState::InProgress, 0))) => {
                (State::InProgress, "in progress".to_owned())
            }
            (None, Some((PhotoState::InProgress, count))) => {
                (State::InProgress, format!("{}, in progress", objects(count)))
            }
            (None, Some((PhotoState::Done, count))) => {
                (State::Done, format!("{}, done", objects(count)))
            }
        };
        let name = item.path.as_str().to_owned();
        response.widget_info(|| {
            WidgetInfo::selected(Role::ListItem, true, is_open, format!("{name}: {said}"))
        });
        if !ui.is_rect_visible(rect) {
            return response.clicked();
        }
        let visuals = ui.style().interact_selectable(&response, is_open);
        if is_open || response.hovered() || response.has_focus() {
            ui.painter().rect(
                rect,
                4.0,
                visuals.weak_bg_fill,
                visuals.bg_stroke,
                egui::StrokeKind::Inside,
            );
        }
        let picture = Rect::from_min_size(rect.min + vec2(4.0, 4.0), vec2(60.0, ROW - 8.0));
        match self.texture(desk, ui, &item.path) {
            Some(texture) => {
                let size = texture.size_vec2();
                let scale = (picture.width() / size.x).min(picture.height() / size.y).min(1.0);
                let inside = Rect::from_center_size(picture.center(), size * scale);
                let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                ui.painter().image(texture.id(), inside, uv, Color32::WHITE);
            }
            None => {
                ui.painter().rect_filled(picture, 3.0, ui.visuals().faint_bg_color);
            }
        }
        let mut texts = ui.new_child(
            egui::UiBuilder::new()
                .max_rect(Rect::from_min_max(pos2(picture.max.x + 8.0, rect.min.y + 6.0), rect.max))
                .layout(egui::Layout::top_down(egui::Align::Min)),
        );
        texts.spacing_mut().item_spacing.y = 2.0;
        let color = visuals.text_color();
        let title = RichText::new(item.path.name()).color(color);
        texts.add(egui::Label::new(title).truncate().selectable(false));
        // On the color of the open photo, fainter text would be hard to read.
        let faint = if is_open { color } else { color.gamma_multiply(0.85) };
        texts.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            let (place, _) = ui.allocate_exact_size(vec2(12.0, 14.0), Sense::hover());
            icons::state(ui.painter(), state, place.center(), faint);
            let said = RichText::new(said).small().color(faint);
            ui.add(egui::Label::new(said).truncate().selectable(false));
        });
        let tip = item.fault.unwrap_or(name);
        response.on_hover_text(tip).clicked()
    }

    fn texture(&mut self, desk: &mut Desk, ui: &Ui, path: &PhotoPath) -> Option<TextureHandle> {
        if let Some(known) = self.textures.get(path) {
            return Some(known.clone());
        }
        let Thumbnail::Made(image) = desk.thumbnail(path) else { return None };
        let size = [image.width() as usize, image.height() as usize];
        let image = ColorImage::from_rgb(size, image.as_raw());
        let texture = ui.ctx().load_texture("thumbnail", image, TextureOptions::LINEAR);
        self.textures.insert(path.clone(), texture.clone());
        Some(texture)
    }
}

fn objects(count: usize) -> String {
    match count {
        1 => "1 object".to_owned(),
        count => format!("{count} objects"),
    }
}

/// Names a control for screen readers, and on hovering.
pub(super) fn name(response: &egui::Response, role: Role, text: &str) {
    let text = text.to_owned();
    response.widget_info(|| WidgetInfo::labeled(role, true, &text));
    response.clone().on_hover_text(text);
}

//! Small drawings on buttons, which no font has to know.

use egui::accesskit::Role;
use egui::{Color32, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    /// An eye, open or closed.
    Eye(bool),
    /// A lock, closed or open.
    Lock(bool),
}

/// How far the work on a photo is: an empty, a half or a full disc, or a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Untouched,
    InProgress,
    Done,
    Unreadable,
}

/// Draws how far the work on a photo is.
pub(super) fn state(painter: &egui::Painter, state: State, at: Pos2, color: Color32) {
    let line = Stroke::new(1.3, color);
    let radius = 4.5;
    match state {
        State::Untouched => {
            painter.circle_stroke(at, radius, line);
        }
        State::Done => {
            painter.circle_filled(at, radius + 0.6, color);
        }
        State::InProgress => {
            painter.circle_stroke(at, radius, line);
            let half = (-8..=8).map(|i| {
                let angle = std::f32::consts::FRAC_PI_2 * (1.0 + (i as f32) / 8.0);
                at + radius * vec2(-angle.sin().abs(), -angle.cos())
            });
            painter.add(Shape::convex_polygon(half.collect(), color, Stroke::NONE));
        }
        State::Unreadable => {
            let corners = [vec2(0.0, -5.5), vec2(6.0, 5.0), vec2(-6.0, 5.0)].map(|by| at + by);
            painter.add(Shape::closed_line(corners.to_vec(), line));
            painter.line_segment([at - vec2(0.0, 1.5), at + vec2(0.0, 2.0)], line);
            painter.circle_filled(at + vec2(0.0, 3.6), 0.8, color);
        }
    }
}

/// A button with a drawing; `says` is its tooltip and its name.
pub(super) fn button(ui: &mut Ui, icon: Icon, says: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(24.0, 24.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, says));
    if ui.is_rect_visible(rect) {
        let visuals = ui.style().interact(&response);
        if response.hovered() || response.has_focus() {
            let (fill, line) = (visuals.weak_bg_fill, visuals.bg_stroke);
            ui.painter().rect(rect, 4.0, fill, line, StrokeKind::Inside);
        }
        draw(ui, icon, rect.center(), visuals.fg_stroke.color);
    }
    response.on_hover_text(says)
}

fn draw(ui: &Ui, icon: Icon, at: Pos2, color: Color32) {
    let painter = ui.painter();
    let line = Stroke::new(1.5, color);
    let arc = |rise: f32| -> Vec<Pos2> {
        let step = |i: i32| {
            let t = i as f32 / 8.0;
            at + vec2(8.0 * t, -rise * (1.0 - t * t))
        };
        (-8..=8).map(step).collect()
    };
    match icon {
        Icon::Eye(true) => {
            painter.add(Shape::line(arc(5.0), line));
            painter.add(Shape::line(arc(-5.0), line));
            painter.circle_filled(at, 2.6, color);
        }
        Icon::Eye(false) => {
            let faint = Stroke::new(1.5, color.gamma_multiply(0.6));
            painter.add(Shape::line(arc(-4.0), faint));
            for x in [-5.0, 0.0, 5.0f32] {
                let top = at + vec2(x, 4.0 - 0.06 * x * x);
                painter.line_segment([top, top + vec2(0.25 * x, 3.0)], faint);
            }
        }
        Icon::Lock(closed) => {
            let color = if closed { color } else { color.gamma_multiply(0.45) };
            let line = Stroke::new(1.5, color);
            let body = Rect::from_center_size(at + vec2(0.0, 3.0), vec2(11.0, 8.0));
            painter.rect_filled(body, 1.5, color);
            // The shackle, swung aside where it is open.
            let left = at + vec2(if closed { -3.5 } else { 1.5 }, -1.0);
            let bow: Vec<Pos2> = (0..=10)
                .map(|i| {
                    let angle = std::f32::consts::PI * (1.0 + i as f32 / 10.0);
                    left + vec2(3.5, -2.0) + 3.5 * vec2(angle.cos(), angle.sin())
                })
                .collect();
            let mut shape = vec![left];
            shape.extend(bow);
            shape.push(left + vec2(7.0, if closed { 0.0 } else { -2.0 }));
            painter.add(Shape::line(shape, line));
        }
    }
}

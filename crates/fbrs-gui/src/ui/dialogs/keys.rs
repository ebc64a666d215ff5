//! All keys, and other ones.

use egui::accesskit::Role;
use egui::{Button, Context, Event, Grid, Key, RichText, Ui, vec2};

use super::After;
use crate::desk::{Action, Chord, Desk, Group};
use crate::ui::files::name;

/// The sheet of keys.
#[derive(Default)]
pub(super) struct KeysDialog {
    /// The action whose key is to be pressed.
    chooses: Option<Action>,
    problem: Option<String>,
}

/// What hands do without keys.
const MOUSE: &[&str] = &[
    "Left button: object. Right button, or Shift and left: background.",
    "Drag a click: moves it. Drag elsewhere, or with the right or middle button: pans.",
    "Wheel or pinch: zooms at the pointer. Two fingers: pans.",
    "Ctrl and left: selects the object there; with Shift, another one beside it.",
    "Polygon: click corners; the first corner, a double or a right click closes it.",
];

impl KeysDialog {
    /// Whether the next key is to be somebody's choice.
    pub(super) fn wants_key(&self) -> bool {
        self.chooses.is_some()
    }

    pub(super) fn show(&mut self, desk: &mut Desk, ctx: &Context) -> After {
        if let Some(action) = self.chooses {
            self.choose(desk, ctx, action);
        }
        let mut open = true;
        egui::Window::new("Keys").open(&mut open).default_width(560.0).default_height(560.0).default_pos(ctx.content_rect().min + vec2(250.0, 80.0)).vscroll(true).show(
            ctx,
            |ui| {
                ui.label("Press a button and then a key to choose another one. Number keys choose classes.");
                if let Some(problem) = &self.problem {
                    ui.colored_label(ui.visuals().error_fg_color, problem);
                }
                for group in Group::ALL {
                    ui.add_space(6.0);
                    ui.label(RichText::new(group.text()).strong());
                    Grid::new(group.text()).num_columns(3).min_col_width(150.0).striped(true).show(ui, |ui| {
                        for action in Action::ALL.iter().filter(|action| action.group() == group) {
                            self.row(desk, ui, *action);
                        }
                    });
                }
                ui.add_space(6.0);
                ui.label(RichText::new("Mouse").strong());
                for line in MOUSE {
                    ui.label(*line);
                }
            },
        );
        if open { After::Stays } else { After::Closes }
    }

    fn row(&mut self, desk: &mut Desk, ui: &mut Ui, action: Action) {
        // The same columns in every group.
        ui.scope(|ui| {
            ui.set_width(340.0);
            ui.label(action.text());
        });
        let waits = self.chooses == Some(action);
        let text = if waits { "press a key …".to_owned() } else { desk.keys.text(action) };
        let button = ui.add(Button::selectable(waits, text));
        name(&button, Role::Button, &format!("Choose the key of: {}", action.text()));
        if button.clicked() {
            self.chooses = if waits { None } else { Some(action) };
            self.problem = None;
        }
        if !desk.keys.is_usual(action)
            && ui.button("usual").on_hover_text("Back to the usual key").clicked()
        {
            desk.keys.forget(action);
            desk.keep_settings();
        }
        ui.end_row();
    }

    /// The next key that is pressed becomes the action's.
    fn choose(&mut self, desk: &mut Desk, ctx: &Context, action: Action) {
        let pressed = ctx.input(|input| {
            input.raw.events.iter().find_map(|event| match event {
                Event::Key { key, physical_key, pressed: true, modifiers, .. } => {
                    Some((physical_key.filter(|p| p.name().len() == 1).unwrap_or(*key), *modifiers))
                }
                _ => None,
            })
        });
        let Some((key, modifiers)) = pressed else { return };
        self.chooses = None;
        if key == Key::Escape && action != Action::Cancel {
            return;
        }
        let chord = Chord { key, command: modifiers.command, shift: modifiers.shift };
        match desk.keys.choose(action, chord) {
            Ok(()) => {
                self.problem = None;
                desk.keep_settings();
            }
            Err(problem) => self.problem = Some(problem),
        }
    }
}

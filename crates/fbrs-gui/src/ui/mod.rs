//! The window: shows a desk, and tells it what people do.

mod dialogs;
mod files;
mod first;
mod icons;
mod keys;
mod messages;
mod sheet;
mod side;
mod status;
mod style;
mod toolbar;

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};

use egui::{CentralPanel, Context, Frame, Id, Key, Modal, Panel, RichText, Ui, ViewportCommand};
use fbrs_annotation::PhotoPath;

use crate::canvas::Painter;
use crate::desk::{Action, Desk, Remedy};
use crate::engine::Wake;

use dialogs::Dialogs;
use files::Files;
use sheet::Sheet;
use side::Side;

/// The annotator's window.
pub(crate) struct Window {
    pub(crate) desk: Desk,
    sheet: Sheet,
    files: Files,
    side: Side,
    dialogs: Dialogs,
    /// What a dialog of the system brought.
    chosen: (mpsc::Sender<Chosen>, Receiver<Chosen>),
    wake: Wake,
    styled: Option<style::Styled>,
    had_focus: bool,
    /// Whether somebody is asked before the window closes, and what was said.
    asks_close: bool,
    closes_anyway: bool,
    /// The photo in the window's title.
    titled: Option<PhotoPath>,
}

/// What somebody chose in a dialog of the system.
enum Chosen {
    Photos(Vec<PathBuf>),
    Folder(PathBuf),
    Output(PathBuf),
    Weights(PathBuf),
    ExportTo(PathBuf),
    Import(PathBuf),
}

/// Which dialog of the system is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Photos,
    Folder,
    Output,
    Weights,
    ExportTo,
    ImportFile,
    ImportFolder,
}

impl Window {
    pub(crate) fn new(desk: Desk, wake: Wake) -> Self {
        let (painted, inbox) = mpsc::channel();
        let painter = Painter::start(painted, wake.clone());
        Self {
            desk,
            sheet: Sheet::new(painter, inbox),
            files: Files::default(),
            side: Side::default(),
            dialogs: Dialogs::default(),
            chosen: mpsc::channel(),
            wake,
            styled: None,
            had_focus: true,
            asks_close: false,
            closes_anyway: false,
            titled: None,
        }
    }

    /// Hears what happened, and draws everything.
    pub(crate) fn ui(&mut self, ui: &mut Ui) {
        self.desk.hear();
        self.hear_dialogs();
        style::apply(ui.ctx(), &self.desk.settings, &mut self.styled);
        self.look_again(ui.ctx());
        self.title(ui.ctx());
        self.take_dropped(ui.ctx());
        keys::press(self, ui.ctx());

        let bar = Frame::side_top_panel(ui.style());
        Panel::top("toolbar").frame(bar).show(ui, |ui| toolbar::show(self, ui));
        Panel::bottom("status")
            .show(ui, |ui| status::show(&mut self.desk, &mut self.dialogs, &self.sheet, ui));
        Panel::left("files").resizable(true).default_size(230.0).size_range(170.0..=480.0).show(
            ui,
            |ui| {
                let asked = self.files.show(&mut self.desk, ui);
                if let Some(ask) = asked {
                    self.ask(ask);
                }
            },
        );
        Panel::right("side")
            .resizable(true)
            .default_size(310.0)
            .size_range(210.0..=520.0)
            .show(ui, |ui| self.side.show(&mut self.desk, &mut self.dialogs, ui));
        CentralPanel::no_frame().show(ui, |ui| {
            let fill = ui.visuals().panel_fill;
            ui.painter().rect_filled(ui.max_rect(), 0.0, fill);
            let is_empty = self.desk.open.is_none() && self.desk.loading_photo().is_none();
            if is_empty && let Some((what, then)) = self.desk.unread() {
                first::nothing(ui, &what, &then);
            } else if is_empty {
                if let Some(ask) = first::welcome(&mut self.desk, ui) {
                    self.ask(ask);
                }
            } else {
                let canvas = self.sheet.show(ui, &mut self.desk).rect;
                first::hints(&mut self.desk, ui, canvas);
                if let Some(path) = self.desk.loading_photo() {
                    let text = format!("Reading {} …", path.name());
                    messages::note(ui, canvas, &text);
                }
            }
            let top = ui.max_rect();
            if let Some(remedy) = messages::show(&mut self.desk, ui, top) {
                match remedy {
                    Remedy::ChooseOutput => self.ask(Ask::Output),
                    remedy => self.desk.remedy(&remedy),
                }
            }
        });
        self.guard_close(ui.ctx());
        let asked = self.dialogs.show(&mut self.desk, ui.ctx());
        if let Some(ask) = asked {
            self.ask(ask);
        }
    }

    /// Does what a key or a button says.
    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::SearchClass => self.dialogs.search_class(),
            Action::KeySheet => self.dialogs.toggle_keys(),
            Action::Export => self.dialogs.open_export(&self.desk),
            Action::Import => self.dialogs.open_import(&self.desk),
            Action::OpenPhoto => self.ask(Ask::Photos),
            Action::OpenFolder => self.ask(Ask::Folder),
            Action::FlipClick => match self.clicked_over() {
                Some(index) => self.desk.flip_click(index),
                None => {
                    self.desk.remark("point at a click of the object in hand to turn it around")
                }
            },
            Action::Delete => match self.clicked_over() {
                Some(index) => self.desk.remove_click(index),
                None => self.desk.act(action),
            },
            Action::Pointer => self.toggle_pointer(),
            Action::PointPositive | Action::PointNegative => {
                let sign = match action {
                    Action::PointPositive => fbrs::Sign::Positive,
                    _ => fbrs::Sign::Negative,
                };
                match self.desk.pointer {
                    Some(at) => self.desk.click(at, sign),
                    None => self.toggle_pointer(),
                }
            }
            Action::Cancel if self.dialogs.close_one() => {}
            action => {
                self.sheet.act(&self.desk, action);
                self.desk.act(action);
            }
        }
    }

    /// The click of the object in hand under the pointer, the mouse's or the keyboard's.
    fn clicked_over(&self) -> Option<usize> {
        self.sheet.over.or_else(|| {
            let (at, current) = (self.desk.pointer?, self.desk.current()?);
            let far = |click: &fbrs::Click<fbrs::ImageSpace>| {
                (click.position.x() - at.x()).hypot(click.position.y() - at.y())
            };
            let near = current.clicks.iter().enumerate().map(|(index, click)| (index, far(click)));
            let near = near.filter(|(_, far)| *far <= 8.0);
            near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
        })
    }

    fn toggle_pointer(&mut self) {
        let Some(open) = &self.desk.open else { return };
        let size = open.photo.size();
        self.desk.pointer = match self.desk.pointer {
            Some(_) => None,
            None => Some(self.sheet.under.unwrap_or(fbrs::Position::at_xy(
                (size.width / 2) as f64,
                (size.height / 2) as f64,
            ))),
        };
    }

    /// The keyboard's pointer goes a step.
    fn move_pointer(&mut self, key: Key, far: bool) -> bool {
        let moved = sheet::move_pointer(&mut self.desk, key, far);
        if moved
            && let Some(at) = self.desk.pointer
            && let Some(view) = self.sheet.view(&self.desk)
        {
            view.show(at);
        }
        moved
    }

    /// Opens a dialog of the system, in a thread of its own: the window goes on.
    pub(crate) fn ask(&mut self, ask: Ask) {
        let mut dialog = rfd::AsyncFileDialog::new();
        if let Some(folder) = self.desk.folder_path() {
            dialog = dialog.set_directory(folder);
        }
        let (to, wake) = (self.chosen.0.clone(), self.wake.clone());
        let endings = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "ppm", "pgm"];
        let path = |file: rfd::FileHandle| file.path().to_owned();
        let asked: std::pin::Pin<Box<dyn Future<Output = Option<Chosen>> + Send>> = match ask {
            Ask::Photos => {
                let files =
                    dialog.set_title("Open photos").add_filter("Photos", &endings).pick_files();
                Box::pin(async move {
                    let files = files.await?;
                    Some(Chosen::Photos(files.into_iter().map(path).collect()))
                })
            }
            Ask::Weights => {
                let endings = ["pth", "pt", "safetensors"];
                let file =
                    dialog.set_title("Open weights").add_filter("Weights", &endings).pick_file();
                Box::pin(async move { Some(Chosen::Weights(path(file.await?))) })
            }
            Ask::ImportFile => {
                let endings = ["json", "txt", "yaml", "png"];
                let file = dialog.set_title("Import a file").add_filter("Marks", &endings);
                let file = file.pick_file();
                Box::pin(async move { Some(Chosen::Import(path(file.await?))) })
            }
            Ask::Folder | Ask::Output | Ask::ExportTo | Ask::ImportFolder => {
                let title = match ask {
                    Ask::Folder => "Open a folder of photos",
                    Ask::Output => "Keep annotations in another folder",
                    Ask::ImportFolder => "Import from a folder",
                    _ => "Export into a folder",
                };
                let folder = dialog.set_title(title).set_can_create_directories(true).pick_folder();
                Box::pin(async move {
                    let folder = path(folder.await?);
                    Some(match ask {
                        Ask::Folder => Chosen::Folder(folder),
                        Ask::Output => Chosen::Output(folder),
                        Ask::ImportFolder => Chosen::Import(folder),
                        _ => Chosen::ExportTo(folder),
                    })
                })
            }
        };
        std::thread::spawn(move || {
            if let Some(chosen) = pollster::block_on(asked) {
                // A window that is gone needs it no more.
                let _ = to.send(chosen);
                wake();
            }
        });
    }

    fn hear_dialogs(&mut self) {
        while let Ok(chosen) = self.chosen.1.try_recv() {
            match chosen {
                Chosen::Photos(photos) => self.desk.open_paths(&photos),
                Chosen::Folder(folder) => self.desk.open_paths(&[folder]),
                Chosen::Output(folder) => self.desk.set_output(folder),
                Chosen::Weights(file) => {
                    let device = self.desk.choice().device;
                    self.desk.load(file.display().to_string(), device);
                }
                Chosen::ExportTo(folder) => self.dialogs.set_export_folder(folder),
                Chosen::Import(from) => self.dialogs.import_from(&mut self.desk, from),
            }
        }
    }

    /// When the window is come back to, files may have come and gone.
    fn look_again(&mut self, ctx: &Context) {
        let focus = ctx.input(|input| input.raw.focused);
        if focus && !self.had_focus {
            self.desk.list_again();
        }
        self.had_focus = focus;
    }

    /// Before the window closes while something cannot be written, somebody is asked.
    fn guard_close(&mut self, ctx: &Context) {
        let wants = ctx.input(|input| input.viewport().close_requested());
        if wants && self.desk.is_importing {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.desk.remark("the window closes when the import is over: stop it first");
        } else if wants && self.desk.trouble.is_some() && !self.closes_anyway {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.asks_close = true;
        }
        let trouble = self.desk.trouble.clone().filter(|_| self.asks_close);
        let Some(trouble) = trouble else {
            self.asks_close = false;
            return;
        };
        Modal::new(Id::unique("close")).show(ctx, |ui| {
            ui.set_width(420.0);
            ui.label(RichText::new("Not everything is on the disk").strong().size(16.0));
            ui.label(trouble);
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                if ui.button("Try again").clicked() {
                    self.desk.retry();
                }
                if ui.button("Go on working").clicked() {
                    self.asks_close = false;
                }
                if ui.button("Close, and lose these changes").clicked() {
                    self.closes_anyway = true;
                    ctx.send_viewport_cmd(ViewportCommand::Close);
                }
            });
        });
    }

    /// The photo's name in the window's title.
    fn title(&mut self, ctx: &Context) {
        let open = self.desk.open.as_ref().map(|open| open.path.clone());
        if open != self.titled {
            let title = match &open {
                Some(path) => format!("{} – fbrs annotate", path.name()),
                None => "fbrs annotate".to_owned(),
            };
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title));
            self.titled = open;
        }
    }

    /// Photos and folders that are dropped onto the window are opened.
    fn take_dropped(&mut self, ctx: &Context) {
        let dropped: Vec<PathBuf> = ctx.input(|input| {
            input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect()
        });
        let (good, bad): (Vec<_>, Vec<_>) =
            dropped.into_iter().partition(|path| crate::desk::can_be_opened(path));
        if !good.is_empty() {
            self.desk.open_paths(&good);
        } else if !bad.is_empty() {
            self.desk.remark("only photos and folders can be opened here");
        }
    }
}

impl Window {
    /// Whether everything is read, answered, saved and painted.
    pub(crate) fn is_idle(&self) -> bool {
        let desk = &self.desk;
        desk.ready.is_some()
            && desk.loading_photo().is_none()
            && desk
                .open
                .as_ref()
                .is_none_or(|open| open.annotation.is_some() || open.fault.is_some())
            && !desk.answer.is_busy
            && desk.is_saved()
            && self.sheet.is_painted()
    }

    /// Where a place of the photo is on the screen; it is brought into sight.
    pub(crate) fn brought_to_screen(
        &mut self,
        at: fbrs::Position<fbrs::ImageSpace>,
    ) -> Option<egui::Pos2> {
        let view = self.sheet.view(&self.desk)?;
        view.show(at);
        Some(view.to_screen(at))
    }

    /// Opens the photo that comes with the program.
    pub(crate) fn open_flowers(&mut self) {
        first::open_flowers(&mut self.desk);
    }
}

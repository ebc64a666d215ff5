//! Everything that the annotator knows and does, without a window.
//!
//! The window shows a desk and tells it what people do. The desk never waits: files are read and
//! written by the loader and the disk, clicks answered by the engine, and what they have to say is
//! heard in [`Desk::hear`].

mod action;
mod answer;
mod classes;
mod edits;
mod objects;
mod photos;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use fbrs::{DeviceChoice, Options};
use fbrs_annotation::{
    Annotation, Current, Document, Folder, FolderLock, Merge, PhotoPath, PhotoState, Project,
};

use crate::disk::{Disk, DiskEvent};
use crate::engine::{self, Choice, Engine, Load, PhotoKey, Ready, Wake};
use crate::loader::{Loader, LoaderEvent};

pub(crate) use action::{Action, Chord, Group, Keys};
pub(crate) use answer::Answer;
pub(crate) use photos::{Filter, Open, PhotoItem, Thumbnail, can_be_opened};
pub(crate) use settings::{Settings, Theme};

/// A sentence for the person at the window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) remedy: Option<Remedy>,
    /// Whether it goes with the photo that is open.
    pub(crate) is_of_photo: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Good to know; it goes by itself.
    Remark,
    /// Something did not work.
    Problem,
}

/// What can be done about a problem, by a button.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Remedy {
    /// Read this photo again.
    ReadAgain(PhotoPath),
    /// Have documents in another folder.
    ChooseOutput,
    /// Use the built-in weights.
    BuiltIn,
    /// Answer the clicks again.
    AskAgain,
}

/// The hand that is being used.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Hand {
    /// Clicks.
    #[default]
    Click,
    /// A polygon being drawn; whether it is cut out.
    Polygon { corners: Vec<fbrs::Position<fbrs::ImageSpace>>, cuts: bool },
    /// A brush; whether it erases. The stroke that is being made.
    Brush { stroke: Vec<fbrs::Position<fbrs::ImageSpace>>, erases: bool },
}

/// How the desk is set up.
pub(crate) struct Setup {
    pub(crate) load: Box<dyn Load>,
    /// `None` for those that were chosen last.
    pub(crate) weights: Option<String>,
    pub(crate) device: Option<DeviceChoice>,
    /// Where settings are kept; `None` for nowhere.
    pub(crate) settings: Option<PathBuf>,
    /// Where documents go, where not beside the photos.
    pub(crate) output: Option<PathBuf>,
    pub(crate) wake: Wake,
}

pub(crate) struct Desk {
    engine: Arc<Engine>,
    disk: Disk,
    loader: Loader,
    engine_events: Receiver<engine::Event>,
    disk_events: Receiver<DiskEvent>,
    loader_events: Receiver<LoaderEvent>,

    pub(crate) settings: Settings,
    settings_path: Option<PathBuf>,
    pub(crate) keys: Keys,
    /// Where the documents of the first folder are, where the program was told so.
    output: Option<PathBuf>,
    /// For which folder that was.
    output_of: Option<PathBuf>,

    pub(crate) ready: Option<Ready>,
    /// How far weights are loaded, while they are.
    pub(crate) loading_weights: Option<f32>,
    choice: Choice,
    /// How new objects are answered.
    pub(crate) options: Options,
    /// Whether somebody changed them, so that other weights leave them alone.
    options_chosen: bool,
    pub(crate) threshold: f32,

    pub(crate) folder: Option<Folder>,
    pub(crate) project: Project,
    /// Whether the project's file is this window's to write: it could be read, and nobody else has it.
    project_is_sound: bool,
    /// The classes that are becoming one in all photos just now.
    merging: Option<Merge>,
    /// Those of which photos were left, until the folder is opened again.
    merges_left: Vec<Merge>,
    /// Keeps others from writing it.
    folder_lock: Option<FolderLock>,
    pub(crate) photos: Vec<PhotoItem>,
    pub(crate) filter: Filter,
    pub(crate) search: String,
    photos_state: photos::Photos,
    pub(crate) open: Option<Open>,

    /// Whether an import has the documents and classes on the disk to itself.
    pub(crate) is_importing: bool,

    /// The class of the next object.
    pub(crate) class: Option<u32>,
    pub(crate) hand: Hand,
    /// Whether objects but those in hand or selected are hidden.
    pub(crate) hides_others: bool,
    /// A place that the keyboard moves.
    pub(crate) pointer: Option<fbrs::Position<fbrs::ImageSpace>>,
    /// A finish that waits until all clicks are answered.
    waiting: Option<objects::Finish>,
    /// Clicks on the next object, while a finish waits.
    pub(crate) later: Vec<fbrs::Click<fbrs::ImageSpace>>,
    pub(crate) answer: Answer,

    pub(crate) messages: Vec<Message>,
    /// The standing trouble of the disk.
    pub(crate) trouble: Option<String>,
    next_id: u64,
    /// Grows with everything that changes what is drawn.
    pub(crate) drawn: u64,
}

impl Desk {
    pub(crate) fn new(setup: Setup) -> Self {
        let (to_engine, engine_events) = mpsc::channel();
        let (to_disk, disk_events) = mpsc::channel();
        let (to_loader, loader_events) = mpsc::channel();
        let settings = Settings::read(setup.settings.as_deref());
        let keys = Keys::with_chosen(&settings.keys);
        let weights = setup.weights.or_else(|| settings.weights.clone());
        let choice = Choice {
            weights: weights.unwrap_or_else(|| "default".to_owned()),
            device: setup.device.or(settings.device).unwrap_or_default(),
        };
        let wake = setup.wake;
        let engine = Engine::start(setup.load, choice.clone(), to_engine, wake.clone());
        Self {
            engine: Arc::new(engine),
            disk: Disk::start(to_disk, wake.clone()),
            loader: Loader::start(&to_loader, &wake),
            engine_events,
            disk_events,
            loader_events,
            settings,
            settings_path: setup.settings,
            keys,
            output: setup.output,
            output_of: None,
            ready: None,
            loading_weights: Some(0.0),
            choice,
            options: Options::default(),
            options_chosen: false,
            threshold: 0.5,
            folder: None,
            project: Project::default(),
            project_is_sound: true,
            merging: None,
            merges_left: Vec::new(),
            folder_lock: None,
            photos: Vec::new(),
            filter: Filter::All,
            search: String::new(),
            photos_state: photos::Photos::default(),
            open: None,
            is_importing: false,
            class: None,
            hand: Hand::Click,
            hides_others: false,
            pointer: None,
            waiting: None,
            later: Vec::new(),
            answer: Answer::default(),
            messages: Vec::new(),
            trouble: None,
            next_id: 1,
            drawn: 0,
        }
    }

    /// Hears what happened since the last time.
    pub(crate) fn hear(&mut self) {
        while let Ok(event) = self.loader_events.try_recv() {
            self.hear_loader(event);
        }
        while let Ok(event) = self.disk_events.try_recv() {
            self.hear_disk(event);
        }
        while let Ok(event) = self.engine_events.try_recv() {
            self.hear_engine(event);
        }
    }

    fn hear_disk(&mut self, event: DiskEvent) {
        match event {
            DiskEvent::Opened { key, annotation, read_only, remarks } => {
                remarks.into_iter().for_each(|text| self.remark(text));
                self.opened(key, *annotation, read_only);
            }
            DiskEvent::NotOpened { key, problem } => {
                if let Some(open) = self.open.as_mut().filter(|open| open.visit == key) {
                    open.fault = Some(problem.clone());
                    self.problem_here(problem, None);
                }
            }
            DiskEvent::Saved { key, seq } => {
                if let Some(open) = self.open.as_mut().filter(|open| open.visit == key) {
                    open.saved = open.saved.max(seq);
                }
            }
            DiskEvent::Trouble(text) => {
                let text =
                    format!("{text}. Your work is kept in memory and written as soon as it can");
                self.trouble = Some(text);
            }
            DiskEvent::Calm => self.trouble = None,
            DiskEvent::Merged { folder, merge, left } => self.merged(&folder, merge, left),
        }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Says something that goes by itself.
    pub(crate) fn remark(&mut self, text: impl Into<String>) {
        self.say(Kind::Remark, text.into(), None, false);
    }

    /// Says what did not work, and what can be done.
    pub(crate) fn problem(&mut self, text: impl Into<String>, remedy: Option<Remedy>) {
        self.say(Kind::Problem, text.into(), remedy, false);
    }

    /// Says what did not work with the open photo; it is no longer said where another one is opened.
    fn problem_here(&mut self, text: impl Into<String>, remedy: Option<Remedy>) {
        self.say(Kind::Problem, text.into(), remedy, true);
    }

    fn say(&mut self, kind: Kind, text: String, remedy: Option<Remedy>, is_of_photo: bool) {
        /// Messages that stand at once.
        const MOST: usize = 4;
        // A thing that is said again takes the place of the first time.
        self.messages.retain(|known| known.text != text);
        let id = self.new_id();
        self.messages.push(Message { id, kind, text, remedy, is_of_photo });
        let spare = self.messages.len().saturating_sub(MOST);
        self.messages.drain(..spare);
    }

    pub(crate) fn dismiss(&mut self, id: u64) {
        self.messages.retain(|message| message.id != id);
    }

    /// Does what a button of a message promises.
    pub(crate) fn remedy(&mut self, remedy: &Remedy) {
        match remedy {
            Remedy::ReadAgain(path) => self.open_photo(path),
            Remedy::AskAgain => self.ask(),
            Remedy::BuiltIn => self.load("default".to_owned(), self.choice.device),
            // The window asks which.
            Remedy::ChooseOutput => {}
        }
    }

    /// Keeps what a person chose.
    pub(crate) fn keep_settings(&mut self) {
        self.settings.keys = self.keys.chosen();
        if let Some(path) = self.settings_path.clone() {
            self.disk.write_settings(path, self.settings.clone());
        }
    }

    /// What is marked in the open photo.
    pub(crate) fn document(&self) -> Option<&Document> {
        self.annotation().map(Annotation::document)
    }

    pub(crate) fn annotation(&self) -> Option<&Annotation> {
        self.open.as_ref()?.annotation.as_ref()
    }

    /// The object in hand.
    pub(crate) fn current(&self) -> Option<&Current> {
        self.document()?.current.as_ref()
    }

    /// Whether every change is in a file.
    pub(crate) fn is_saved(&self) -> bool {
        let seq = self.annotation().map_or(0, Annotation::seq);
        self.open.as_ref().is_none_or(|open| open.saved >= seq) && self.trouble.is_none()
    }

    /// Why nothing can be changed in the open photo; `None` where it can be.
    pub(crate) fn read_only(&self) -> Option<&str> {
        self.open.as_ref()?.read_only.as_deref()
    }

    pub(crate) fn key(&self) -> Option<PhotoKey> {
        self.open.as_ref().map(|open| open.key)
    }

    /// Makes a change of the open photo, writes it down, and then lets the engine hear of it.
    fn change(&mut self, op: &str, change: impl FnOnce(&mut Document)) -> bool {
        let Some(open) = &mut self.open else { return false };
        if let Some(reason) = &open.read_only {
            let text = format!("this photo can only be looked at: {reason}");
            self.problem_here(text, Some(Remedy::ChooseOutput));
            return false;
        }
        let Some(annotation) = &mut open.annotation else { return false };
        let Some(line) = annotation.change(op, change) else { return false };
        self.written(line);
        true
    }

    /// Whatever follows from a change that was made.
    fn written(&mut self, line: fbrs_annotation::Line) {
        self.drawn += 1;
        let asks = self.prepare_question();
        let Some(open) = &self.open else { return };
        let Some(annotation) = &open.annotation else { return };
        let engine = self.engine.clone();
        let then =
            asks.map(|asked| -> Box<dyn FnOnce() + Send> { Box::new(move || asked.say(&engine)) });
        self.disk.append(open.visit, line, annotation.clone(), then);
        self.update_state();
    }

    /// The open photo's state in the list.
    fn update_state(&mut self) {
        let Some(open) = &self.open else { return };
        let state = self.document().filter(|document| !document.is_untouched());
        let state = state.map(|document| (document.state, document.objects.len()));
        let path = open.path.clone();
        if let Some(item) = self.photos.iter_mut().find(|item| item.path == path)
            && item.state != state
        {
            item.state = state;
            self.photos_state.changes += 1;
        }
    }

    /// Keeps how exports are wanted.
    pub(crate) fn keep_export(&mut self, settings: &fbrs_annotation::export::Settings) {
        let formats: Vec<_> = settings.formats.iter().map(|format| format.name()).collect();
        self.project.export = serde_json::json!({
            "formats": formats,
            "always_rle": settings.always_rle,
            "polygons": settings.polygons,
            "palette": settings.palette,
            "photos": settings.photos,
        });
        self.write_project();
    }

    /// Tries again now what could not be written.
    pub(crate) fn retry(&self) {
        self.disk.retry();
    }

    /// Does something when everything that was done up to now is on the disk.
    pub(crate) fn after_saving(&self, work: impl FnOnce() + Send + 'static) {
        self.disk.work(work);
    }

    /// How a class's objects are drawn.
    pub(crate) fn class_color(&self, class: Option<u32>) -> [u8; 3] {
        let class = class.and_then(|id| self.project.class(id));
        class.map_or([30, 136, 255], |class| class.color.0)
    }

    /// What people call a class.
    pub(crate) fn class_name(&self, class: Option<u32>) -> String {
        match class.map(|id| (id, self.project.class(id))) {
            None => "no class".to_owned(),
            Some((_, Some(class))) => class.name.clone(),
            Some((id, None)) => format!("class {id}"),
        }
    }

    /// Whether the open photo is said to be done.
    pub(crate) fn is_done(&self) -> bool {
        self.document().is_some_and(|document| document.state == PhotoState::Done)
    }

    /// Takes the last change of the open photo back.
    pub(crate) fn undo(&mut self) {
        self.step(Annotation::undo);
    }

    /// Makes the change again that was taken back last.
    pub(crate) fn redo(&mut self) {
        self.step(Annotation::redo);
    }

    fn step(&mut self, step: impl FnOnce(&mut Annotation) -> Option<fbrs_annotation::Line>) {
        self.waiting = None;
        self.later.clear();
        self.drop_stroke();
        if self.read_only().is_some() {
            return;
        }
        let annotation = self.open.as_mut().and_then(|open| open.annotation.as_mut());
        if let Some(line) = annotation.and_then(step) {
            self.keep_selection();
            self.written(line);
        }
    }

    /// A stroke or polygon that is not done is given up.
    fn drop_stroke(&mut self) {
        match &mut self.hand {
            Hand::Click => {}
            Hand::Polygon { corners, .. } => corners.clear(),
            Hand::Brush { stroke, .. } => stroke.clear(),
        }
    }

    /// Writes the document whole, now.
    pub(crate) fn save(&mut self) {
        if let (Some(open), Some(annotation)) = (&self.open, self.annotation()) {
            self.disk.save(open.visit, annotation.clone());
        }
    }

    /// Where a click of a file dialog begins.
    pub(crate) fn folder_path(&self) -> Option<&Path> {
        self.folder.as_ref().map(Folder::root)
    }
}

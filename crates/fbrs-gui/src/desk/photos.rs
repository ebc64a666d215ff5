//! Folders and photos: listed, opened, left.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use fbrs::Photo;
use fbrs_annotation::{Annotation, Folder, PhotoPath, PhotoRecord, PhotoState, Project, is_photo};
use image::RgbImage;

use super::{Action, Desk, Hand, Remedy};
use crate::canvas::Pyramid;
use crate::engine::PhotoKey;
use crate::loader::{self, LoadedPhoto, LoaderEvent};

/// Small pictures that are kept.
const THUMBNAILS: usize = 128;
/// Photos that are kept beside the open one.
const KEPT: usize = 2;

/// A photo in the list.
#[derive(Debug, Clone)]
pub(crate) struct PhotoItem {
    pub(crate) path: PhotoPath,
    /// How far the work is, and the number of objects; `None` where nothing was done.
    pub(crate) state: Option<(PhotoState, usize)>,
    /// Why it cannot be read.
    pub(crate) fault: Option<String>,
}

/// Which photos are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Filter {
    #[default]
    All,
    Unfinished,
    Untouched,
    InProgress,
    Done,
}

impl Filter {
    pub(crate) const ALL: [Self; 5] =
        [Self::All, Self::Unfinished, Self::Untouched, Self::InProgress, Self::Done];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::All => "All photos",
            Self::Unfinished => "Unfinished",
            Self::Untouched => "Untouched",
            Self::InProgress => "In progress",
            Self::Done => "Done",
        }
    }

    pub(crate) fn holds(self, item: &PhotoItem) -> bool {
        let state = item.state.map(|(state, _)| state);
        match self {
            Self::All => true,
            Self::Unfinished => state != Some(PhotoState::Done),
            Self::Untouched => state.is_none(),
            Self::InProgress => state == Some(PhotoState::InProgress),
            Self::Done => state == Some(PhotoState::Done),
        }
    }
}

/// The photo that is worked on.
pub(crate) struct Open {
    /// Names the photo for the engine.
    pub(crate) key: PhotoKey,
    /// Names this visit of it for the disk.
    pub(super) visit: PhotoKey,
    pub(crate) path: PhotoPath,
    pub(crate) photo: Photo,
    pub(crate) pyramid: Pyramid,
    record: PhotoRecord,
    thumbnail: Option<RgbImage>,
    /// `None` until the document is open.
    pub(crate) annotation: Option<Annotation>,
    /// Why changes would not be kept.
    pub(crate) read_only: Option<String>,
    /// Why the document cannot be opened.
    pub(crate) fault: Option<String>,
    pub(crate) selected: Vec<u64>,
    /// The last change that is in a file.
    pub(crate) saved: u64,
}

/// A small picture of a photo.
#[derive(Debug, Clone)]
pub(crate) enum Thumbnail {
    Asked,
    Made(RgbImage),
    /// The photo cannot be read.
    None,
}

/// What is known of photos that are not open.
#[derive(Default)]
pub(super) struct Photos {
    /// The photo that was asked for last, be it readable or not.
    here: Option<PhotoPath>,
    /// The photo that is being read to be opened.
    loading: Option<(PhotoKey, PhotoPath)>,
    /// That which is read ahead.
    ahead: Option<(PhotoKey, PhotoPath)>,
    /// Photos that were open last or were read ahead, the newest last.
    kept: VecDeque<LoadedPhoto>,
    thumbnails: HashMap<PhotoPath, Thumbnail>,
    thumbnail_order: VecDeque<PhotoPath>,
    /// The photo to be opened when the folder is listed.
    first: Option<PhotoPath>,
    /// Photos that were chosen one by one: nothing else is listed.
    chosen: Option<Vec<PhotoPath>>,
    last_key: u64,
    pub(super) changes: u64,
    /// Grows with every folder that is listed.
    folders: u64,
    /// Whether it was.
    is_listed: bool,
}

impl Desk {
    /// Opens what was named: a folder, or photos of one folder.
    pub(crate) fn open_paths(&mut self, paths: &[PathBuf]) {
        let Some(first) = paths.first() else { return };
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if first.is_dir() {
            return self.open_folder(whole(first), None);
        }
        let photos: Vec<_> = paths.iter().filter(|path| !path.is_dir()).map(whole).collect();
        let Some(root) = photos.first().and_then(|photo| photo.parent()).map(Path::to_owned) else {
            return;
        };
        self.leave_photo();
        let output = self.output_for(&root);
        self.list(Folder::new(root, output));
        let folder = self.folder.clone();
        let relative = |path: &PathBuf| folder.as_ref().and_then(|folder| folder.relative(path));
        let chosen: Vec<_> = photos.iter().filter_map(relative).collect();
        if chosen.len() < photos.len() {
            self.remark("photos of one folder are opened at a time: the others were left out");
        }
        self.photos_state.first = chosen.first().cloned();
        // One photo alone stands for its folder.
        self.photos_state.chosen = (chosen.len() > 1).then_some(chosen);
    }

    /// Opens a folder, at a photo or where the work stopped.
    pub(crate) fn open_folder(&mut self, root: PathBuf, first: Option<PhotoPath>) {
        self.leave_photo();
        self.settings.remember(&root);
        self.keep_settings();
        let output = self.output_for(&root);
        self.list(Folder::new(root, output));
        self.photos_state.first = first;
        self.photos_state.chosen = None;
    }

    /// Where a folder's documents are, if not beside its photos.
    fn output_for(&mut self, root: &Path) -> Option<PathBuf> {
        let told_of = self.output_of.get_or_insert_with(|| root.to_owned());
        let told = self.output.clone().filter(|_| told_of == root);
        told.or_else(|| self.settings.documents.get(root).cloned())
    }

    /// Has the documents of the open folder in another one, now and later.
    pub(crate) fn set_output(&mut self, output: PathBuf) {
        if let Some(folder) = &self.folder {
            let (root, open) = (folder.root().to_owned(), self.open.as_ref());
            let first = open.map(|open| open.path.clone());
            self.settings.documents.insert(root.clone(), output);
            if self.output_of.as_ref() == Some(&root) {
                self.output = None;
            }
            self.open_folder(root, first);
        }
    }

    /// An import begins: the documents and the classes on the disk are its own until it is over.
    pub(crate) fn begin_import(&mut self) {
        self.leave_photo();
        self.write_project();
        self.is_importing = true;
    }

    /// Takes in what an import has changed on the disk, and goes on where the work was.
    pub(crate) fn take_in(&mut self) {
        self.is_importing = false;
        if let Some(folder) = self.folder.clone() {
            let here = self.photos_state.here.clone();
            self.list(folder);
            self.photos_state.first = here;
        }
    }

    fn list(&mut self, folder: Folder) {
        // What is on its way is of another folder, or not wanted any more.
        (self.photos_state.loading, self.photos_state.ahead) = (None, None);
        self.photos_state.folders += 1;
        (self.photos_state.is_listed, self.photos_state.here) = (false, None);
        self.forget_merging();
        self.photos.clear();
        self.photos_state.kept.clear();
        self.photos_state.thumbnails.clear();
        self.photos_state.thumbnail_order.clear();
        self.read_project(&folder);
        self.loader.list(&folder);
        self.folder = Some(folder);
    }

    fn read_project(&mut self, folder: &Folder) {
        self.class = None;
        // The old one first: it may be the same folder's.
        self.folder_lock = None;
        let lock = folder.lock();
        let is_others = matches!(lock, Ok(None));
        self.folder_lock = lock.ok().flatten();
        if is_others {
            self.remark(
                "another window works on this folder: classes can be chosen here, but not changed",
            );
        }
        match Project::read(&folder.project()) {
            Ok(project) => {
                self.project_is_sound = !is_others;
                if let Ok(options) = serde_json::from_value(project.options.clone()) {
                    (self.options, self.options_chosen) = (options, true);
                }
                self.project = project;
            }
            Err(error) => {
                // It is left alone until somebody mends it.
                (self.project, self.project_is_sound) = (Project::default(), false);
                self.problem(format!("{error}. Classes are not kept until it is mended"), None);
            }
        }
    }

    /// Lists the folder again: files may have come and gone.
    pub(crate) fn list_again(&mut self) {
        if let Some(folder) = self.folder.as_ref().filter(|_| !self.is_importing) {
            self.loader.list(folder);
        }
    }

    pub(super) fn hear_loader(&mut self, event: LoaderEvent) {
        match event {
            LoaderEvent::Listed { folder, photos } => self.listed(folder, photos),
            LoaderEvent::NotListed(problem) => self.problem(problem, None),
            LoaderEvent::States { folder, states } => {
                if self.folder.as_ref() == Some(&folder) {
                    let mut states: HashMap<_, _> = states.into_iter().collect();
                    for item in &mut self.photos {
                        if let Some(state) = states.remove(&item.path) {
                            item.state = state;
                        }
                    }
                    self.photos_state.changes += 1;
                    self.update_state();
                }
            }
            LoaderEvent::Thumbnail { folder, path, image } => {
                if self.folder.as_ref().is_some_and(|known| known.root() == folder.root()) {
                    if image.is_none()
                        && let Some(item) = self.photos.iter_mut().find(|item| item.path == path)
                        && item.fault.is_none()
                    {
                        item.fault = Some("it cannot be read: opened, it says why".to_owned());
                    }
                    let made = image.map_or(Thumbnail::None, Thumbnail::Made);
                    self.photos_state.thumbnails.insert(path, made);
                }
            }
            LoaderEvent::Loaded(loaded) => {
                // Of a folder that was left in the meantime.
                if self.folder.as_ref().is_some_and(|known| known.root() == loaded.folder.root()) {
                    self.loaded(*loaded);
                }
            }
            LoaderEvent::NotAhead { key } => self.not_ahead(key),
            LoaderEvent::Unreadable { key, path, problem } => {
                if let Some(item) = self.photos.iter_mut().find(|item| item.path == path) {
                    item.fault = Some(problem.clone());
                }
                let is_wanted = self.photos_state.loading.as_ref().is_some_and(|(k, _)| *k == key);
                if is_wanted {
                    self.photos_state.loading = None;
                    self.problem_here(problem, Some(Remedy::ReadAgain(path)));
                }
                if self.photos_state.ahead.as_ref().is_some_and(|(k, _)| *k == key) {
                    self.photos_state.ahead = None;
                }
            }
        }
    }

    fn listed(&mut self, folder: Folder, photos: Vec<PhotoPath>) {
        let same_root = self.folder.as_ref().is_some_and(|known| known.root() == folder.root());
        if !same_root {
            return;
        }
        if self.folder.as_ref() != Some(&folder) {
            let to = folder.documents().display().to_string();
            let to = fbrs_data::text::printable(&to);
            self.remark(format!("this folder cannot be written to: annotations are kept in {to}"));
            self.read_project(&folder);
            self.folder = Some(folder);
        }
        let chosen: Option<HashSet<_>> =
            self.photos_state.chosen.as_ref().map(|chosen| chosen.iter().collect());
        let photos =
            photos.into_iter().filter(|p| chosen.as_ref().is_none_or(|chosen| chosen.contains(p)));
        let mut known: HashMap<_, _> =
            self.photos.drain(..).map(|item| (item.path.clone(), item)).collect();
        self.photos = photos
            .map(|path| {
                let new = PhotoItem { path: path.clone(), state: None, fault: None };
                known.remove(&path).unwrap_or(new)
            })
            .collect();
        if !std::mem::replace(&mut self.photos_state.is_listed, true) {
            self.go_on_merging();
        }
        if self.open.is_none() && self.photos_state.loading.is_none() && !self.is_importing {
            let last = self.project.last_photo.clone().map(PhotoPath::new);
            let first = self.photos_state.first.take().or(last);
            let is_there = |path: &PhotoPath| self.photos.iter().any(|item| item.path == *path);
            let first = first.filter(is_there);
            if let Some(path) = first.or_else(|| self.photos.first().map(|item| item.path.clone()))
            {
                self.open_photo(&path);
            }
        }
    }

    /// Opens a photo; the one that is open is saved and left.
    pub(crate) fn open_photo(&mut self, path: &PhotoPath) {
        if self.open.as_ref().is_some_and(|open| open.path == *path) {
            return;
        }
        self.leave_photo();
        let Some(folder) = self.folder.clone() else { return };
        self.photos_state.here = Some(path.clone());
        let kept = self.photos_state.kept.iter().position(|kept| kept.path == *path);
        if let Some(kept) = kept.and_then(|place| self.photos_state.kept.remove(place)) {
            self.photos_state.loading = None;
            return self.show(kept);
        }
        // It may be on its way already.
        if let Some((key, _)) = self.photos_state.ahead.take().filter(|(_, ahead)| ahead == path) {
            self.photos_state.loading = Some((key, path.clone()));
            return;
        }
        let key = self.new_key();
        self.photos_state.loading = Some((key, path.clone()));
        self.loader.load(key, &folder, path);
    }

    /// The photo that was to be read ahead is not: it is read when it is asked for.
    fn not_ahead(&mut self, key: PhotoKey) {
        if self.photos_state.ahead.as_ref().is_some_and(|(ahead, _)| *ahead == key) {
            self.photos_state.ahead = None;
        }
        let wanted = self.photos_state.loading.clone().filter(|(loading, _)| *loading == key);
        if let (Some((key, path)), Some(folder)) = (wanted, &self.folder) {
            self.loader.load(key, folder, &path);
        }
    }

    fn new_key(&mut self) -> PhotoKey {
        self.photos_state.last_key += 1;
        PhotoKey(self.photos_state.last_key)
    }

    /// Why no photo is seen although a folder is open, and what to do; `None` until that is known.
    pub(crate) fn unread(&self) -> Option<(String, String)> {
        let here = self.photos_state.here.as_ref();
        let fault = here.and_then(|here| {
            let item = self.photos.iter().find(|item| item.path == *here)?;
            item.fault.is_some().then(|| format!("{} cannot be read", here.name()))
        });
        let fault = fault.map(|text| {
            let next = self.keys.text(Action::Next);
            (text, format!("Go on with the next photo ({next}), or choose one in the list."))
        });
        let is_empty = self.photos_state.is_listed && self.photos.is_empty();
        let empty = || {
            let then = "Open another one, or drop photos onto this window.";
            let what = "There are no photos in this folder";
            is_empty.then(|| (what.to_owned(), then.to_owned()))
        };
        fault.or_else(empty)
    }

    /// The photo that is being read.
    pub(crate) fn loading_photo(&self) -> Option<&PhotoPath> {
        self.photos_state.loading.as_ref().map(|(_, path)| path)
    }

    fn loaded(&mut self, loaded: LoadedPhoto) {
        if let Some(item) = self.photos.iter_mut().find(|item| item.path == loaded.path) {
            item.fault = None;
        }
        let key = Some(loaded.key);
        if self.photos_state.loading.as_ref().map(|(key, _)| *key) == key {
            self.photos_state.loading = None;
            self.show(loaded);
        } else if self.photos_state.ahead.as_ref().map(|(key, _)| *key) == key {
            self.photos_state.ahead = None;
            self.keep(loaded);
        }
    }

    fn keep(&mut self, loaded: LoadedPhoto) {
        if u64::from(loaded.record.width) * u64::from(loaded.record.height) > loader::AHEAD {
            self.engine.close(loaded.key);
            return;
        }
        self.photos_state.kept.retain(|kept| kept.path != loaded.path);
        self.photos_state.kept.push_back(loaded);
        while self.photos_state.kept.len() > KEPT {
            if let Some(old) = self.photos_state.kept.pop_front() {
                self.engine.close(old.key);
            }
        }
    }

    fn show(&mut self, loaded: LoadedPhoto) {
        let Some(folder) = self.folder.clone() else { return };
        let LoadedPhoto { key, path, photo, pyramid, record, thumbnail, lost, remarks, .. } =
            loaded;
        remarks.into_iter().for_each(|text| self.remark(text));
        let visit = self.new_key();
        self.disk.open(visit, folder.document(&path), lost, record.clone());
        self.project.last_photo = Some(path.as_str().to_owned());
        self.open = Some(Open {
            key,
            visit,
            path: path.clone(),
            photo,
            pyramid,
            record,
            thumbnail,
            annotation: None,
            read_only: None,
            fault: None,
            selected: Vec::new(),
            saved: 0,
        });
        (self.answer, self.hand, self.pointer) = (self.answer.next(), Hand::Click, None);
        self.drawn += 1;
        self.look_ahead();
        // The next one is read while this one is worked on.
        let next = self.neighbor(1, |_| true).map(|item| item.path.clone());
        let is_kept =
            |path: &PhotoPath| self.photos_state.kept.iter().any(|kept| kept.path == *path);
        if let Some(next) = next.filter(|next| !is_kept(next) && *next != path) {
            let key = self.new_key();
            self.photos_state.ahead = Some((key, next.clone()));
            self.loader.load_ahead(key, &folder, &next);
        }
    }

    /// The open photo's document is there.
    pub(super) fn opened(
        &mut self,
        visit: PhotoKey,
        annotation: Annotation,
        read_only: Option<String>,
    ) {
        // Where it was left before its document was open, it is closed by now.
        let Some(open) = self.open.as_mut().filter(|open| open.visit == visit) else { return };
        open.saved = annotation.seq();
        if let Some(reason) = &read_only {
            let text = format!("this photo can only be looked at: {reason}");
            open.read_only = Some(reason.clone());
            self.problem_here(text, Some(Remedy::ChooseOutput));
        }
        let Some(open) = &mut self.open else { return };
        open.annotation = Some(annotation);
        self.merge_here();
        self.drawn += 1;
        self.update_state();
        if let Some(current) = self.current().cloned() {
            self.class = current.class;
            self.ask();
            // What was in hand before is not given up by Esc.
            self.answer.settle(current);
        }
    }

    /// Saves the open photo and leaves it.
    pub(crate) fn leave_photo(&mut self) {
        self.waiting = None;
        self.later.clear();
        self.messages.retain(|message| !message.is_of_photo);
        let Some(open) = self.open.take() else { return };
        self.disk.close(open.visit, open.annotation);
        self.engine.want_nothing();
        self.answer = self.answer.next();
        self.hand = Hand::Click;
        self.drawn += 1;
        let Open { key, path, photo, pyramid, record, thumbnail, .. } = open;
        let Some(folder) = self.folder.clone() else { return };
        self.keep(LoadedPhoto {
            key,
            folder,
            path,
            photo,
            pyramid,
            record,
            thumbnail,
            lost: None,
            remarks: Vec::new(),
        });
    }

    /// Leaves everything in order before the window closes.
    pub(crate) fn close(&mut self) {
        self.leave_photo();
        self.write_project();
        self.keep_settings();
    }

    /// The nearest photo in a direction for which something holds.
    fn neighbor(&self, step: isize, holds: impl Fn(&PhotoItem) -> bool) -> Option<&PhotoItem> {
        let here = self.photos_state.here.as_ref();
        let here = self.photos.iter().position(|item| Some(&item.path) == here);
        match here {
            None => self.photos.first(),
            Some(here) if step > 0 => self.photos.get(here + 1..)?.iter().find(|item| holds(item)),
            Some(here) => self.photos.get(..here)?.iter().rev().find(|item| holds(item)),
        }
    }

    /// To the next photo that is listed, or to the one before.
    pub(super) fn go(&mut self, step: isize) {
        let (filter, search) = (self.filter, self.search.to_lowercase());
        let listed = |item: &PhotoItem| {
            filter.holds(item) && item.path.as_str().to_lowercase().contains(&search)
        };
        match self.neighbor(step, listed).map(|item| item.path.clone()) {
            Some(path) => self.open_photo(&path),
            None => {
                let which = if step > 0 { "last" } else { "first" };
                self.remark(format!("this is the {which} photo"));
            }
        }
    }

    pub(super) fn go_unfinished(&mut self, step: isize) {
        let unfinished = |item: &PhotoItem| Filter::Unfinished.holds(item) && item.fault.is_none();
        let found = self.neighbor(step, unfinished);
        let here = self.open.as_ref().map(|open| &open.path);
        // Behind the last one come those that were left out.
        let found = found.or_else(|| {
            let mut all = self.photos.iter().filter(|item| unfinished(item));
            if step > 0 { all.next() } else { all.next_back() }
        });
        match found.filter(|item| Some(&item.path) != here).map(|item| item.path.clone()) {
            Some(path) => self.open_photo(&path),
            None => self.remark("no other photo is unfinished"),
        }
    }

    pub(super) fn toggle_done(&mut self) {
        let done = self.is_done();
        let op = if done { "not done" } else { "done" };
        self.change(op, |document| {
            document.state = if done { PhotoState::InProgress } else { PhotoState::Done };
        });
    }

    pub(super) fn done_and_next(&mut self) {
        if self.current().is_some_and(|current| !current.is_untouched()) {
            return self.finish(super::objects::Finish::For(super::Action::DoneAndNext));
        }
        if !self.is_done() {
            self.toggle_done();
        }
        if self.is_done() {
            self.go_unfinished(1);
        }
    }

    /// Grows with every folder that is listed.
    pub(crate) fn folders(&self) -> u64 {
        self.photos_state.folders
    }

    /// Grows with every change of a photo's state.
    pub(crate) fn states(&self) -> u64 {
        self.photos_state.changes
    }

    /// The small picture of a photo; it is made when it is asked for first.
    pub(crate) fn thumbnail(&mut self, path: &PhotoPath) -> Thumbnail {
        if let Some(known) = self.photos_state.thumbnails.get(path) {
            return known.clone();
        }
        // Photos that are read for the canvas are not read once more.
        let state = &self.photos_state;
        let here = self.open.as_ref().filter(|open| open.path == *path).map(|open| &open.thumbnail);
        let kept = || state.kept.iter().find(|kept| kept.path == *path).map(|kept| &kept.thumbnail);
        let known = here.or_else(kept).cloned();
        let on_its_way = [&state.loading, &state.ahead];
        if on_its_way.into_iter().flatten().any(|(_, on_its_way)| on_its_way == path) {
            return Thumbnail::Asked;
        }
        let thumbnail = match known {
            Some(known) => known.map_or(Thumbnail::None, Thumbnail::Made),
            None => {
                if let Some(folder) = &self.folder {
                    self.loader.thumbnail(folder, path);
                }
                Thumbnail::Asked
            }
        };
        let order = &mut self.photos_state.thumbnail_order;
        order.push_back(path.clone());
        if order.len() > THUMBNAILS
            && let Some(old) = order.pop_front()
        {
            self.photos_state.thumbnails.remove(&old);
        }
        self.photos_state.thumbnails.insert(path.clone(), thumbnail.clone());
        thumbnail
    }
}

/// Whether anything of this can be opened: folders and photos.
pub(crate) fn can_be_opened(path: &Path) -> bool {
    path.is_dir() || path.file_name().is_some_and(|name| is_photo(&name.to_string_lossy()))
}

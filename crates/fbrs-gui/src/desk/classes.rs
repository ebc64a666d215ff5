//! Classes: chosen, made, renamed, merged.

use fbrs_annotation::{Color, Document, Folder, Keeper, Merge, PhotoPath, file, import};

use super::Desk;
use crate::disk::DiskEvent;

impl Desk {
    /// Chooses a class by its number key: for the object in hand, for the selected ones, or for the
    /// next.
    pub(crate) fn press_digit(&mut self, key: char) {
        match self.project.keyed(key).map(|class| class.id) {
            Some(id) => self.choose_class(Some(id)),
            None => self.remark(format!("no class has the key {key}: add one with C")),
        }
    }

    /// Gives the object in hand a class, else the selected ones, else those that come.
    pub(crate) fn choose_class(&mut self, class: Option<u32>) {
        self.class = class;
        self.drawn += 1;
        let in_hand = self.current().is_some_and(|current| !current.is_untouched());
        if self.waiting.is_some() {
            // The object in hand is as good as finished: the class is the next one's.
        } else if in_hand {
            self.change("class", |document| {
                if let Some(current) = &mut document.current {
                    current.class = class;
                }
            });
        } else {
            let chosen = self.selection().to_vec();
            self.set_class(&chosen, class);
        }
    }

    /// Gives objects a class, those that are not locked.
    pub(crate) fn set_class(&mut self, ids: &[u64], class: Option<u32>) {
        if ids.is_empty() {
            return;
        }
        self.change("class", |document| {
            for id in ids {
                document.alter(*id, |object| {
                    if !object.locked {
                        object.class = class;
                    }
                });
            }
        });
    }

    /// Chooses the class of a name; a new one where there is none.
    pub(crate) fn choose_class_named(&mut self, name: &str) {
        let name = name.trim();
        if name.is_empty() {
            return;
        }
        if self.project.named(name).is_none() && !self.may_change_classes() {
            return;
        }
        let before = self.project.clone();
        let id = self.project.id_of(name);
        if self.project != before {
            self.write_project();
        }
        self.choose_class(Some(id));
    }

    /// Whether classes can be made and changed; where not, that is said. Ids that were given without
    /// knowing the others would be given twice.
    fn may_change_classes(&mut self) -> bool {
        if !self.project_is_sound {
            self.remark("classes cannot be changed while their file is not ours to write");
        }
        self.project_is_sound
    }

    /// Gives a class another name; where another class has it, both become one.
    pub(crate) fn rename_class(&mut self, id: u32, name: &str) {
        let name = name.trim();
        if name.is_empty() || !self.may_change_classes() {
            return;
        }
        match self.project.named(name).map(|class| class.id) {
            Some(other) if other != id => self.merge_class(id, other),
            _ => {
                self.project.rename(id, name);
                self.write_project();
            }
        }
    }

    /// Gives a class another color.
    pub(crate) fn color_class(&mut self, id: u32, color: Color) {
        if let Some(class) = self.project.class_mut(id) {
            class.color = color;
            self.drawn += 1;
            self.write_project();
        }
    }

    /// Gives a class a number key.
    pub(crate) fn key_class(&mut self, id: u32, key: Option<char>) {
        self.project.set_key(id, key);
        self.write_project();
    }

    /// Takes a class out of use; its objects keep it, and it can be used again.
    pub(crate) fn remove_class(&mut self, id: u32) {
        if let Some(class) = self.project.class_mut(id) {
            class.removed = true;
            if self.class == Some(id) {
                self.class = None;
            }
            self.write_project();
        }
    }

    /// Makes all objects of one class objects of another, in every photo of the folder.
    fn merge_class(&mut self, from: u32, into: u32) {
        self.change("class", |document| merge(document, Merge { from, into }));
        if self.class == Some(from) {
            self.class = Some(into);
        }
        self.project.merges.retain(|merge| merge.from != from);
        // What was on its way to this class goes where it goes.
        for merge in self.project.merges.iter_mut().filter(|merge| merge.into == from) {
            merge.into = into;
        }
        self.project.merges.push(Merge { from, into });
        self.remove_class(from);
        self.go_on_merging();
    }

    /// Gives objects of the open photo the classes that are still being written everywhere.
    pub(super) fn merge_here(&mut self) {
        for each in self.project.merges.clone() {
            if self.read_only().is_none() {
                self.change("class", |document| merge(document, each));
            }
        }
    }

    /// Begins with the next that is not written everywhere: one after the other, as they were made.
    pub(super) fn go_on_merging(&mut self) {
        if !self.project_is_sound || self.is_importing || self.merging.is_some() {
            return;
        }
        let next = self.project.merges.iter().find(|merge| !self.merges_left.contains(merge));
        if let Some(merge) = next.copied() {
            self.merging = Some(merge);
            self.write_merged(merge);
        }
    }

    /// Of another folder from here on.
    pub(super) fn forget_merging(&mut self) {
        (self.merging, self.merges_left) = (None, Vec::new());
    }

    /// What could not be written is left for the next time that the folder is opened.
    pub(super) fn merged(
        &mut self,
        folder: &Folder,
        merge: Merge,
        left: Result<Vec<PhotoPath>, String>,
    ) {
        if self.folder.as_ref().is_none_or(|known| known.root() != folder.root()) {
            return;
        }
        self.merging = None;
        // The photo that was opened in the meantime was changed then.
        let open = self.open.as_ref().filter(|open| open.read_only.is_none());
        let is_left = |photo: &PhotoPath| open.is_none_or(|open| open.path != *photo);
        let problem = left.map(|photos| {
            let mut photos = photos.into_iter().filter(is_left);
            let first = photos.next()?;
            let (first, more) = (fbrs_data::text::printable(first.as_str()), photos.count());
            Some(match more {
                0 => format!("{first} could not be written"),
                more => format!("{first} and {more} more could not be written"),
            })
        });
        match problem.unwrap_or_else(Some) {
            Some(problem) => {
                self.merges_left.push(merge);
                self.remark(format!(
                    "{problem}: objects there keep the class that is out of use until the folder is \
                     opened again"
                ));
            }
            None => {
                self.project.merges.retain(|known| *known != merge);
                self.write_project();
            }
        }
        self.go_on_merging();
    }

    fn write_merged(&self, merge: Merge) {
        let open = self.open.as_ref().map(|open| open.path.clone());
        if let Some(folder) = self.folder.clone() {
            // One by one between other writes: nobody else opens a document meanwhile, clicks go on.
            let (say, write) = (self.disk.teller(), self.disk.between_writes());
            let work = move || {
                // All of the folder, whatever is listed.
                let photos = match folder.photos() {
                    Ok(photos) => photos,
                    Err(error) => {
                        let left = Err(error.to_string());
                        return say(DiskEvent::Merged { folder, merge, left });
                    }
                };
                let mut left = Vec::new();
                for photo in photos.into_iter().filter(|photo| Some(photo) != open.as_ref()) {
                    let (of, own) = (folder.clone(), photo.clone());
                    match write(Box::new(move || merge_in(&of, &own, merge))) {
                        Some(true) => {}
                        Some(false) => left.push(photo),
                        None => return,
                    }
                }
                say(DiskEvent::Merged { folder, merge, left: Ok(left) });
            };
            std::thread::spawn(work);
        }
    }

    /// Keeps classes and settings of the folder.
    pub(super) fn write_project(&mut self) {
        self.drawn += 1;
        let is_ours = self.project_is_sound && !self.is_importing;
        if let (Some(folder), true) = (&self.folder, is_ours) {
            self.disk.write_project(folder.project(), self.project.clone());
        }
    }
}

/// Gives what is of one class another.
fn merge(document: &mut Document, Merge { from, into }: Merge) {
    let of_it = document.objects.iter().filter(|object| object.class == Some(from));
    let ids: Vec<_> = of_it.map(|object| object.id).collect();
    for id in ids {
        document.alter(id, |object| object.class = Some(into));
    }
    if let Some(current) = document.current.as_mut().filter(|c| c.class == Some(from)) {
        current.class = Some(into);
    }
}

/// Another photo's objects; `false` where somebody else works on it, or it cannot be read or written.
fn merge_in(folder: &Folder, photo: &PhotoPath, each: Merge) -> bool {
    let path = folder.document(photo);
    let journal = path.with_extension("journal");
    if !path.exists() && !journal.exists() {
        return true;
    }
    let record = match file::read(&path) {
        Ok(known) => known.document().photo.clone(),
        // A journal alone: the photo says what it is of.
        Err(_) => match import::record(&folder.photo(photo)) {
            Ok(record) => record,
            Err(_) => return false,
        },
    };
    let Ok(mut opened) = Keeper::open(&path, &record) else { return false };
    let line = opened.annotation.change("class", |document| merge(document, each));
    let Some(line) = line else { return true };
    opened.keeper.read_only().is_none()
        && opened.keeper.append(&line).is_ok()
        && opened.keeper.save(&opened.annotation).is_ok()
}

//! Classes: chosen, made, renamed, merged.

use fbrs_annotation::{Color, Folder, Keeper, PhotoPath, file};

use super::Desk;

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
        if in_hand {
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

    /// Gives objects a class.
    pub(crate) fn set_class(&mut self, ids: &[u64], class: Option<u32>) {
        if ids.is_empty() {
            return;
        }
        self.change("class", |document| {
            for id in ids {
                document.alter(*id, |object| object.class = class);
            }
        });
    }

    /// Chooses the class of a name; a new one where there is none.
    pub(crate) fn choose_class_named(&mut self, name: &str) {
        let name = name.trim();
        if name.is_empty() {
            return;
        }
        let before = self.project.clone();
        let id = self.project.id_of(name);
        if self.project != before {
            self.write_project();
        }
        self.choose_class(Some(id));
    }

    /// Gives a class another name; where another class has it, both become one.
    pub(crate) fn rename_class(&mut self, id: u32, name: &str) {
        let name = name.trim();
        if name.is_empty() {
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
        let ids: Vec<_> = self
            .document()
            .into_iter()
            .flat_map(|document| &document.objects)
            .filter(|object| object.class == Some(from))
            .map(|object| object.id)
            .collect();
        self.set_class(&ids, Some(into));
        if self.class == Some(from) {
            self.class = Some(into);
        }
        self.remove_class(from);
        let open = self.open.as_ref().map(|open| open.path.clone());
        let photos: Vec<_> = self
            .photos
            .iter()
            .map(|item| item.path.clone())
            .filter(|p| Some(p) != open.as_ref())
            .collect();
        if let Some(folder) = self.folder.clone() {
            self.disk.work(move || {
                photos.iter().for_each(|photo| merge_in(&folder, photo, from, into));
            });
        }
    }

    /// Keeps classes and settings of the folder.
    pub(super) fn write_project(&mut self) {
        self.drawn += 1;
        if let (Some(folder), true) = (&self.folder, self.project_is_sound) {
            self.disk.write_project(folder.project(), self.project.clone());
        }
    }
}

/// Another photo's objects. One that somebody else works on, or that cannot be read, is left alone:
/// its objects keep a class that is out of use, and no pixel changes.
fn merge_in(folder: &Folder, photo: &PhotoPath, from: u32, into: u32) {
    let path = folder.document(photo);
    let Ok(known) = file::read(&path) else { return };
    let is_of_it = known.document().objects.iter().any(|object| object.class == Some(from));
    let journal = path.with_extension("journal").exists();
    if !is_of_it && !journal {
        return;
    }
    let Ok(mut opened) = Keeper::open(&path, &known.document().photo.clone()) else { return };
    let line = opened.annotation.change("class", |document| {
        let ids: Vec<_> = document.objects.iter().map(|object| object.id).collect();
        for id in ids {
            document.alter(id, |object| {
                if object.class == Some(from) {
                    object.class = Some(into);
                }
            });
        }
    });
    if let Some(line) = line {
        let _ = opened.keeper.append(&line);
        let _ = opened.keeper.save(&opened.annotation);
    }
}

//! Classes as exports have them: every object has one.

use crate::document::Object;
use crate::project::Project;

/// What objects without a class are called.
pub(crate) const UNNAMED: &str = "object";

/// The project's classes, and one for objects that have none.
#[derive(Debug)]
pub(super) struct Classes<'a> {
    project: &'a Project,
    unnamed: u32,
    /// Whether the class for objects without one is not in the project.
    is_unnamed_new: bool,
    is_unnamed_used: bool,
}

/// A class as an export has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OfObject<'a> {
    pub(super) id: u32,
    pub(super) name: &'a str,
    /// Whether the object itself has none.
    pub(super) is_given: bool,
}

impl<'a> Classes<'a> {
    pub(super) fn of(project: &'a Project) -> Self {
        let known = project.classes.iter().find(|class| class.name == UNNAMED);
        let largest = project.classes.iter().map(|class| class.id).max().unwrap_or(0);
        let unnamed = known.map_or(largest.saturating_add(1), |class| class.id);
        Self { project, unnamed, is_unnamed_new: known.is_none(), is_unnamed_used: false }
    }

    pub(super) fn of_object(&mut self, object: &Object) -> OfObject<'a> {
        match object.class.and_then(|id| self.project.class(id)) {
            Some(class) => OfObject { id: class.id, name: &class.name, is_given: false },
            None => {
                self.is_unnamed_used = true;
                OfObject { id: self.unnamed, name: UNNAMED, is_given: true }
            }
        }
    }

    /// All classes that are in use, by id.
    pub(super) fn in_use(&self) -> Vec<(u32, &'a str)> {
        let classes = self.project.classes.iter();
        let named = classes.map(|class| (class.id, class.name.as_str()));
        let unnamed = self.is_unnamed_used && self.is_unnamed_new;
        let mut all: Vec<_> = named.chain(unnamed.then_some((self.unnamed, UNNAMED))).collect();
        all.sort_unstable();
        all
    }

    /// A name for each id from 1 to the largest; classes that were removed keep their place.
    pub(super) fn by_place(&self) -> Vec<String> {
        let classes = self.in_use();
        let largest = classes.last().map_or(0, |(id, _)| *id);
        let mut names: Vec<_> = (1..=largest).map(|id| format!("class {id}")).collect();
        for (id, name) in classes {
            let place = id.checked_sub(1).and_then(|place| names.get_mut(place as usize));
            if let Some(place) = place {
                // A name is a line.
                *place = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            }
        }
        names
    }

    /// The largest id.
    pub(super) fn largest(&self) -> u32 {
        self.in_use().last().map_or(0, |(id, _)| *id)
    }
}

//! Objects: clicked, finished, selected, gone on with.

use fbrs::{Click, ImageSpace, Position, Sign};
use fbrs_annotation::{Current, Mask, Object};

use super::{Action, Desk, Hand, Remedy};

type Place = Position<ImageSpace>;

/// What becomes of the object in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// It is an object of its own.
    Object,
    /// It is cut from the selected ones.
    Cut,
    /// It is joined to the selected one.
    Join,
    /// It is finished so that something else can be done.
    For(Action),
}

impl Desk {
    /// A click on the photo.
    pub(crate) fn click(&mut self, at: Place, sign: Sign) {
        let is_inside = self.open.as_ref().is_some_and(|open| at.is_inside(open.photo.size()));
        if !is_inside {
            return;
        }
        if self.waiting.is_some() {
            // The object in hand is as good as finished: this click is the next one's.
            self.later.push(Click { position: at, sign });
            self.drawn += 1;
            return;
        }
        let class = self.class;
        let options = serde_json::to_value(&self.options).unwrap_or_default();
        self.change("click", |document| {
            let current = document.current.get_or_insert_with(|| Current {
                class,
                options: options.clone(),
                ..Current::default()
            });
            if current.is_untouched() {
                current.options = options;
            }
            current.clicks.push(Click { position: at, sign });
        });
    }

    fn alter_clicks(&mut self, op: &str, change: impl FnOnce(&mut Vec<Click<ImageSpace>>)) {
        self.waiting = None;
        self.later.clear();
        self.change(op, |document| {
            if let Some(current) = &mut document.current {
                change(&mut current.clicks);
            }
        });
    }

    /// Moves a click of the object in hand.
    pub(crate) fn move_click(&mut self, index: usize, to: Place) {
        let is_inside = self.open.as_ref().is_some_and(|open| to.is_inside(open.photo.size()));
        if is_inside {
            self.alter_clicks("move", |clicks| {
                clicks.iter_mut().skip(index).take(1).for_each(|click| click.position = to);
            });
        }
    }

    /// Turns a click of the object in hand around.
    pub(crate) fn flip_click(&mut self, index: usize) {
        self.alter_clicks("flip", |clicks| {
            let one = clicks.iter_mut().skip(index).take(1);
            one.for_each(|click| click.sign = click.sign.opposite());
        });
    }

    /// Takes a click of the object in hand away.
    pub(crate) fn remove_click(&mut self, index: usize) {
        self.alter_clicks("remove", |clicks| {
            if index < clicks.len() {
                clicks.remove(index);
            }
        });
    }

    /// Forgets the object in hand.
    pub(crate) fn reset(&mut self) {
        self.waiting = None;
        self.later.clear();
        self.change("reset", |document| document.current = None);
    }

    /// Esc: gives up, one thing after the other, what is being drawn, what is being answered, the
    /// hand, the selection.
    pub(crate) fn cancel(&mut self) {
        let drawing = match &self.hand {
            Hand::Click => false,
            Hand::Polygon { corners, .. } => !corners.is_empty(),
            Hand::Brush { stroke, .. } => !stroke.is_empty(),
        };
        if drawing {
            self.drop_stroke();
        } else if self.answer.is_busy {
            self.call_off();
        } else if self.hand != Hand::Click {
            self.hand = Hand::Click;
        } else {
            self.select(None, false);
        }
    }

    /// Finishes the object in hand, when all of its clicks are answered.
    pub(super) fn finish(&mut self, how: Finish) {
        if self.current().is_none_or(Current::is_untouched) {
            match how {
                Finish::For(action) => self.act(action),
                _ => self.remark("there is nothing to finish: click on an object first"),
            }
            return;
        }
        if !self.is_settled() {
            if self.ready.is_none() && self.loading_weights.is_none() {
                self.problem(
                    "no weights are loaded: nothing can be answered",
                    Some(Remedy::BuiltIn),
                );
            } else if self.answer.is_busy {
                // Done as soon as the last click is answered.
                self.waiting = Some(how);
            } else {
                // It was given up, or called off: once more, and then it is finished.
                self.waiting = Some(how);
                self.ask();
            }
            return;
        }
        let Some(mask) = self.answer.mask.clone() else { return };
        if mask.is_empty() {
            self.remark("nothing is marked: click on the object, or reset the clicks");
            return;
        }
        match how {
            Finish::Object => {
                self.finish_object(mask);
                // A class that is chosen now is the next object's.
                self.select(None, false);
            }
            Finish::Cut => self.cut(&mask),
            Finish::Join => self.join(&mask),
            Finish::For(action) => {
                let before = self.selection().to_vec();
                let Some(finished) = self.finish_object(mask) else { return };
                if action == Action::Reopen {
                    // The one that was asked for, not the one that was in the way.
                    self.select(None, false);
                    before.into_iter().for_each(|id| self.select(Some(id), true));
                } else {
                    // What is drawn next is drawn on it.
                    self.select(Some(finished), false);
                }
                self.act(action);
            }
        }
    }

    pub(super) fn finish_what_waits(&mut self) {
        if let Some(how) = self.waiting.take() {
            self.finish(how);
            for click in std::mem::take(&mut self.later) {
                self.click(click.position, click.sign);
            }
        }
    }

    /// Returns the id of the object.
    fn finish_object(&mut self, mask: Mask) -> Option<u64> {
        let current = self.current().cloned()?;
        if self.document().is_none_or(|document| document.size() != mask.size()) {
            return None;
        }
        let origin = self.origin(&current);
        let kept = match self.settings.keep_out {
            true => self.kept_out(&mask, current.object),
            false => mask.clone(),
        };
        if kept.is_empty() {
            self.remark("other objects have all of this already (“keep out of others” is on)");
            return None;
        }
        let mut finished = None;
        self.change("finish", |document| {
            let known = current.object.and_then(|id| document.object(id));
            let Current { class, start, parts, clicks, .. } = current.clone();
            let mut object = known.map_or_else(
                || Object::drawn(Mask::empty(mask.size()), None),
                |known| (**known).clone(),
            );
            object.edited = kept != mask;
            object.mask = kept;
            (object.class, object.start, object.parts, object.clicks) =
                (class, start, parts, clicks);
            object.origin = origin;
            finished = Some(document.put(object));
            document.current = None;
        });
        if finished.is_some() && !self.settings.hints_done {
            self.settings.hints_done = true;
            self.keep_settings();
        }
        finished
    }

    /// What of a mask no object but one has.
    fn kept_out(&self, mask: &Mask, but: Option<u64>) -> Mask {
        let (Some(document), Some(bounds)) = (self.document(), mask.bounds()) else {
            return mask.clone();
        };
        let others = document.objects.iter().filter(|object| Some(object.id) != but);
        let near = others.filter(|object| {
            object.mask.bounds().is_some_and(|other| {
                let apart = other.bottom() < bounds.top()
                    || other.top() > bounds.bottom()
                    || other.right() < bounds.left()
                    || other.left() > bounds.right();
                !apart
            })
        });
        near.fold(mask.clone(), |kept, other| kept.without(&other.mask))
    }

    fn cut(&mut self, mask: &Mask) {
        let chosen = self.changeable();
        if chosen.is_empty() {
            self.remark("select the objects that this is to be cut from (Ctrl+click, or J)");
            return;
        }
        let mut emptied = false;
        self.change("cut", |document| {
            for id in chosen {
                document.alter(id, |object| {
                    let rest = object.mask.without(mask);
                    if rest.is_empty() {
                        emptied = true;
                    } else if rest != object.mask {
                        (object.mask, object.edited) = (rest, true);
                    }
                });
            }
            document.current = None;
        });
        if emptied {
            self.remark("an object that would have been left without a pixel was left as it was");
        }
    }

    fn join(&mut self, mask: &Mask) {
        let Some(id) = self.changeable().last().copied() else {
            self.remark("select the object that this is to be joined to (Ctrl+click, or J)");
            return;
        };
        self.change("join", |document| {
            document.alter(id, |object| {
                (object.mask, object.edited) = (object.mask.union(mask), true);
            });
            document.current = None;
        });
    }

    /// Finishes a part of the object in hand: the next clicks begin another part of the same object.
    pub(super) fn finish_part(&mut self) {
        let has_clicks = self.current().is_some_and(|current| !current.clicks.is_empty());
        if !has_clicks {
            self.remark("there is no part to finish: click first");
            return;
        }
        self.change("part", |document| {
            if let Some(current) = &mut document.current {
                let clicks = std::mem::take(&mut current.clicks);
                current.parts.push(clicks);
            }
        });
    }

    /// Goes on with a finished object: from its clicks where they still give its mask, else from the
    /// mask itself.
    pub(super) fn go_on(&mut self) {
        let Some(id) = self.selection().last().copied() else {
            self.remark("select the object to go on with (Ctrl+click, or J)");
            return;
        };
        if self.current().is_some_and(|current| !current.is_untouched()) {
            return self.finish(Finish::For(Action::Reopen));
        }
        let Some(object) = self.document().and_then(|document| document.object(id)).cloned() else {
            return;
        };
        if object.locked {
            self.remark("this object is locked: unlock it in the list first");
            return;
        }
        let now = self.ready.as_ref().and_then(|ready| ready.fingerprint);
        let known = object.origin.weights.as_ref();
        let same_weights =
            now.is_some_and(|now| known.is_some_and(|known| known.sha256 == now.to_string()));
        let from_clicks =
            object.click_count() > 0 && !object.edited && same_weights && object.origin.repeatable;
        let own = serde_json::to_value(&self.options).unwrap_or_default();
        let current = match from_clicks {
            true => Current {
                object: Some(id),
                class: object.class,
                start: object.start.clone(),
                parts: object.parts.clone(),
                clicks: object.clicks.clone(),
                options: object.origin.options.clone(),
                threshold: object.origin.threshold,
                ..Current::default()
            },
            false => Current {
                object: Some(id),
                class: object.class,
                start: Some(object.mask.clone()),
                options: own,
                ..Current::default()
            },
        };
        self.change("reopen", |document| document.current = Some(current));
    }

    /// Deletes the selected objects.
    pub(super) fn delete_selected(&mut self) {
        let chosen = self.changeable();
        if chosen.len() < self.selection().len() {
            self.remark("locked objects are not deleted: unlock them in the list first");
        }
        self.change("delete", |document| {
            for id in &chosen {
                document.remove(*id);
                if document.current.as_ref().is_some_and(|current| current.object == Some(*id)) {
                    document.current = None;
                }
            }
        });
        self.keep_selection();
    }

    /// The selected objects, in the order in which they were selected.
    pub(crate) fn selection(&self) -> &[u64] {
        self.open.as_ref().map_or(&[], |open| &open.selected)
    }

    /// Selected objects that are not locked.
    fn changeable(&self) -> Vec<u64> {
        let Some(document) = self.document() else { return Vec::new() };
        let is_free = |id: &&u64| document.object(**id).is_some_and(|object| !object.locked);
        self.selection().iter().filter(is_free).copied().collect()
    }

    /// Selects an object, alone or beside others; `None` selects nothing.
    pub(crate) fn select(&mut self, id: Option<u64>, beside: bool) {
        let Some(open) = &mut self.open else { return };
        self.drawn += 1;
        match id {
            None => open.selected.clear(),
            Some(id) if beside && open.selected.contains(&id) => {
                open.selected.retain(|known| *known != id);
            }
            Some(id) => {
                if !beside {
                    open.selected.clear();
                }
                open.selected.push(id);
            }
        }
    }

    /// Drops objects from the selection that are gone.
    pub(super) fn keep_selection(&mut self) {
        if let Some(open) = &mut self.open
            && let Some(annotation) = &open.annotation
        {
            open.selected.retain(|id| annotation.document().object(*id).is_some());
        }
    }

    /// Selects the next object in the list, or the one before.
    pub(super) fn select_beside(&mut self, step: isize) {
        let Some(document) = self.document() else { return };
        let ids: Vec<_> = document.objects.iter().map(|object| object.id).collect();
        let Some(last) = ids.len().checked_sub(1) else { return };
        let now = self.selection().last().and_then(|id| ids.iter().position(|known| known == id));
        let next = match (now, step) {
            (None, 1..) => last,
            (None, _) => 0,
            (Some(0), ..=-1) => last,
            (Some(place), ..=-1) => place - 1,
            (Some(place), _) => (place + 1) % ids.len(),
        };
        self.select(ids.get(next).copied(), false);
    }

    /// The topmost object at a place that can be seen.
    pub(crate) fn object_at(&self, at: Place) -> Option<u64> {
        let objects = &self.document()?.objects;
        let hit = |object: &&std::sync::Arc<Object>| object.visible && object.mask.holds(at);
        objects.iter().rev().find(hit).map(|object| object.id)
    }

    /// Selects the topmost object at a place.
    pub(crate) fn select_at(&mut self, at: Place, beside: bool) {
        self.select(self.object_at(at), beside);
    }
}

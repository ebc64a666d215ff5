//! Masks drawn by hand, and what objects are besides their masks.

use fbrs::{ImageSpace, Position};
use fbrs_annotation::{Mask, Object, shape};

use super::objects::Finish;
use super::{Action, Desk, Hand};

type Place = Position<ImageSpace>;

/// Pixels of the smallest and of the largest brush.
const BRUSHES: std::ops::RangeInclusive<f64> = 0.5..=2000.0;

impl Desk {
    /// Does what a key or a button says.
    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Finish => self.finish(Finish::Object),
            Action::FinishPart => self.finish_part(),
            Action::Cut => self.finish(Finish::Cut),
            Action::Join => self.finish(Finish::Join),
            Action::SelectNext => self.select_beside(1),
            Action::SelectPrevious => self.select_beside(-1),
            Action::Reopen => self.go_on(),
            Action::Delete => self.delete_selected(),
            Action::Raise => self.move_selected(true),
            Action::Lower => self.move_selected(false),
            Action::Undo => self.undo(),
            Action::Redo => self.redo(),
            Action::Reset => self.reset(),
            Action::Cancel => self.cancel(),
            Action::Polygon => {
                self.take(Hand::Polygon { corners: Vec::new(), cuts: false }, action)
            }
            Action::PolygonCut => {
                self.take(Hand::Polygon { corners: Vec::new(), cuts: true }, action)
            }
            Action::Brush => self.take(Hand::Brush { stroke: Vec::new(), erases: false }, action),
            Action::Eraser => self.take(Hand::Brush { stroke: Vec::new(), erases: true }, action),
            Action::BrushSmaller => self.size_brush(1.0 / 1.25),
            Action::BrushLarger => self.size_brush(1.25),
            Action::Close => self.close_polygon(),
            Action::Previous => self.go(-1),
            Action::Next => self.go(1),
            Action::NextUnfinished => self.go_unfinished(1),
            Action::PreviousUnfinished => self.go_unfinished(-1),
            Action::DoneAndNext => self.done_and_next(),
            Action::ToggleDone => self.toggle_done(),
            Action::HideOthers => {
                self.hides_others = !self.hides_others;
                self.drawn += 1;
                let has_one = !self.selection().is_empty()
                    || self.current().is_some_and(|current| !current.is_untouched());
                if self.hides_others && !has_one {
                    let keys = self.keys.text(Action::HideOthers);
                    self.remark(format!(
                        "all objects are hidden: none is selected. {keys} shows them"
                    ));
                }
            }
            Action::Outlines => {
                self.settings.outlines = !self.settings.outlines;
                self.drawn += 1;
                self.keep_settings();
            }
            Action::Save => self.save(),
            // These are the window's own.
            Action::SearchClass
            | Action::FlipClick
            | Action::Pointer
            | Action::PointPositive
            | Action::PointNegative
            | Action::ZoomIn
            | Action::ZoomOut
            | Action::Fit
            | Action::Natural
            | Action::PanUp
            | Action::PanDown
            | Action::PanLeft
            | Action::PanRight
            | Action::Export
            | Action::Import
            | Action::OpenPhoto
            | Action::OpenFolder
            | Action::KeySheet => {}
        }
    }

    /// Takes another hand, or lays it down where it is the same; an object in hand is finished first,
    /// because masks are drawn after the clicks.
    fn take(&mut self, hand: Hand, action: Action) {
        let is_same = match (&self.hand, &hand) {
            (Hand::Polygon { cuts: a, .. }, Hand::Polygon { cuts: b, .. }) => a == b,
            (Hand::Brush { erases: a, .. }, Hand::Brush { erases: b, .. }) => a == b,
            _ => false,
        };
        if is_same {
            self.hand = Hand::Click;
            return;
        }
        if self.current().is_some_and(|current| !current.is_untouched()) {
            return self.finish(Finish::For(action));
        }
        let removes =
            matches!(hand, Hand::Polygon { cuts: true, .. } | Hand::Brush { erases: true, .. });
        if removes && self.selection().is_empty() {
            self.remark("select the object to take away from (Ctrl+click, or J)");
            return;
        }
        self.hand = hand;
    }

    fn size_brush(&mut self, factor: f64) {
        let radius = self.settings.brush_radius * factor;
        self.settings.brush_radius = radius.clamp(*BRUSHES.start(), *BRUSHES.end());
        self.keep_settings();
    }

    /// A corner of the polygon that is being drawn.
    pub(crate) fn corner(&mut self, at: Place) {
        if let Hand::Polygon { corners, .. } = &mut self.hand {
            corners.push(at);
        }
    }

    /// Makes the polygon that is being drawn a mask.
    pub(crate) fn close_polygon(&mut self) {
        let Hand::Polygon { corners, cuts } = &mut self.hand else { return };
        let (corners, cuts) = (std::mem::take(corners), *cuts);
        if corners.is_empty() {
            return;
        }
        let Some(size) = self.document().map(fbrs_annotation::Document::size) else { return };
        let drawn = shape::polygon(size, &corners);
        if drawn.is_empty() {
            self.remark("this polygon holds no pixel");
        } else {
            self.draw(if cuts { "polygon cut" } else { "polygon" }, &drawn, cuts);
        }
    }

    /// Goes on with a stroke of the brush.
    pub(crate) fn stroke(&mut self, at: Place) {
        if let Hand::Brush { stroke, .. } = &mut self.hand
            && stroke.last() != Some(&at)
        {
            stroke.push(at);
        }
    }

    /// Ends a stroke of the brush.
    pub(crate) fn end_stroke(&mut self) {
        let radius = self.settings.brush_radius;
        let Hand::Brush { stroke, erases } = &mut self.hand else { return };
        let (stroke, erases) = (std::mem::take(stroke), *erases);
        if stroke.is_empty() {
            return;
        }
        let Some(size) = self.document().map(fbrs_annotation::Document::size) else { return };
        let drawn = shape::stroke(size, &stroke, radius);
        self.draw(if erases { "erase" } else { "brush" }, &drawn, erases);
    }

    /// Adds to the selected object, or takes away from it; with none, what is drawn is a new object.
    fn draw(&mut self, op: &str, drawn: &Mask, removes: bool) {
        let chosen = self.selection().last().copied();
        let Some(id) = chosen else {
            if !removes && !drawn.is_empty() {
                let class = self.class;
                let mut made = None;
                self.change(op, |document| {
                    made = Some(document.put(Object::drawn(drawn.clone(), class)));
                });
                self.select(made, false);
            }
            return;
        };
        let object = self.document().and_then(|document| document.object(id));
        let Some(object) = object else { return };
        if object.locked {
            self.remark("this object is locked: unlock it in the list first");
            return;
        }
        let mask = match removes {
            true => object.mask.without(drawn),
            false => object.mask.union(drawn),
        };
        if mask.is_empty() {
            self.remark("nothing would be left: delete the object instead");
            return;
        }
        if mask != object.mask {
            self.change(op, |document| {
                document.alter(id, |object| (object.mask, object.edited) = (mask, true));
            });
        }
    }

    /// Moves the selected objects to the top of the list, or to its bottom.
    fn move_selected(&mut self, up: bool) {
        let chosen = self.selection().to_vec();
        self.change("order", |document| {
            let (mut moved, rest): (Vec<_>, Vec<_>) =
                document.objects.drain(..).partition(|object| chosen.contains(&object.id));
            document.objects = match up {
                true => rest.into_iter().chain(moved).collect(),
                false => {
                    moved.extend(rest);
                    moved
                }
            };
        });
    }

    /// Moves an object to a place in the list, counted from the lowest.
    pub(crate) fn place_object(&mut self, id: u64, to: usize) {
        self.change("order", |document| {
            if let Some(object) = document.remove(id) {
                let to = to.min(document.objects.len());
                document.objects.insert(to, object);
            }
        });
    }

    /// Shows or hides an object.
    pub(crate) fn set_visible(&mut self, id: u64, visible: bool) {
        let op = if visible { "show" } else { "hide" };
        self.change(op, |document| {
            document.alter(id, |object| object.visible = visible);
        });
    }

    /// Makes an object safe from changes, or not.
    pub(crate) fn set_locked(&mut self, id: u64, locked: bool) {
        let op = if locked { "lock" } else { "unlock" };
        self.change(op, |document| {
            document.alter(id, |object| object.locked = locked);
        });
    }

    /// Calls an object something.
    pub(crate) fn name_object(&mut self, id: u64, name: &str) {
        self.change("name", |document| {
            document.alter(id, |object| name.clone_into(&mut object.name));
        });
    }
}

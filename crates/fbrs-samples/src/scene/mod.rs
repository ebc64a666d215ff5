//! What is labelled in a crop.

mod table;

use std::collections::HashMap;

use fbrs_clicks::Size;
use fbrs_data::training::LabelledPhoto;

pub(crate) use self::table::Table;
use self::table::{Class, Node, looking_up, of_at_least};
use crate::augment::Geometry;
use crate::options::{SampleOptions, Unlabelled};

/// What is labelled in a crop, and which of it may be a target.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    size: Size,
    layers: Vec<Vec<Class>>,
    ignored: Vec<bool>,
    nodes: Vec<Node>,
    areas: Vec<usize>,
    /// Objects with enough pixels, in their order.
    eligible: Vec<usize>,
}

impl Scene {
    pub(crate) fn new(
        labelled: &LabelledPhoto,
        table: &Table,
        geometry: &Geometry,
        options: &SampleOptions,
    ) -> Self {
        let places = geometry.labels();
        let layers: Vec<Vec<Class>> = labelled
            .layers
            .iter()
            .zip(&table.layers)
            .map(|(layer, classes)| classes_of(layer.as_raw(), classes, &places))
            .collect();
        let are_margins_ignored = options.margins == Unlabelled::Ignored;
        let mut ignored: Vec<bool> =
            places.iter().map(|place| are_margins_ignored && place.is_none()).collect();
        for layer in &layers {
            for (ignored, class) in ignored.iter_mut().zip(layer) {
                *ignored |= *class == Class::Ignored;
            }
        }
        let mut areas = vec![0; table.nodes.len()];
        for class in counted(&layers, &ignored) {
            if let Class::Object(index) = class
                && let Some(area) = areas.get_mut(index as usize)
            {
                *area += 1;
            }
        }
        let mut scene = Self {
            size: geometry.crop(),
            layers,
            ignored,
            nodes: table.nodes.clone(),
            areas,
            eligible: Vec::new(),
        };
        scene.choose_eligible(options);
        scene
    }

    fn choose_eligible(&mut self, options: &SampleOptions) {
        self.eligible = of_at_least(&self.areas, options.min_object_area.max(1));
        let mut is_eligible = vec![false; self.nodes.len()];
        for object in &self.eligible {
            if let Some(is_eligible) = is_eligible.get_mut(*object) {
                *is_eligible = true;
            }
        }
        for object in
            (0..self.nodes.len()).filter(|object| !is_eligible.get(*object).is_some_and(|is| *is))
        {
            self.take_out(object);
        }
        if options.small_objects == Unlabelled::Ignored {
            self.ignore_small(&is_eligible);
        }
    }

    /// Hands an object's children to its parent.
    fn take_out(&mut self, object: usize) {
        let Some(node) = self.nodes.get_mut(object) else { return };
        let (parent, children) = (node.parent.take(), std::mem::take(&mut node.children));
        for child in &children {
            if let Some(child) = self.nodes.get_mut(*child) {
                child.parent = parent;
            }
        }
        if let Some(parent) = parent.and_then(|parent| self.nodes.get_mut(parent)) {
            parent.children.retain(|child| *child != object);
            parent.children.extend(children);
        }
    }

    /// Pixels of small objects are ignored where they belong to no other object: of a large one that a small
    /// one is part of, they say that it is there.
    fn ignore_small(&mut self, is_eligible: &[bool]) {
        let mut small = vec![false; self.ignored.len()];
        let mut large = vec![false; self.ignored.len()];
        for layer in &self.layers {
            for ((class, small), large) in layer.iter().zip(&mut small).zip(&mut large) {
                if let Class::Object(index) = class {
                    let is_eligible = is_eligible.get(*index as usize).is_some_and(|is| *is);
                    *large |= is_eligible;
                    *small |= !is_eligible;
                }
            }
        }
        for ((ignored, small), large) in self.ignored.iter_mut().zip(small).zip(large) {
            *ignored |= small && !large;
        }
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// Whether any object has a pixel, be it too small to be a target.
    pub(crate) fn has_object(&self) -> bool {
        self.areas.iter().any(|area| *area > 0)
    }

    /// Objects that may be targets.
    pub(crate) fn eligible(&self) -> &[usize] {
        &self.eligible
    }

    /// Those of them that are part of no other.
    pub(crate) fn roots(&self) -> Vec<usize> {
        self.eligible.iter().copied().filter(|object| self.parent(*object).is_none()).collect()
    }

    pub(crate) fn parent(&self, object: usize) -> Option<usize> {
        self.nodes.get(object).and_then(|node| node.parent)
    }

    pub(crate) fn children(&self, object: usize) -> &[usize] {
        self.nodes.get(object).map_or(&[], |node| &node.children)
    }

    pub(crate) fn area(&self, object: usize) -> usize {
        self.areas.get(object).copied().unwrap_or(0)
    }

    pub(crate) fn ignored(&self) -> &[bool] {
        &self.ignored
    }

    /// The pixels of an object that are not ignored.
    pub(crate) fn mask(&self, object: usize) -> Vec<bool> {
        let class = Class::Object(object as u32);
        let pixels = self.layer(object).iter().zip(&self.ignored);
        pixels.map(|(found, is_ignored)| *found == class && !is_ignored).collect()
    }

    /// The pixels of any object, too small ones included, that are not ignored.
    pub(crate) fn occupied(&self) -> Vec<bool> {
        let mut occupied = vec![false; self.ignored.len()];
        for layer in &self.layers {
            for ((occupied, class), is_ignored) in occupied.iter_mut().zip(layer).zip(&self.ignored)
            {
                *occupied |= matches!(class, Class::Object(_)) && !is_ignored;
            }
        }
        occupied
    }

    fn layer(&self, object: usize) -> &[Class] {
        let layer = self.nodes.get(object).and_then(|node| self.layers.get(node.layer));
        layer.map_or(&[], Vec::as_slice)
    }
}

fn classes_of(values: &[u16], classes: &HashMap<u16, Class>, places: &[Option<u32>]) -> Vec<Class> {
    let mut class = looking_up(classes);
    let mut class_at = |place: u32| values.get(place as usize).map(|value| class(*value));
    let class = |place: &Option<u32>| place.and_then(&mut class_at).unwrap_or(Class::Background);
    places.iter().map(class).collect()
}

/// The pixels of all layers that are not ignored.
fn counted<'a>(layers: &'a [Vec<Class>], ignored: &'a [bool]) -> impl Iterator<Item = Class> + 'a {
    let pixels = layers.iter().flat_map(move |layer| layer.iter().zip(ignored));
    pixels.filter(|(_, is_ignored)| !**is_ignored).map(|(class, _)| *class)
}

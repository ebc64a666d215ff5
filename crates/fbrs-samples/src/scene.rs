//! What is labelled in a crop.

use std::collections::HashMap;

use fbrs_clicks::Size;
use fbrs_data::training::LabelledPhoto;
use rand::Rng;

use crate::augment::Geometry;
use crate::options::{SampleOptions, Unlabelled};
use crate::stream::Draw;

/// What a pixel of a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Background,
    Ignored,
    /// By its index in [`LabelledPhoto::objects`].
    Object(u32),
}

/// What the values of each layer mean.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    layers: Vec<HashMap<u16, Class>>,
    nodes: Vec<Node>,
}

/// An object's place among those that it is part of.
#[derive(Debug, Clone, Default)]
struct Node {
    layer: usize,
    parent: Option<usize>,
    children: Vec<usize>,
}

impl Table {
    pub(crate) fn new(labelled: &LabelledPhoto) -> Self {
        let mut layers = vec![HashMap::new(); labelled.layers.len()];
        for region in &labelled.ignored {
            if let Some(layer) = layers.get_mut(region.layer) {
                layer.insert(region.value, Class::Ignored);
            }
        }
        let mut nodes = Vec::with_capacity(labelled.objects.len());
        for (index, object) in (0u32..).zip(&labelled.objects) {
            if let Some(layer) = layers.get_mut(object.region.layer) {
                layer.insert(object.region.value, Class::Object(index));
            }
            nodes.push(Node {
                layer: object.region.layer,
                parent: object.parent,
                children: object.children.clone(),
            });
        }
        Self { layers, nodes }
    }

    /// With one object; the others are background.
    pub(crate) fn only(&self, object: usize) -> Self {
        let is_other =
            |class: &Class| matches!(class, Class::Object(index) if *index as usize != object);
        let mut only = self.clone();
        for layer in &mut only.layers {
            layer.retain(|_, class| !is_other(class));
        }
        for node in &mut only.nodes {
            *node = Node { layer: node.layer, ..Node::default() };
        }
        only
    }
}

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
        for (class, _) in counted(&layers, &ignored) {
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
        self.eligible = self.objects_of_at_least(options.min_object_area.max(1));
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

    /// A pixel of an object.
    pub(crate) fn pixel_of_an_object(&self, draw: &mut impl Rng) -> Option<(usize, usize)> {
        let candidates = match self.eligible.is_empty() {
            true => self.objects_of_at_least(1),
            false => self.eligible.clone(),
        };
        let object = *draw.pick(&candidates)?;
        // One that is too small may have come to be ignored: its labels are still there.
        let layer = self.layer(object);
        let is_of_it = |class: &Class| *class == Class::Object(object as u32);
        let pixels: Vec<usize> =
            (0..).zip(layer).filter(|(_, class)| is_of_it(class)).map(|(index, _)| index).collect();
        let index = *draw.pick(&pixels)?;
        Some((index / self.size.width, index % self.size.width))
    }

    pub(crate) fn objects_of_at_least(&self, area: usize) -> Vec<usize> {
        (0..)
            .zip(&self.areas)
            .filter(|(_, found)| **found >= area)
            .map(|(index, _)| index)
            .collect()
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

/// Neighbors mostly have the same value: what it means is looked up when it changes.
fn classes_of(values: &[u16], classes: &HashMap<u16, Class>, places: &[Option<u32>]) -> Vec<Class> {
    let mut last = (0, Class::Background);
    let mut class = |value: u16| {
        if value == 0 {
            return Class::Background;
        }
        if value != last.0 {
            last = (value, classes.get(&value).copied().unwrap_or(Class::Background));
        }
        last.1
    };
    let value = |place: u32| values.get(place as usize).copied().unwrap_or(0);
    places
        .iter()
        .map(|place| place.map_or(Class::Background, |place| class(value(place))))
        .collect()
}

/// The pixels of all layers that are not ignored.
fn counted<'a>(
    layers: &'a [Vec<Class>],
    ignored: &'a [bool],
) -> impl Iterator<Item = (Class, usize)> + 'a {
    let of = move |layer: &'a Vec<Class>| {
        let pixels = layer.iter().zip(ignored).enumerate();
        pixels.filter(|(_, (_, is_ignored))| !**is_ignored).map(|(at, (class, _))| (*class, at))
    };
    layers.iter().flat_map(of)
}

use std::collections::HashMap;

use fbrs_data::training::LabelledPhoto;
use rand::Rng;

use crate::stream::Draw;

/// What a pixel of a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Background,
    Ignored,
    /// By its index in [`LabelledPhoto::objects`].
    Object(u32),
}

/// What the values of each layer mean.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(super) layers: Vec<HashMap<u16, Class>>,
    pub(super) nodes: Vec<Node>,
}

/// An object's place among those that it is part of.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) layer: usize,
    pub(super) parent: Option<usize>,
    pub(super) children: Vec<usize>,
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

    /// Objects with so many pixels in the photo.
    pub(crate) fn objects_of_at_least(&self, labelled: &LabelledPhoto, area: usize) -> Vec<usize> {
        let mut areas = vec![0; self.nodes.len()];
        for (layer, classes) in labelled.layers.iter().zip(&self.layers) {
            let mut class = looking_up(classes);
            for value in layer.as_raw() {
                if let Class::Object(index) = class(*value)
                    && let Some(area) = areas.get_mut(index as usize)
                {
                    *area += 1;
                }
            }
        }
        of_at_least(&areas, area)
    }

    /// Row and column of a pixel of an object, if there is any; it has so many pixels if one of them has.
    pub(crate) fn place_of_an_object(
        &self,
        labelled: &LabelledPhoto,
        area: usize,
        draw: &mut impl Rng,
    ) -> Option<(usize, usize)> {
        let mut objects = self.objects_of_at_least(labelled, area.max(1));
        if objects.is_empty() {
            objects = self.objects_of_at_least(labelled, 1);
        }
        let object = *draw.pick(&objects)?;
        let pixels = 0..labelled.photo.width().saturating_mul(labelled.photo.height());
        let pixels: Vec<u32> =
            pixels.filter(|place| self.is_of(labelled, object, *place)).collect();
        let place = *draw.pick(&pixels)? as usize;
        let width = labelled.photo.width() as usize;
        Some((place / width, place % width))
    }

    /// Whether a pixel of the photo, by its number, is an object's.
    pub(crate) fn is_of(&self, labelled: &LabelledPhoto, object: usize, place: u32) -> bool {
        let region = labelled.objects.get(object).map(|object| object.region);
        region.is_some_and(|region| {
            let layer = labelled.layers.get(region.layer);
            let value = layer.and_then(|layer| layer.as_raw().get(place as usize));
            value == Some(&region.value)
        })
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

/// What the values of a layer mean. Neighbors mostly have the same one: it is looked up when it changes.
pub(super) fn looking_up(classes: &HashMap<u16, Class>) -> impl FnMut(u16) -> Class {
    let mut last = (0, Class::Background);
    move |value| {
        if value != last.0 {
            last = (value, classes.get(&value).copied().unwrap_or(Class::Background));
        }
        last.1
    }
}

pub(super) fn of_at_least(areas: &[usize], least: usize) -> Vec<usize> {
    (0..).zip(areas).filter(|(_, area)| **area >= least).map(|(index, _)| index).collect()
}

//! How instances are written.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Annotation, Category, Counts, Id, Instances, Photo, Runs, Shape};

#[derive(serde::Serialize)]
struct Info {
    description: &'static str,
}

/// A number, without a fraction where that is zero.
struct Plainly(f64);

impl Serialize for Plainly {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.fract() == 0.0 && self.0.abs() < 2f64.powi(53) {
            true => to.serialize_i64(self.0 as i64),
            false => to.serialize_f64(self.0),
        }
    }
}

/// Numbers of a polygon.
struct Corners<'a>(&'a [f32]);

impl Serialize for Corners<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        for at in self.0 {
            // Digits of the shorter number.
            match at.fract() == 0.0 {
                true => list.serialize_element(&Plainly(f64::from(*at)))?,
                false => list.serialize_element(at)?,
            }
        }
        list.end()
    }
}

impl Serialize for Instances {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut file = to.serialize_map(None)?;
        file.serialize_entry("info", &Info { description: "fbrs" })?;
        file.serialize_entry("licenses", &[(); 0])?;
        file.serialize_entry("images", &self.photos)?;
        let of = |annotation| AnnotationOf { annotation, photos: &self.photos };
        let annotations: Vec<_> = self.annotations.iter().map(of).collect();
        file.serialize_entry("annotations", &annotations)?;
        file.serialize_entry("categories", &self.categories)?;
        file.end()
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => to.serialize_u64(*number),
            Self::Negative(number) => to.serialize_i64(*number),
            Self::Text(text) => to.serialize_str(text),
        }
    }
}

impl Serialize for Photo {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut photo = to.serialize_map(None)?;
        photo.serialize_entry("id", &self.id)?;
        photo.serialize_entry("file_name", &self.file_name)?;
        if let Some(size) = self.size {
            photo.serialize_entry("height", &size.height)?;
            photo.serialize_entry("width", &size.width)?;
        }
        photo.end()
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut category = to.serialize_map(Some(3))?;
        category.serialize_entry("id", &self.id)?;
        category.serialize_entry("name", &self.name)?;
        category.serialize_entry("supercategory", "")?;
        category.end()
    }
}

struct AnnotationOf<'a> {
    annotation: &'a Annotation,
    photos: &'a [Photo],
}

impl Serialize for AnnotationOf<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Annotation { id, photo, category, shape, area, is_crowd } = self.annotation;
        let mut entries = to.serialize_map(None)?;
        entries.serialize_entry("id", id)?;
        entries.serialize_entry("image_id", &self.photos.get(*photo).map(|photo| &photo.id))?;
        if let Some(category) = category {
            entries.serialize_entry("category_id", category)?;
        }
        if let Some(shape) = shape {
            entries.serialize_entry("segmentation", shape)?;
            if let Some(bounds) = shape.bounds() {
                entries.serialize_entry("bbox", &bounds.map(Plainly))?;
            }
        }
        if let Some(area) = area {
            entries.serialize_entry("area", &Plainly(*area))?;
        }
        entries.serialize_entry("iscrowd", &u8::from(*is_crowd))?;
        entries.end()
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Polygons(polygons) => {
                let mut list = to.serialize_seq(None)?;
                polygons
                    .iter()
                    .try_for_each(|polygon| list.serialize_element(&Corners(polygon)))?;
                list.end()
            }
            Self::Runs(Runs { size, counts }) => {
                let mut runs = to.serialize_map(Some(2))?;
                runs.serialize_entry("size", &[size.height, size.width])?;
                match counts {
                    Counts::Numbers(numbers) => runs.serialize_entry("counts", numbers)?,
                    Counts::Packed(text) => runs.serialize_entry("counts", text)?,
                }
                runs.end()
            }
        }
    }
}

//! How a sheet is written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Form, Shape, Sheet};

/// The version of labelme whose format this is.
const VERSION: &str = "5.5.0";

/// An empty object.
struct Nothing;

impl Serialize for Nothing {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_map(Some(0))?.end()
    }
}

impl Serialize for Sheet {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut sheet = to.serialize_map(None)?;
        sheet.serialize_entry("version", VERSION)?;
        sheet.serialize_entry("flags", &Nothing)?;
        sheet.serialize_entry("shapes", &self.shapes)?;
        sheet.serialize_entry("imagePath", &self.image_path)?;
        sheet.serialize_entry("imageData", &())?;
        sheet.serialize_entry("imageHeight", &self.size.map(|size| size.height))?;
        sheet.serialize_entry("imageWidth", &self.size.map(|size| size.width))?;
        sheet.end()
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (name, points) = match &self.form {
            Form::Polygon(corners) => ("polygon", corners.clone()),
            Form::Rectangle(corners) => ("rectangle", corners.to_vec()),
            Form::Circle(points) => ("circle", points.to_vec()),
            Form::Mask { corner, last, .. } => {
                let place = |(x, y): &(u32, u32)| (f64::from(*x), f64::from(*y));
                ("mask", vec![place(corner), place(last)])
            }
        };
        let mut shape = to.serialize_map(None)?;
        shape.serialize_entry("label", &self.label)?;
        shape.serialize_entry("points", &points)?;
        shape.serialize_entry("group_id", &self.group)?;
        shape.serialize_entry("description", "")?;
        shape.serialize_entry("shape_type", name)?;
        shape.serialize_entry("flags", &Nothing)?;
        let png = match &self.form {
            Form::Mask { png, .. } => Some(STANDARD.encode(png)),
            _ => None,
        };
        shape.serialize_entry("mask", &png)?;
        shape.end()
    }
}

//! What stands in a sheet, shape by shape, and what is wrong with it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use fbrs_clicks::Size;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::{Fault, Form, Shape, Sheet};
use crate::annotations::FormatError;
use crate::annotations::json::{FromJson, Json, Loose};

/// Shapes that a sheet may have.
const MOST_SHAPES: usize = 100_000;
/// Corners that all its shapes may have.
const MOST_CORNERS: usize = 4_000_000;
/// Bytes that the PNG of all masks may have.
const MOST_MASK_BYTES: usize = 256 << 20;
/// Bytes of a photo's name, or of a label.
const LONGEST_NAME: usize = 4096;
/// Pixels on a side, as far as masks may lie.
const FARTHEST: f64 = 65_536.0;

/// Padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A sheet as it stands in the file.
#[derive(Default)]
pub(super) struct File {
    is_object: bool,
    shapes: Option<Shapes>,
    image_path: String,
    height: Option<usize>,
    width: Option<usize>,
}

#[derive(Default)]
struct Shapes {
    sound: Vec<Shape>,
    faults: Vec<Fault>,
    count: usize,
    corners: usize,
    mask_bytes: usize,
}

#[derive(Default)]
struct RawShape {
    label: Option<String>,
    points: Points,
    group: Loose,
    kind: Loose,
    mask: Loose,
    /// What stands where the shape should be.
    instead: Option<Loose>,
}

/// A list of places, or what is wrong with it.
#[derive(Default)]
struct Points {
    places: Vec<(f64, f64)>,
    wrong: Option<String>,
}

/// One place, x and y.
enum Place {
    Numbers(Vec<f64>),
    Other(Loose),
}

impl File {
    pub(super) fn sheet(self) -> Result<Sheet, FormatError> {
        let missing = || {
            FormatError::damaged(match self.is_object {
                true => "it has no list \"shapes\": expected a sheet of labelme",
                false => "it is no JSON object: expected a sheet of labelme",
            })
        };
        let shapes = self.shapes.ok_or_else(missing)?;
        let too_many = |count: usize, what: &str, most: usize| {
            let reason = format!("it has {count} {what}, expected at most {most}");
            Err(FormatError::TooLarge(reason))
        };
        if shapes.count > MOST_SHAPES {
            return too_many(shapes.count, "shapes", MOST_SHAPES);
        }
        if shapes.corners > MOST_CORNERS {
            return too_many(shapes.corners, "corners", MOST_CORNERS);
        }
        if shapes.mask_bytes > MOST_MASK_BYTES {
            return too_many(shapes.mask_bytes, "bytes of masks", MOST_MASK_BYTES);
        }
        let size = self.height.zip(self.width).map(|(height, width)| Size { height, width });
        let Shapes { sound, faults, .. } = shapes;
        Ok(Sheet { image_path: self.image_path, size, shapes: sound, faults })
    }
}

impl RawShape {
    fn checked(self, place: usize) -> Result<Shape, Fault> {
        let label = self.label.unwrap_or_default();
        let fault = |reason: String| Fault { place, label: label.clone(), reason };
        if let Some(instead) = self.instead {
            return Err(fault(format!("it is {instead}, expected an object")));
        }
        if label.is_empty() {
            return Err(fault("it has no label".to_owned()));
        }
        let group = match &self.group {
            Loose::Nothing => None,
            group => match group.whole().and_then(|group| i64::try_from(group).ok()) {
                None => {
                    let reason = format!("its group_id is {group}, expected a whole number");
                    return Err(fault(reason));
                }
                group => group,
            },
        };
        let form = form(&self.kind, self.points, self.mask).map_err(fault)?;
        Ok(Shape { label, group, form })
    }
}

fn form(kind: &Loose, points: Points, mask: Loose) -> Result<Form, String> {
    if let Some(reason) = points.wrong {
        return Err(reason);
    }
    let kind = match kind {
        Loose::Nothing => "polygon",
        Loose::Text(kind) => kind,
        other => return Err(format!("its shape_type is {other}, expected a text")),
    };
    let count = points.places.len();
    let two = || match points.places.as_slice() {
        [a, b] => Ok([*a, *b]),
        _ => Err(format!("it is a {kind} of {count} points, expected 2")),
    };
    match kind {
        "polygon" if count >= 3 => Ok(Form::Polygon(points.places)),
        "polygon" => Err(format!("it is a polygon of {count} points, expected at least 3")),
        "rectangle" => Ok(Form::Rectangle(two()?)),
        "circle" => Ok(Form::Circle(two()?)),
        "mask" => {
            let [first, last] = two()?;
            let pixel = |(x, y): (f64, f64)| {
                let is_near = |at: f64| (0.0..FARTHEST).contains(&at);
                (is_near(x) && is_near(y)).then_some((x as u32, y as u32))
            };
            let (Some(corner), Some(last)) = (pixel(first), pixel(last)) else {
                return Err("its box lies outside of any photo".to_owned());
            };
            let Loose::Text(text) = mask else {
                return Err(format!("its mask is {mask}, expected a PNG in base64"));
            };
            let png = BASE64.decode(text.trim());
            let png = png.map_err(|_| "its mask is no base64: expected a PNG in base64")?;
            Ok(Form::Mask { corner, last, png })
        }
        "line" | "linestrip" | "point" | "points" => {
            Err(format!("it is a {kind}, which has no area: only areas are objects"))
        }
        other => {
            let other = Loose::Text(other.to_owned());
            let kinds = "polygon, rectangle, circle and mask are read";
            Err(format!("its shape_type is {other}: {kinds}"))
        }
    }
}

impl FromJson for File {
    fn value(_: Loose) -> Self {
        Self::default()
    }

    fn object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut file = Self { is_object: true, ..Self::default() };
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "shapes" => file.shapes = entries.next_value::<Json<_>>()?.0,
                "imagePath" => file.image_path = name(loose(&mut entries)?).unwrap_or_default(),
                "imageHeight" => file.height = side(&loose(&mut entries)?),
                "imageWidth" => file.width = side(&loose(&mut entries)?),
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(file)
    }
}

impl FromJson for Option<Shapes> {
    fn value(_: Loose) -> Self {
        None
    }

    fn list<'de, A: SeqAccess<'de>>(mut elements: A) -> Result<Self, A::Error> {
        let mut list = Shapes::default();
        while let Some(Json(shape)) = elements.next_element::<Json<RawShape>>()? {
            list.count = list.count.saturating_add(1);
            match shape.checked(list.count) {
                Ok(shape) => {
                    match &shape.form {
                        Form::Polygon(corners) => {
                            list.corners = list.corners.saturating_add(corners.len());
                        }
                        Form::Mask { png, .. } => {
                            list.mask_bytes = list.mask_bytes.saturating_add(png.len());
                        }
                        _ => {}
                    }
                    list.sound.push(shape);
                }
                Err(fault) => list.faults.push(fault),
            }
            if list.count > MOST_SHAPES
                || list.corners > MOST_CORNERS
                || list.mask_bytes > MOST_MASK_BYTES
            {
                break;
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {
            list.count = list.count.saturating_add(1);
        }
        Ok(Some(list))
    }
}

impl FromJson for RawShape {
    fn value(value: Loose) -> Self {
        Self { instead: Some(value), ..Self::default() }
    }

    fn object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut shape = Self::default();
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "label" => shape.label = name(loose(&mut entries)?),
                "points" => shape.points = entries.next_value::<Json<_>>()?.0,
                "group_id" => shape.group = loose(&mut entries)?,
                "shape_type" => shape.kind = loose(&mut entries)?,
                "mask" => shape.mask = loose(&mut entries)?,
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(shape)
    }
}

impl FromJson for Points {
    fn value(value: Loose) -> Self {
        let wrong = Some(format!("its points are {value}, expected a list"));
        Self { wrong, ..Self::default() }
    }

    fn list<'de, A: SeqAccess<'de>>(mut elements: A) -> Result<Self, A::Error> {
        let mut points = Self::default();
        while points.wrong.is_none()
            && let Some(Json(place)) = elements.next_element::<Json<Place>>()?
        {
            points.wrong = match place {
                Place::Numbers(numbers) => match numbers.as_slice() {
                    [x, y] if points.places.len() < MOST_CORNERS => {
                        points.places.push((*x, *y));
                        None
                    }
                    [_, _] => Some(format!("it has more than {MOST_CORNERS} corners")),
                    other => {
                        Some(format!("a point of it has {} numbers, expected x and y", other.len()))
                    }
                },
                Place::Other(other) => Some(format!("a point of it is {other}, expected [x, y]")),
            };
        }
        if points.wrong.is_some() {
            points.places = Vec::new();
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(points)
    }
}

impl FromJson for Place {
    fn value(value: Loose) -> Self {
        Self::Other(value)
    }

    fn list<'de, A: SeqAccess<'de>>(mut elements: A) -> Result<Self, A::Error> {
        let mut numbers = Vec::new();
        let mut other = None;
        while let Some(Json(value)) = elements.next_element::<Json<Loose>>()? {
            match value.number() {
                Some(number) if numbers.len() < 3 => numbers.push(number),
                Some(_) => {}
                None => other = other.or(Some(value)),
            }
        }
        Ok(match other {
            Some(value) => Self::Other(value),
            None => Self::Numbers(numbers),
        })
    }
}

fn loose<'de, A: MapAccess<'de>>(entries: &mut A) -> Result<Loose, A::Error> {
    Ok(entries.next_value::<Json<Loose>>()?.0)
}

/// A name; labels are sometimes numbers.
fn name(value: Loose) -> Option<String> {
    match value {
        Loose::Text(text) if text.len() <= LONGEST_NAME => Some(text),
        Loose::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

fn side(value: &Loose) -> Option<usize> {
    value.whole().and_then(|side| usize::try_from(side).ok()).filter(|side| *side > 0)
}

//! Label Studio's labeling configuration: which control masks go to, which field of a task names the
//! photo.

use quick_xml::events::Event;
use quick_xml::reader::Reader;
use serde_json::{Map, Value};

use crate::problem::{Problem, Result};

/// What can hold a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Brush,
    Polygon,
}

impl Kind {
    /// What its regions are called.
    pub(super) fn region(self) -> &'static str {
        match self {
            Self::Brush => "brushlabels",
            Self::Polygon => "polygonlabels",
        }
    }
}

/// A control that masks go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The picture that it is for.
    pub(super) to_name: String,
}

/// What of a configuration matters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Labeling {
    controls: Vec<Control>,
    /// Names of pictures, and the fields of a task that hold their addresses.
    pictures: Vec<(String, String)>,
}

impl Labeling {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let invalid = |error: String| {
            Problem::invalid(format!("label_config: it is no labeling configuration: {error}"))
        };
        let mut reader = Reader::from_str(text);
        let mut labeling = Self::default();
        loop {
            match reader.read_event().map_err(|error| invalid(error.to_string()))? {
                Event::Start(tag) | Event::Empty(tag) => {
                    let mut name = String::new();
                    let mut to_name = String::new();
                    let mut value = String::new();
                    for attribute in tag.attributes() {
                        let attribute = attribute.map_err(|error| invalid(error.to_string()))?;
                        let text = attribute
                            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                            .map_err(|error| invalid(error.to_string()))?
                            .into_owned();
                        match attribute.key.as_ref() {
                            "name" => name = text,
                            "toName" => to_name = text,
                            "value" => value = text,
                            _ => {}
                        }
                    }
                    let kind = match tag.local_name().as_ref() {
                        "BrushLabels" | "Brush" => Some(Kind::Brush),
                        "PolygonLabels" | "Polygon" => Some(Kind::Polygon),
                        "Image" => {
                            let field = value.trim_start_matches('$').to_owned();
                            labeling.pictures.push((name.clone(), field));
                            None
                        }
                        _ => None,
                    };
                    if let Some(kind) = kind {
                        labeling.controls.push(Control { kind, name, to_name });
                    }
                }
                Event::Eof => return Ok(labeling),
                _ => {}
            }
        }
    }

    /// Where masks of a picture go: to a brush, else to polygons.
    ///
    /// # Errors
    /// Where the configuration has neither.
    pub(super) fn control(&self, picture: &str) -> Result<&Control> {
        let of = |kind: Kind| self.controls.iter().find(|c| c.kind == kind && c.to_name == picture);
        of(Kind::Brush).or_else(|| of(Kind::Polygon)).ok_or_else(|| {
            Problem::invalid(format!(
                "label_config: expected BrushLabels or PolygonLabels with toName={picture:?} for the \
                 masks"
            ))
        })
    }

    /// The address of a task's picture.
    ///
    /// # Errors
    /// Where the configuration or the task names none.
    pub(super) fn picture<'a>(
        &self,
        picture: &str,
        task: &'a Map<String, Value>,
    ) -> Result<&'a str> {
        let field = self.pictures.iter().find(|(name, _)| name == picture);
        let Some((_, field)) = field else {
            let why = format!("label_config: there is no Image with name={picture:?}");
            return Err(Problem::invalid(why));
        };
        task.get(field).and_then(Value::as_str).ok_or_else(|| {
            Problem::invalid(format!("tasks.data: expected the picture's address in {field:?}"))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CONFIG: &str = r#"<View>
      <Image name="photo" value="$url" zoom="true"/>
      <PolygonLabels name="outline" toName="photo"><Label value="cat"/></PolygonLabels>
      <BrushLabels name="brush" toName="photo"><Label value="cat &amp; dog"/></BrushLabels>
      <KeyPointLabels name="clicks" toName="photo" smart="true"><Label value="cat"/></KeyPointLabels>
    </View>"#;

    #[test]
    fn the_control_and_the_picture_are_found() {
        let labeling = Labeling::parse(CONFIG).unwrap();
        let control = labeling.control("photo").unwrap();
        assert_eq!((control.kind, control.name.as_str()), (Kind::Brush, "brush"));
        let task = serde_json::json!({ "url": "/data/upload/1.jpg" });
        let task = task.as_object().unwrap();
        assert_eq!(labeling.picture("photo", task).unwrap(), "/data/upload/1.jpg");
        assert!(labeling.picture("other", task).unwrap_err().detail.contains("other"));
        assert!(labeling.picture("photo", &Map::new()).unwrap_err().detail.contains("url"));
    }

    #[test]
    fn polygons_are_taken_where_there_is_no_brush() {
        let config = CONFIG.replace("BrushLabels", "Choices");
        let labeling = Labeling::parse(&config).unwrap();
        assert_eq!(labeling.control("photo").unwrap().kind, Kind::Polygon);
        let labeling = Labeling::parse("<View/>").unwrap();
        assert!(labeling.control("photo").unwrap_err().detail.contains("BrushLabels"));
        assert!(Labeling::parse("<View").is_err());
    }
}

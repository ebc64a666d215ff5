//! Label Studio's ML backend: clicks come as keypoints in percent of the photo, masks go back as
//! brush strokes or polygons, in whatever control the labeling configuration has for them.

mod brush;
mod labeling;
mod pictures;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json as Answer, Router};
use fbrs::Size;
use image::GrayImage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::{self, Polygon, Wanted};
use crate::api::extract::Json;
use crate::api::progress::Told;
use crate::api::{Caller, Shared};
use crate::config::LabelStudio;
use crate::cvat::{mask, pixel};
use crate::desk::log::ClickAt;
use crate::lists::{self, Clicks};
use crate::problem::{Problem, Result};
use labeling::{Control, Kind, Labeling};
use pictures::Pictures;

/// What the model is called in its predictions.
const VERSION: &str = concat!("fbrs ", env!("CARGO_PKG_VERSION"));

pub(crate) fn router(config: Option<LabelStudio>) -> Router<Shared> {
    Router::new()
        .route("/health", get(health))
        .route("/", get(health))
        .route("/setup", post(setup))
        .route("/predict", post(predict))
        .layer(Extension(Arc::new(Pictures::new(config))))
}

async fn health() -> Answer<Value> {
    Answer(json!({ "status": "UP", "model_class": "fbrs" }))
}

async fn setup() -> Answer<Value> {
    Answer(json!({ "model_version": VERSION }))
}

/// What Label Studio sends; fields that are not named here do not matter.
#[derive(Debug, Deserialize)]
struct Predict {
    tasks: Vec<Task>,
    #[serde(default)]
    label_config: String,
    #[serde(default)]
    params: Option<Params>,
}

#[derive(Debug, Deserialize)]
struct Task {
    #[serde(default)]
    data: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Params {
    #[serde(default)]
    context: Option<Context>,
}

#[derive(Debug, Default, Deserialize)]
struct Context {
    #[serde(default)]
    result: Vec<Mark>,
}

/// Something that was drawn on the photo.
#[derive(Debug, Deserialize)]
struct Mark {
    #[serde(default)]
    r#type: String,
    #[serde(default = "yes")]
    is_positive: bool,
    #[serde(default)]
    value: MarkValue,
    #[serde(default)]
    to_name: String,
}

#[derive(Debug, Default, Deserialize)]
struct MarkValue {
    x: Option<f64>,
    y: Option<f64>,
    #[serde(default)]
    keypointlabels: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize)]
struct Predictions {
    results: Vec<Prediction>,
}

#[derive(Debug, Serialize)]
struct Prediction {
    model_version: &'static str,
    score: f64,
    result: Vec<Value>,
}

async fn predict(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Extension(pictures): Extension<Arc<Pictures>>,
    Json(request, room): Json<Predict>,
) -> Result<Answer<Predictions>> {
    let context = request.params.and_then(|params| params.context).unwrap_or_default();
    let marks: Vec<_> =
        context.result.into_iter().filter(|mark| mark.r#type.starts_with("keypoint")).collect();
    let (Some(task), Some(last)) = (request.tasks.first(), marks.last()) else {
        // Without a click there is nothing to predict.
        return Ok(Answer(Predictions { results: Vec::new() }));
    };
    let labeling = Labeling::parse(&request.label_config)?;
    let control = labeling.control(&last.to_name)?.clone();
    let label = last.value.keypointlabels.first().cloned();
    let address = labeling.picture(&last.to_name, &task.data)?;
    let image = pictures.get(&app, address).await?;
    drop(room);
    let options = app.desk.options().clone();
    let entry = app.decode(move |app| app.desk.list(owner, &image, options)).await?;
    let wanted = Wanted::default();
    let (known, result, score) = app
        .run(&entry, move |turn| {
            let size = turn.session.size();
            let clicks = marks.iter().map(|mark| click(mark, size)).collect::<Result<Vec<_>>>()?;
            let known = Told::nobody().watching(turn, &wanted, |turn, watch| {
                lists::replay(turn, Clicks::InOrder(clicks), watch)
            })?;
            let mask = mask(turn.session, &wanted)?;
            let score = score(
                &mask,
                &answer::probabilities(turn.session, turn.session.prediction().as_ref()),
            );
            let parts = match control.kind {
                Kind::Polygon => answer::polygons(&mask, size)?,
                Kind::Brush => Vec::new(),
            };
            let result = control.results(&mask, &parts, size, label.as_deref(), score);
            Ok((known, result, score))
        })
        .await?;
    app.metrics.list(known.name());
    let prediction = Prediction { model_version: VERSION, score, result };
    Ok(Answer(Predictions { results: vec![prediction] }))
}

/// The click that a keypoint is.
fn click(mark: &Mark, size: Size) -> Result<ClickAt> {
    let (Some(x), Some(y)) = (mark.value.x, mark.value.y) else {
        return Err(Problem::invalid("params.context.result: a keypoint has no x or no y"));
    };
    let place = |percent: f64, length: usize| percent / 100.0 * length as f64;
    let (x, y) = pixel((place(x, size.width), place(y, size.height)), size)?;
    Ok(ClickAt { x, y, positive: mark.is_positive })
}

/// Mean probability of the object's pixels; 0 where it has none.
pub(crate) fn score(mask: &GrayImage, probabilities: &GrayImage) -> f64 {
    let object = mask.pixels().zip(probabilities.pixels()).filter(|(mask, _)| mask.0[0] > 0);
    let (count, sum) =
        object.fold((0u64, 0u64), |(count, sum), (_, p)| (count + 1, sum + u64::from(p.0[0])));
    if count == 0 { 0.0 } else { sum as f64 / count as f64 / 255.0 }
}

impl Control {
    /// The regions that Label Studio draws.
    fn results(
        &self,
        mask: &GrayImage,
        parts: &[Polygon],
        size: Size,
        label: Option<&str>,
        score: f64,
    ) -> Vec<Value> {
        let labels: Vec<_> = label.into_iter().collect();
        let region = |number: usize, value: Value| {
            json!({
                "id": format!("fbrs-{number}"),
                "type": self.kind.region(),
                "from_name": self.name,
                "to_name": self.to_name,
                "original_width": size.width,
                "original_height": size.height,
                "image_rotation": 0,
                "value": value,
                "score": score,
                "readonly": false,
            })
        };
        match self.kind {
            Kind::Brush => {
                let rle = brush::encode(mask, size);
                let value = json!({ "format": "rle", "rle": rle, self.kind.region(): labels });
                vec![region(0, value)]
            }
            Kind::Polygon => {
                let percent = |[x, y]: &[u32; 2]| {
                    [
                        100.0 * f64::from(*x) / size.width as f64,
                        100.0 * f64::from(*y) / size.height as f64,
                    ]
                };
                let value = |part: &Polygon| {
                    let points: Vec<_> = part.outer().iter().map(percent).collect();
                    json!({ "points": points, "closed": true, self.kind.region(): labels })
                };
                parts.iter().enumerate().map(|(number, part)| region(number, value(part))).collect()
            }
        }
    }
}

//! CVAT's interactor: what its own functions answer, and the dashboard through which it finds them.
//!
//! All clicks come with every request, the order between positive and negative ones is lost
//! ([`crate::lists`]). Places are canvas points, origin at the photo's top left corner.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json as Answer, Router};
use fbrs::{Session, Size};
use image::GrayImage;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{self, Object, Wanted};
use crate::api::extract::Json;
use crate::api::progress::Told;
use crate::api::segment::{Given, have};
use crate::api::{Shared, fault};
use crate::config::CvatReply;
use crate::engine::Owner;
use crate::lists::{self, Clicks};
use crate::problem::{Code, Problem, Result};

/// Whose CVAT's requests are: they carry no token.
pub(crate) const OWNER: Owner = Owner(usize::MAX);

/// What the function is called.
const NAME: &str = "fbrs";

/// How the function answers, and at which port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Function {
    pub(crate) reply: CvatReply,
    pub(crate) port: u16,
}

pub(crate) fn router(function: Function) -> Router<Shared> {
    Router::new()
        .route("/", post(call))
        .route("/api/functions", get(functions))
        .route("/api/functions/{name}", get(one))
        .route("/api/function_invocations", post(invoke))
        .layer(Extension(function))
}

/// What the dashboard tells of the function.
fn described(function: Function) -> Value {
    json!({
        "metadata": {
            "name": NAME,
            "annotations": {
                "name": "fbrs",
                "type": "interactor",
                "version": "2",
                "spec": "",
                "framework": "fbrs",
                "min_pos_points": "1",
                "min_neg_points": "0",
                "help_message":
                    "Click on the object; where the mask is wrong, click again: left on the object, \
                     right on the background",
                "animated_gif": "",
            },
        },
        "spec": { "description": "Click-based segmentation (f-BRS)" },
        "status": { "state": "ready", "httpPort": function.port },
    })
}

async fn functions(Extension(function): Extension<Function>) -> Answer<Value> {
    Answer(json!({ NAME: described(function) }))
}

async fn one(
    Extension(function): Extension<Function>,
    Path(name): Path<String>,
) -> Result<Answer<Value>> {
    match name.as_str() {
        NAME => Ok(Answer(described(function))),
        _ => Err(unknown()),
    }
}

fn unknown() -> Problem {
    Problem::new(Code::UnknownModel, format!("there is no function of this name, only {NAME:?}"))
}

async fn invoke(
    state: State<Shared>,
    function: Extension<Function>,
    headers: HeaderMap,
    body: Json<Request>,
) -> Result<Response> {
    let name = headers.get("x-nuclio-function-name").and_then(|name| name.to_str().ok());
    match name {
        Some(NAME) => call(state, function, body).await,
        _ => Err(unknown()),
    }
}

/// What CVAT sends; fields that are not named here do not matter.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    /// The photo's file, in base64.
    image: String,
    #[serde(default)]
    pos_points: Vec<(f64, f64)>,
    #[serde(default)]
    neg_points: Vec<(f64, f64)>,
    threshold: Option<f32>,
}

/// A shape as CVAT reads it.
#[derive(Debug, Serialize)]
struct Shape {
    r#type: &'static str,
    points: Vec<u32>,
}

async fn call(
    State(app): State<Shared>,
    Extension(function): Extension<Function>,
    Json(request, room): Json<Request>,
) -> Result<Response> {
    let wanted = Wanted { threshold: request.threshold, ..Wanted::default() };
    wanted.check()?;
    if request.pos_points.is_empty() && request.neg_points.is_empty() {
        return Err(Problem::invalid("pos_points: expected at least one point on the object"));
    }
    let image = have(&app, Given::parse(&request.image)?, Some(room)).await?;
    let options = app.desk.options().clone();
    let entry = app.decode(move |app| app.desk.list(OWNER, &image, options)).await?;
    let (positive, negative) = (request.pos_points, request.neg_points);
    let (body, known) = app
        .run(&entry, move |turn| {
            let size = turn.session.size();
            let at = |points: Vec<(f64, f64)>| {
                points.into_iter().map(|point| pixel(point, size)).collect::<Result<Vec<_>>>()
            };
            let clicks = Clicks::BySign { positive: at(positive)?, negative: at(negative)? };
            let known = Told::nobody()
                .watching(turn, &wanted, |turn, watch| lists::replay(turn, clicks, watch))?;
            let mask = mask(turn.session, &wanted)?;
            let body = match function.reply {
                CvatReply::Shapes => {
                    let shape = Shape { r#type: "mask", points: runs(&mask, size) };
                    serde_json::to_vec(&BTreeMap::from([("shapes", [shape])]))
                }
                CvatReply::Mask => {
                    serde_json::to_vec(&BTreeMap::from([("mask", rows(&mask, size))]))
                }
            };
            Ok((body.map_err(|_| fault())?, known))
        })
        .await?;
    app.metrics.list(known.name());
    let mut response = ([(header::CONTENT_TYPE, "application/json")], body).into_response();
    known.tell(response.headers_mut());
    Ok(response)
}

/// The mask of a session's object.
pub(crate) fn mask(session: &Session, wanted: &Wanted) -> Result<GrayImage> {
    let threshold = wanted.threshold.unwrap_or(session.options().refine.threshold);
    answer::mask_of(session, session.prediction().as_ref(), threshold)
}

/// The pixel that a canvas point is in, or the nearest where it is in none.
///
/// # Errors
/// [`Code::Invalid`] for what is no number.
pub(crate) fn pixel((x, y): (f64, f64), size: Size) -> Result<(f64, f64)> {
    if !(x.is_finite() && y.is_finite()) {
        return Err(Problem::invalid("points: expected numbers"));
    }
    let clamped = |value: f64, length: usize| value.floor().clamp(0.0, length as f64 - 1.0);
    Ok((clamped(x, size.width), clamped(y, size.height)))
}

/// Run lengths of the mask's box row by row, background first, and the box: left, top, right and
/// bottom, the last two inclusive.
fn runs(mask: &GrayImage, size: Size) -> Vec<u32> {
    let Some([left, top, right, bottom]) = Object::of(mask, size).bounds else {
        return vec![1, 0, 0, 0, 0];
    };
    let mut points = Vec::new();
    let (mut current, mut length) = (false, 0);
    let rows = mask.as_raw().chunks_exact(size.width.max(1)).take(bottom).skip(top);
    for pixel in rows.flat_map(|row| row.iter().take(right).skip(left)) {
        if (*pixel > 0) != current {
            points.push(length);
            (current, length) = (!current, 0);
        }
        length += 1;
    }
    points.push(length);
    points.extend([left, top, right - 1, bottom - 1].map(|side| side as u32));
    points
}

/// Every pixel, row by row.
fn rows(mask: &GrayImage, size: Size) -> Vec<Vec<u8>> {
    let rows = mask.as_raw().chunks_exact(size.width.max(1));
    rows.map(|row| row.iter().map(|pixel| u8::from(*pixel > 0)).collect()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn runs_cover_the_box_alone() {
        let size = Size { height: 4, width: 5 };
        #[rustfmt::skip]
        let mask = vec![
            0, 0, 0, 0, 0,
            0, 255, 255, 0, 0,
            0, 0, 255, 255, 0,
            0, 0, 0, 0, 0,
        ];
        let mask = GrayImage::from_raw(5, 4, mask).unwrap();
        assert_eq!(runs(&mask, size), [0, 2, 2, 2, 1, 1, 3, 2]);
        assert_eq!(runs(&GrayImage::new(5, 4), size), [1, 0, 0, 0, 0]);
        assert_eq!(rows(&mask, size)[1], [0, 1, 1, 0, 0]);
    }

    #[test]
    fn canvas_points_become_pixels() {
        let size = Size { height: 10, width: 20 };
        assert_eq!(pixel((3.99, 0.0), size).unwrap(), (3.0, 0.0));
        assert_eq!(pixel((20.0, -1.0), size).unwrap(), (19.0, 0.0));
        assert!(pixel((f64::NAN, 1.0), size).is_err());
    }
}

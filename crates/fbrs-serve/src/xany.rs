//! X-AnyLabeling's server: points in, polygons out.
//!
//! Its client reads nothing but `data`, so that errors go out with their own status.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json as Answer, Router};
use imageproc::geometry::{approximate_polygon_dp, arc_length};
use imageproc::point::Point;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{self, Polygon, Wanted};
use crate::api::extract::Json;
use crate::api::progress::Told;
use crate::api::segment::{Given, have};
use crate::api::{Caller, Shared};
use crate::cvat::{mask, pixel};
use crate::desk::log::ClickAt;
use crate::label_studio::score;
use crate::lists::{self, Clicks};
use crate::problem::{Code, Problem, Result};

/// What the model is called.
const NAME: &str = "fbrs";

/// How far an outline may be from the mask's, as a share of its length, where a request does not say.
const EPSILON: f64 = 0.0005;

/// Pairs of corners that are compared for a slit.
const MOST_PAIRS: usize = 1 << 16;

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/health", get(|| async { Answer(json!({ "status": "healthy" })) }))
        .route("/v1/models", get(models))
        .route("/v1/predict", post(predict))
}

async fn models() -> Answer<Value> {
    Answer(json!({
        "success": true,
        "data": {
            NAME: {
                "display_name": "fbrs (f-BRS)",
                "widgets": [
                    { "name": "button_add_point", "value": null },
                    { "name": "button_remove_point", "value": null },
                    { "name": "button_clear", "value": null },
                    { "name": "button_finish_object", "value": null },
                    { "name": "mask_fineness_slider", "value": null },
                    { "name": "mask_fineness_value_label", "value": null },
                ],
                "params": { "epsilon_factor": EPSILON },
                "capabilities": { "interactive": true, "points": true },
                "batch_processing_mode": "default",
            },
        },
    }))
}

#[derive(Debug, Deserialize)]
struct Predict {
    model: String,
    /// A photo's file in base64, with or without what browsers put before it.
    image: String,
    #[serde(default)]
    params: Params,
}

#[derive(Debug, Default, Deserialize)]
struct Params {
    #[serde(default)]
    marks: Vec<Mark>,
    epsilon_factor: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Mark {
    r#type: String,
    #[serde(default)]
    data: Vec<f64>,
    #[serde(default)]
    label: i64,
}

#[derive(Debug, Serialize)]
struct Shape {
    label: &'static str,
    shape_type: &'static str,
    points: Vec<[f64; 2]>,
    score: f64,
}

async fn predict(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Json(request, room): Json<Predict>,
) -> Result<Answer<Value>> {
    if request.model != NAME {
        let why = format!("there is no model {:?}, only {NAME:?}", request.model);
        return Err(Problem::new(Code::UnknownModel, why));
    }
    let epsilon = request.params.epsilon_factor.unwrap_or(EPSILON);
    if !(0.0..=0.1).contains(&epsilon) {
        return Err(Problem::invalid("params.epsilon_factor: expected a number from 0 to 0.1"));
    }
    let marks = request.params.marks;
    if let Some(other) = marks.iter().find(|mark| mark.r#type != "point") {
        let why = format!("params.marks: expected points, got {:?}", other.r#type);
        return Err(Problem::invalid(why));
    }
    if marks.is_empty() {
        return Ok(Answer(reply(Vec::new())));
    }
    let image = have(&app, Given::parse(&request.image)?, Some(room)).await?;
    let options = app.desk.options().clone();
    let entry = app.decode(move |app| app.desk.list(owner, &image, options)).await?;
    let (shapes, known) = app
        .run(&entry, move |turn| {
            let size = turn.session.size();
            let click = |mark: &Mark| match mark.data[..] {
                [x, y] => {
                    let (x, y) = pixel((x, y), size)?;
                    Ok(ClickAt { x, y, positive: mark.label == 1 })
                }
                _ => Err(Problem::invalid("params.marks: expected data [x, y]")),
            };
            let clicks = marks.iter().map(click).collect::<Result<Vec<_>>>()?;
            let wanted = Wanted::default();
            let known = Told::nobody().watching(turn, &wanted, |turn, watch| {
                lists::replay(turn, Clicks::InOrder(clicks), watch)
            })?;
            let mask = mask(turn.session, &wanted)?;
            let prediction = turn.session.prediction();
            let score = score(&mask, &answer::probabilities(turn.session, prediction.as_ref()));
            let parts = answer::polygons(&mask, size)?;
            let shapes: Vec<_> = parts.iter().map(|part| shape(part, epsilon, score)).collect();
            Ok((shapes, known))
        })
        .await?;
    app.metrics.list(known.name());
    Ok(Answer(reply(shapes)))
}

fn reply(shapes: Vec<Shape>) -> Value {
    json!({
        "success": true,
        "data": { "shapes": shapes, "description": "", "replace": true },
    })
}

/// A part's outline, with as few corners as its length allows. Polygons have no holes here: each is
/// reached through a slit of no width, so that what is filled is the mask.
fn shape(part: &Polygon, epsilon: f64, score: f64) -> Shape {
    let mut points = simplified(part.outer(), epsilon);
    for hole in part.holes() {
        let hole = simplified(hole, epsilon);
        let apart = |a: &Point<f64>, b: &Point<f64>| (a.x - b.x).powi(2) + (a.y - b.y).powi(2);
        // Beyond this the slit begins anywhere: the nearest pair only looks better.
        let (most, hole_most) = if points.len() * hole.len() > MOST_PAIRS {
            (1, 1)
        } else {
            (points.len(), hole.len())
        };
        let pairs = (0..most).flat_map(|at| (0..hole_most).map(move |from| (at, from)));
        let nearest = pairs.min_by(|(a, b), (c, d)| {
            let length = |at: &usize, from: &usize| {
                points.get(*at).zip(hole.get(*from)).map_or(f64::MAX, |(a, b)| apart(a, b))
            };
            length(a, b).total_cmp(&length(c, d))
        });
        if let Some((at, from)) = nearest {
            let around = hole.iter().cycle().skip(from).take(hole.len() + 1).copied();
            let back = points.get(at).copied();
            let detour: Vec<_> = around.chain(back).collect();
            points.splice(at + 1..at + 1, detour);
        }
    }
    let points = points.iter().map(|point| [point.x, point.y]).collect();
    Shape { label: "AUTOLABEL_OBJECT", shape_type: "polygon", points, score }
}

/// A ring with fewer corners: none of those left out is farther from it than a share of its length.
fn simplified(ring: &[[u32; 2]], epsilon: f64) -> Vec<Point<f64>> {
    let corners: Vec<_> =
        ring.iter().map(|[x, y]| Point::new(f64::from(*x), f64::from(*y))).collect();
    // Its length without the stairs of its pixels.
    let smooth = approximated(&corners, STAIRS);
    approximated(&corners, epsilon * arc_length(&smooth, true))
}

/// Pixels by which stairs along a straight edge are away from it.
const STAIRS: f64 = 0.75;

fn approximated(corners: &[Point<f64>], allowed: f64) -> Vec<Point<f64>> {
    let Some(first) = corners.first().filter(|_| allowed > 0.0).copied() else {
        return corners.to_vec();
    };
    // Two lines, from the first corner to the one farthest from it and back.
    let apart = |corner: &Point<f64>| (corner.x - first.x).powi(2) + (corner.y - first.y).powi(2);
    let farthest = corners.iter().enumerate().max_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
    let farthest = farthest.map_or(0, |(at, _)| at);
    let there = corners.get(..=farthest).unwrap_or_default();
    let back: Vec<_> = corners.iter().skip(farthest).copied().chain([first]).collect();
    let mut few = approximate_polygon_dp(there, allowed, false);
    few.pop();
    few.extend(approximate_polygon_dp(&back, allowed, false));
    few.pop();
    // A speck may have become a line.
    if few.len() < 3 { corners.to_vec() } else { few }
}

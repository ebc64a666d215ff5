use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, body::Body};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::extract::{Asked, Room, Whole, content_type, parse, read};
use super::progress::{self, Told};
use super::sessions::{answer_with, options};
use super::{Caller, Problems, Shared};
use crate::answer::{ClickResult, Wanted};
use crate::desk::log::ClickAt;
use crate::desk::names::ImageHash;
use crate::engine::Owner;
use crate::lists::{self, Clicks, Note};
use crate::problem::{Code, Problem, Result};
use crate::server::RequestId;

/// All clicks at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Segment {
    /// A photo's name ("sha256:…"), or its file in base64.
    image: String,
    /// In the order of clicking.
    clicks: Vec<ClickAt>,
    /// What is different from the server's options.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    options: Option<Box<RawValue>>,
}

/// The same as a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes")]
pub(crate) struct SegmentForm {
    /// The photo's file.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    /// The clicks, as JSON.
    #[schema(value_type = Vec<ClickAt>)]
    clicks: String,
    /// The options, as JSON.
    #[schema(value_type = Option<Object>)]
    options: Option<String>,
}

/// A photo as a request gives it.
pub(crate) enum Given {
    Name(ImageHash),
    File(Vec<u8>),
}

impl Given {
    /// # Errors
    /// [`Code::Invalid`] for a text that is neither.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text.starts_with("sha256:") {
            return text.parse().map(Self::Name);
        }
        // Browsers put the kind of the file before it.
        let data = match text.strip_prefix("data:") {
            Some(uri) => uri.split_once(";base64,").map_or(uri, |(_, data)| data),
            None => text,
        };
        let file = BASE64_STANDARD.decode(data.trim());
        let invalid = |error| {
            Problem::invalid(format!(
                "image: expected a file in base64, or \"sha256:…\" of one that was sent: {error}"
            ))
        };
        file.map(Self::File).map_err(invalid)
    }
}

/// Makes sure that the server has a photo, and tells its name.
///
/// The request's room is held until its bytes are not needed any more.
pub(crate) async fn have(app: &Shared, given: Given, room: Option<Room>) -> Result<ImageHash> {
    match given {
        Given::Name(name) => Ok(name),
        Given::File(bytes) => {
            let kept = app.decode(move |app| {
                let _room = room;
                app.desk.put_image(&bytes)
            });
            kept.await.map(|(name, _)| name)
        }
    }
}

/// Answers a list of clicks. The photo is kept for a while, and so are the answers: a request that
/// adds clicks to an earlier one is answered as quickly as a session.
#[utoipa::path(post, path = "/v1/segment", tag = "segment", params(Wanted),
    request_body(content((Segment = "application/json"), (SegmentForm = "multipart/form-data"))),
    responses((status = 200, content((ClickResult = "application/json"),
        (String = "text/event-stream")),
        headers(("x-fbrs-cache" = String, description = "extend, undo or miss"))), Problems))]
pub(crate) async fn post_segment(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Extension(request_id): Extension<RequestId>,
    Asked(wanted): Asked,
    headers: HeaderMap,
    request: Request,
) -> Result<Response> {
    let kind = content_type(&request).to_ascii_lowercase();
    let (given, clicks, changes, room) = match kind.split(';').next().map(str::trim) {
        Some("application/json") => {
            let Whole(bytes, room) = read(request, &app).await?;
            let Segment { image, clicks, options } = parse(&bytes)?;
            (Given::parse(&image)?, clicks, options, room)
        }
        Some("multipart/form-data") => form(request, &app).await?,
        _ => {
            let why = "expected \"content-type: application/json\" or \"multipart/form-data\"";
            return Err(Problem::new(Code::UnsupportedMediaType, why));
        }
    };
    let options = options(&app.desk, changes)?;
    let image = have(&app, given, Some(room)).await?;
    respond(&app, owner, image, options, clicks, wanted, &headers, request_id).await
}

#[expect(clippy::too_many_arguments, reason = "a request taken apart")]
async fn respond(
    app: &Shared,
    owner: Owner,
    image: ImageHash,
    options: fbrs::Options,
    clicks: Vec<ClickAt>,
    wanted: Wanted,
    headers: &HeaderMap,
    request_id: RequestId,
) -> Result<Response> {
    let entry = app.decode(move |app| app.desk.list(owner, &image, options)).await?;
    let (told, receiver) = Told::by(headers);
    let note = Note::default();
    let noted = note.clone();
    let job = app.submit(&entry, move |turn| {
        answer_with(turn, &wanted, |turn| {
            let known = told.watching(turn, &wanted, |turn, watch| {
                lists::replay(turn, Clicks::InOrder(clicks), watch)
            })?;
            let _ = noted.set(known);
            Ok(())
        })
    })?;
    let is_told = receiver.is_some();
    let mut response = progress::respond(job, receiver, request_id.0).await?;
    // Of an answer that is told event by event the headers are gone before it is known.
    if let Some(known) = note.get().filter(|_| !is_told) {
        app.metrics.list(known.name());
        known.tell(response.headers_mut());
    }
    Ok(response)
}

type Parts = (Given, Vec<ClickAt>, Option<Box<RawValue>>, Room);

/// The parts of a form.
async fn form(request: Request, app: &Shared) -> Result<Parts> {
    let (head, body) = request.into_parts();
    let Whole(bytes, room) = read(Request::from_parts(head.clone(), body), app).await?;
    let request = Request::from_parts(head, Body::from(bytes));
    let broken = |error: String| Problem::new(Code::BadRequest, format!("the form: {error}"));
    let mut form =
        Multipart::from_request(request, app).await.map_err(|error| broken(error.body_text()))?;
    let (mut image, mut clicks, mut options) = (None, None, None);
    while let Some(part) = form.next_field().await.map_err(|error| broken(error.body_text()))? {
        let name = part.name().unwrap_or("").to_owned();
        let bytes = part.bytes().await.map_err(|error| broken(error.body_text()))?;
        let at = |problem: Problem| problem.at(&name);
        match name.as_str() {
            "image" => image = Some(bytes.to_vec()),
            "clicks" => clicks = Some(parse(&bytes).map_err(at)?),
            "options" => options = Some(parse(&bytes).map_err(at)?),
            _ => {
                let why = format!(
                    "the form has a part {name:?}: expected \"image\", \"clicks\" and \"options\""
                );
                return Err(Problem::invalid(why));
            }
        }
    }
    let missing = |name| Problem::invalid(format!("the form has no part {name:?}"));
    Ok((
        Given::File(image.ok_or_else(|| missing("image"))?),
        clicks.ok_or_else(|| missing("clicks"))?,
        options,
        room,
    ))
}

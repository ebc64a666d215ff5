use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as Answer};
use fbrs::{Options, View};
use image::DynamicImage;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::extract::{Asked, At, Id, Json, Whole};
use super::progress::{self, Told};
use super::{Caller, File, Problems, Shared};
use crate::answer::{self, ClickResult, Format, Wanted};
use crate::desk::log::ClickAt;
use crate::desk::names::ImageHash;
use crate::desk::{Desk, Turn};
use crate::problem::{Code, Problem, Result};
use crate::server::RequestId;

/// What a session is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    /// The photo, as its upload named it.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    image: String,
    /// What is different from the server's options.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    options: Option<Box<RawValue>>,
}

/// A session that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    #[schema(pattern = "^[0-9a-f]{32}$")]
    session: String,
    width: usize,
    height: usize,
    /// Seconds until it ends unless somebody asks for it.
    expires_in: u64,
}

/// Begins to work on a photo.
#[utoipa::path(post, path = "/v1/sessions", tag = "sessions", request_body = NewSession,
    responses((status = 201, body = Made), Problems))]
pub(crate) async fn post_session(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Json(new, _): Json<NewSession>,
) -> Result<(StatusCode, Answer<Made>)> {
    let image: ImageHash = new.image.parse()?;
    let options = options(&app.desk, new.options)?;
    let (id, entry) = app.decode(move |app| app.desk.new_session(owner, &image, options)).await?;
    let log = entry.log();
    let made = Made {
        session: id.to_string(),
        width: log.width,
        height: log.height,
        expires_in: app.desk.limits().idle.as_secs(),
    };
    Ok((StatusCode::CREATED, Answer(made)))
}

/// Bytes of a request's options.
const MAX_OPTIONS: usize = 16 << 10;

/// The server's options with a request's changes.
///
/// # Errors
/// [`Code::Invalid`] for what no option is called, and for what an option cannot be.
pub(crate) fn options(desk: &Desk, changes: Option<Box<RawValue>>) -> Result<Options> {
    let Some(changes) = changes else { return Ok(desk.options().clone()) };
    if changes.get().len() > MAX_OPTIONS {
        return Err(Problem::invalid(format!("options: expected at most {MAX_OPTIONS} bytes")));
    }
    let changes: Option<Map<String, Value>> = serde_json::from_str(changes.get())
        .map_err(|error| Problem::invalid(format!("options: {error}")))?;
    let Some(changes) = changes else { return Ok(desk.options().clone()) };
    let fault = |error: serde_json::Error| Problem::new(Code::Fault, error.to_string());
    let mut all = serde_json::to_value(desk.options()).map_err(fault)?;
    for (name, value) in changes {
        // A view of another kind has nothing to take over from the server's.
        let is_other = name == "view" && kind(&value) != all.get("view").and_then(kind);
        match all.get_mut(&name) {
            Some(old) if !is_other => change(old, value)
                .map_err(|_| Problem::invalid(format!("options.{name}: expected an object")))?,
            Some(old) => *old = value,
            None => {
                return Err(Problem::invalid(format!("options: there is none called {name:?}")));
            }
        }
    }
    let options: Options = serde_json::from_value(all)
        .map_err(|error| Problem::invalid(format!("options: {error}")))?;
    options.check()?;
    check_view(&options, desk.options(), desk.limits().view_side)?;
    Ok(options)
}

/// Memory and time grow with what the network sees: a request may not ask for more than the server
/// allows or has itself.
fn check_view(options: &Options, own: &Options, most: usize) -> Result<()> {
    let side = |options: &Options| match &options.view {
        View::ZoomIn(zoom) => zoom.target_size,
        View::Tiles(tiles) => tiles.size,
        _ => 0,
    };
    let whole = |options: &Options| options.max_size.unwrap_or(usize::MAX);
    let refuse = |what: &str, found: usize, most: usize| {
        let found = if found == usize::MAX { "no limit".to_owned() } else { found.to_string() };
        let why = format!("options: {what}: expected at most {most} pixels, got {found}");
        Err(Problem::invalid(why))
    };
    // Tiles are of the photo itself, whatever the size of the whole.
    let is_tiled = matches!(options.view, View::Tiles(_));
    if !is_tiled && whole(options) > most.max(whole(own)) {
        return refuse("max_size", whole(options), most.max(whole(own)));
    }
    if side(options) > most.max(side(own)) {
        return refuse("view", side(options), most.max(side(own)));
    }
    Ok(())
}

fn kind(value: &Value) -> Option<&str> {
    value.as_object()?.keys().next().map(String::as_str)
}

/// Something else stands where an object is to be.
struct NoObject;

/// Replaces what is named, and leaves the rest.
fn change(old: &mut Value, new: Value) -> Result<(), NoObject> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                match old.get_mut(&name) {
                    Some(old) => change(old, value)?,
                    None => {
                        old.insert(name, value);
                    }
                }
            }
            Ok(())
        }
        (Value::Object(_), Value::Array(_) | Value::Null) => Err(NoObject),
        (old, new) => {
            *old = new;
            Ok(())
        }
    }
}

/// A session as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    session: String,
    image: String,
    width: usize,
    height: usize,
    /// Clicks on the object in hand, in order.
    clicks: Vec<ClickAt>,
    /// Number of finished objects.
    finished: usize,
    can_undo: bool,
    can_redo: bool,
    #[schema(value_type = Object)]
    options: Options,
    /// Bytes that it holds in memory beside its photo; 0 where it is only on the disk.
    memory: u64,
    /// Seconds until it ends unless somebody asks for it.
    expires_in: u64,
}

/// How a session stands. It does not wait for a click that is being answered.
#[utoipa::path(get, path = "/v1/sessions/{session}", tag = "sessions",
    params(("session" = String, Path, pattern = "^[0-9a-f]{32}$")), responses((status = 200, body = Session), Problems))]
pub(crate) async fn get_session(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Id(id): Id,
) -> Result<Answer<Session>> {
    let name = id.to_string();
    let found = app.aside(move |app| {
        let entry = app.desk.find(owner, &id)?;
        let log = app.desk.current_log(&entry)?;
        Ok((log, entry.memory().unwrap_or(0)))
    });
    let (log, memory) = found.await?;
    Ok(Answer(Session {
        session: name,
        image: log.image.to_string(),
        width: log.width,
        height: log.height,
        clicks: log.clicks(),
        finished: log.finished(),
        can_undo: !log.done.is_empty(),
        can_redo: !log.undone.is_empty(),
        options: log.options,
        memory,
        expires_in: app.desk.limits().idle.as_secs(),
    }))
}

/// Ends a session, and a click of it that is being answered.
#[utoipa::path(delete, path = "/v1/sessions/{session}", tag = "sessions",
    params(("session" = String, Path, pattern = "^[0-9a-f]{32}$")), responses((status = 204), Problems))]
pub(crate) async fn delete_session(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Id(id): Id,
) -> Result<StatusCode> {
    app.aside(move |app| app.desk.delete(owner, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A click, and how many there were before it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClick {
    /// Column; 0 is the middle of the first.
    x: f64,
    /// Row; 0 is the middle of the first.
    y: f64,
    /// Whether it is on the object.
    positive: bool,
    /// Number of the object's clicks before this one: a request that is sent twice is answered once.
    #[serde(default, deserialize_with = "whole")]
    #[schema(maximum = 1_000_000)]
    expected_clicks: Option<usize>,
}

/// A number of clicks. JSON writes whole numbers as `1.0` too.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    match number.fract() == 0.0 && (0.0..=1e6).contains(&number) {
        true => Ok(Some(number as usize)),
        false => Err(de::Error::custom("expected_clicks: expected a whole number from 0 on")),
    }
}

/// Clicks, and answers with the object's mask. With `accept: text/event-stream` every evaluation is
/// told on the way.
#[utoipa::path(post, path = "/v1/sessions/{session}/clicks", tag = "sessions",
    params(("session" = String, Path, pattern = "^[0-9a-f]{32}$"), Wanted), request_body = NewClick,
    responses((status = 200, content((ClickResult = "application/json"),
        (String = "text/event-stream"))), Problems))]
pub(crate) async fn post_click(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Extension(request): Extension<RequestId>,
    Id(id): Id,
    Asked(wanted): Asked,
    headers: HeaderMap,
    Json(new, _): Json<NewClick>,
) -> Result<Response> {
    let NewClick { x, y, positive, expected_clicks } = new;
    let click = ClickAt { x, y, positive };
    let entry = app.aside(move |app| app.desk.find(owner, &id)).await?;
    let (told, receiver) = Told::by(&headers);
    let job = app.submit(&entry, move |turn| {
        let held = turn.session.clicks().len();
        if expected_clicks.is_some_and(|expected| expected != held) {
            let why = format!(
                "the object has {held} clicks: this click was answered already, or somebody else \
                 went on with the session"
            );
            return Err(Problem::new(Code::Conflict, why));
        }
        answer_with(turn, &wanted, |turn| {
            told.watching(turn, &wanted, |turn, watch| turn.click(click, watch))
        })
    })?;
    progress::respond(job, receiver, request.0).await
}

/// Does something and answers with the object in hand after it.
pub(crate) fn answer_with(
    turn: &mut Turn<'_>,
    wanted: &Wanted,
    act: impl FnOnce(&mut Turn<'_>) -> Result<()>,
) -> Result<ClickResult> {
    let started = Instant::now();
    act(turn)?;
    answer::result(turn.session, wanted, started.elapsed())
}

macro_rules! change {
    ($name:ident, $path:literal, $doc:literal, |$turn:ident| $act:expr) => {
        #[doc = $doc]
        #[utoipa::path(post, path = $path, tag = "sessions",
                                    params(("session" = String, Path, pattern = "^[0-9a-f]{32}$"), Wanted),
                                    responses((status = 200, body = ClickResult), Problems))]
        pub(crate) async fn $name(
            State(app): State<Shared>,
            Extension(owner): Caller,
            Id(id): Id,
            Asked(wanted): Asked,
        ) -> Result<Answer<ClickResult>> {
            let entry = app.aside(move |app| app.desk.find(owner, &id)).await?;
            let done = app.run(&entry, move |turn| {
                answer_with(turn, &wanted, |$turn| $act)
            });
            done.await.map(Answer)
        }
    };
}

change!(
    post_undo,
    "/v1/sessions/{session}/undo",
    "Takes the last change back: a click, a finished object, a reset, a mask that was started from.",
    |turn| turn.undo()
);
change!(
    post_redo,
    "/v1/sessions/{session}/redo",
    "Makes the last change that was taken back again.",
    |turn| turn.redo()
);
change!(post_reset, "/v1/sessions/{session}/reset", "Forgets the object in hand.", |turn| {
    turn.reset();
    Ok(())
});

/// An object that is finished.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Finished {
    /// Its number among the session's objects, from 1: its value in the label mask.
    object: u16,
}

/// Finishes the object in hand; the next click begins another.
#[utoipa::path(post, path = "/v1/sessions/{session}/finish", tag = "sessions",
    params(("session" = String, Path, pattern = "^[0-9a-f]{32}$"), At),
    responses((status = 200, body = Finished), Problems))]
pub(crate) async fn post_finish(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Id(id): Id,
    At { threshold }: At,
) -> Result<Answer<Finished>> {
    let entry = app.aside(move |app| app.desk.find(owner, &id)).await?;
    let object = app.run(&entry, move |turn| turn.finish(threshold)).await?;
    Ok(Answer(Finished { object }))
}

/// Starts the object from a mask: a picture of the photo's size, above 127 is object.
#[utoipa::path(put, path = "/v1/sessions/{session}/start-mask", tag = "sessions",
    params(("session" = String, Path, pattern = "^[0-9a-f]{32}$"), Wanted),
    request_body(content = inline(File), content_type = "application/octet-stream"),
    responses((status = 200, body = ClickResult), Problems))]
pub(crate) async fn put_start_mask(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Id(id): Id,
    Asked(wanted): Asked,
    Whole(bytes, room): Whole,
) -> Result<Answer<ClickResult>> {
    let entry = app.aside(move |app| app.desk.find(owner, &id)).await?;
    let done = app.run(&entry, move |turn| {
        // Given back once the bytes are not needed any more.
        let _room = room;
        answer_with(turn, &wanted, |turn| turn.start_from(&bytes))
    });
    done.await.map(Answer)
}

/// The mask of the object in hand, alone.
#[utoipa::path(get, path = "/v1/sessions/{session}/mask", tag = "sessions",
    params(("session" = String, Path, pattern = "^[0-9a-f]{32}$"), Wanted),
    responses((status = 200, content((Vec<u8> = "image/png"), (ClickResult = "application/json"))),
        Problems))]
pub(crate) async fn get_mask(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Id(id): Id,
    Asked(wanted): Asked,
) -> Result<Response> {
    let entry = app.aside(move |app| app.desk.find(owner, &id)).await?;
    if !matches!(wanted.format, Format::Png | Format::Probabilities) {
        let done = app.run(&entry, move |turn| answer_with(turn, &wanted, |_| Ok(())));
        return Ok(Answer(done.await?).into_response());
    }
    let picture = app.run(&entry, move |turn| {
        let prediction = turn.session.prediction();
        let picture = match wanted.format {
            Format::Probabilities => answer::probabilities(turn.session, prediction.as_ref()),
            _ => {
                let threshold = wanted.threshold.unwrap_or(turn.session.options().refine.threshold);
                answer::mask_of(turn.session, prediction.as_ref(), threshold)?
            }
        };
        answer::png(&picture.into())
    });
    Ok(png(picture.await?))
}

/// Numbers of the finished objects, 0 for background: 16-bit gray.
#[utoipa::path(get, path = "/v1/sessions/{session}/labels", tag = "sessions",
    params(("session" = String, Path, pattern = "^[0-9a-f]{32}$")),
    responses((status = 200, content((Vec<u8> = "image/png"))), Problems))]
pub(crate) async fn get_labels(
    State(app): State<Shared>,
    Extension(owner): Caller,
    Id(id): Id,
) -> Result<Response> {
    let entry = app.aside(move |app| app.desk.find(owner, &id)).await?;
    let picture =
        app.run(&entry, |turn| answer::png(&DynamicImage::ImageLuma16(turn.session.label_mask())));
    Ok(png(picture.await?))
}

fn png(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "image/png")], bytes).into_response()
}

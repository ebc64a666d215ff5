//! Requests taken apart: what is wrong with one is told as a problem.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use super::{App, Shared};
use crate::answer::Wanted;
use crate::desk::names::SessionId;
use crate::problem::{Code, Problem, Result};

/// Time for a body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A session's name in the path.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) SessionId);

impl FromRequestParts<Shared> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self> {
        let name = Path::<String>::from_request_parts(parts, app).await;
        let unknown = |_| Problem::new(Code::UnknownSession, "there is no session of this name");
        name.map_err(unknown)?.0.parse().map(Self)
    }
}

/// How the answer is wanted.
#[derive(Debug)]
pub(crate) struct Asked(pub(crate) Wanted);

impl FromRequestParts<Shared> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self> {
        let asked = Query::<Wanted>::from_request_parts(parts, app).await;
        let Query(asked) = asked.map_err(|error| Problem::invalid(error.body_text()))?;
        asked.check()?;
        Ok(Self(asked))
    }
}

/// Where an object ends.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct At {
    /// Probability above which a pixel is object, between 0 and 1; as the options say where absent.
    #[param(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) threshold: Option<f32>,
}

impl FromRequestParts<Shared> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self> {
        let at = Query::<Self>::from_request_parts(parts, app).await;
        let Query(at) = at.map_err(|error| Problem::invalid(error.body_text()))?;
        Wanted { threshold: at.threshold, ..Wanted::default() }.check()?;
        Ok(at)
    }
}

/// What a body takes of the server's memory for bodies, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room(Vec<OwnedSemaphorePermit>);

/// A body, read within bounds.
#[derive(Debug)]
pub(crate) struct Whole(pub(crate) Bytes, pub(crate) Room);

impl FromRequest<Shared> for Whole {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Shared) -> Result<Self> {
        read(request, app).await
    }
}

/// Bytes of a body that take no room: a click does not wait for photos.
const SMALL: usize = 64 << 10;

/// The whole body of a request. Room is taken as bytes arrive, and a body that finds none is turned
/// away: nobody waits for those who send slowly.
pub(crate) async fn read(request: Request, app: &App) -> Result<Whole> {
    let limit = app.desk.limits().body;
    let too_large = || {
        let why = format!("expected a body of at most {} KiB", limit >> 10);
        Problem::new(Code::TooLarge, why)
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let whole = async {
        // Of the length that was said, so that it need not grow; what is not written takes no memory.
        let expected = usize::try_from(length.unwrap_or(0)).unwrap_or(0);
        let (mut bytes, mut room) = (Vec::with_capacity(expected), Room(Vec::new()));
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Problem::new(Code::BadRequest, format!("the body cannot be read: {error}"))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if (bytes.len() + data.len()) as u64 > limit {
                return Err(too_large());
            }
            room.grow(app, bytes.len() + data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok(Whole(bytes.into(), room))
    };
    let slow = |_| Problem::new(Code::RequestTimeout, "the body did not arrive in time");
    tokio::time::timeout(BODY_TIMEOUT, whole).await.map_err(slow)?
}

impl Room {
    /// Makes room for a body of `length` bytes.
    fn grow(&mut self, app: &App, length: usize) -> Result<()> {
        let wanted = length.saturating_sub(SMALL).div_ceil(1024);
        let held: usize = self.0.iter().map(OwnedSemaphorePermit::num_permits).sum();
        if wanted <= held {
            return Ok(());
        }
        // In pieces of a mebibyte at least, which are few.
        let more = u32::try_from((wanted - held).max(1024)).unwrap_or(u32::MAX);
        let busy = "too many large requests are under way; try again in a moment";
        let permit = app.bodies.clone().try_acquire_many_owned(more);
        self.0.push(
            permit
                .map_err(|_| Problem::new(Code::Busy, busy).retry_after(Duration::from_secs(2)))?,
        );
        Ok(())
    }
}

/// A body in JSON. Its room is held as long as what was read of it.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T, pub(crate) Room);

impl<T: DeserializeOwned> FromRequest<Shared> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Shared) -> Result<Self> {
        if !is_json(&request) {
            let why = "expected the header \"content-type: application/json\"";
            return Err(Problem::new(Code::UnsupportedMediaType, why));
        }
        let Whole(bytes, room) = read(request, app).await?;
        Ok(Self(parse(&bytes)?, room))
    }
}

pub(crate) fn content_type(request: &Request) -> &str {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok()).unwrap_or("")
}

fn is_json(request: &Request) -> bool {
    let kind = content_type(request).split(';').next().unwrap_or("").trim();
    kind.eq_ignore_ascii_case("application/json")
        || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// A value out of its text.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T> {
    serde_json::from_slice(text).map_err(|error| match error.is_data() {
        true => Problem::invalid(error.to_string()),
        false => Problem::new(Code::BadRequest, format!("the body is no JSON: {error}")),
    })
}

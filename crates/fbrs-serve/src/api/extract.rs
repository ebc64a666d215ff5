//! Requests taken apart: what is wrong with one is told as a problem.

use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::{App, Shared, fault};
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

/// A body, read within bounds. It counts against the server's memory for bodies until it is dropped
/// by whoever reads it.
#[derive(Debug)]
pub(crate) struct Whole(pub(crate) Bytes);

impl FromRequest<Shared> for Whole {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Shared) -> Result<Self> {
        read(request, app).await.map(Self)
    }
}

/// The whole body of a request.
pub(crate) async fn read(request: Request, app: &App) -> Result<Bytes> {
    let limit = app.desk.limits().body;
    let too_large = || {
        let why = format!("expected a body of at most {} MiB", limit >> 20);
        Problem::new(Code::TooLarge, why)
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let kibibytes = u32::try_from(length.unwrap_or(limit) / 1024 + 1).unwrap_or(u32::MAX);
    let slow = |_| Problem::new(Code::RequestTimeout, "the body did not arrive in time");
    let whole = async {
        let _room = app.bodies.acquire_many(kibibytes).await.map_err(|_| fault())?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        to_bytes(request.into_body(), limit).await.map_err(|error| {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(next) = cause.source() {
                cause = next;
            }
            match cause.is::<http_body_util::LengthLimitError>() {
                true => too_large(),
                false => {
                    Problem::new(Code::BadRequest, format!("the body cannot be read: {error}"))
                }
            }
        })
    };
    tokio::time::timeout(BODY_TIMEOUT, whole).await.map_err(slow)?
}

/// A body in JSON.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Shared) -> Result<Self> {
        if !is_json(&request) {
            let why = "expected the header \"content-type: application/json\"";
            return Err(Problem::new(Code::UnsupportedMediaType, why));
        }
        parse(&read(request, app).await?).map(Self)
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

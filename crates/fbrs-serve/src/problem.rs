//! What is answered where something cannot be done: RFC 9457's problem details.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fbrs::ErrorKind;
use fbrs_data::pictures::PictureError;
use serde::Serialize;
use utoipa::ToSchema;

/// What kind of problem it is, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    UnknownSession,
    UnknownImage,
    UnknownModel,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    Gone,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    TooMany,
    Fault,
    Busy,
    Draining,
    Timeout,
}

impl Code {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::UnknownSession => "unknown_session",
            Self::UnknownImage => "unknown_image",
            Self::UnknownModel => "unknown_model",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Invalid => "invalid",
            Self::TooMany => "too_many",
            Self::Fault => "fault",
            Self::Busy => "busy",
            Self::Draining => "draining",
            Self::Timeout => "timeout",
        }
    }

    /// Whether the request's body may not have been read to its end.
    pub(crate) fn may_leave_unread(self) -> bool {
        !matches!(self, Self::Invalid | Self::Conflict | Self::Gone | Self::Fault | Self::Timeout)
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownSession | Self::UnknownImage | Self::UnknownModel => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// Something that cannot be done. The request's id joins it on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    /// A sentence: what was expected, what came, what to do.
    pub(crate) detail: String,
    retry_after: Option<Duration>,
}

/// Letters of a sentence.
const MAX_DETAIL: usize = 1000;

pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

/// How a problem is written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    /// What kind of problem it is, for programs.
    code: &'static str,
    /// A sentence: what was expected, what came, what to do.
    detail: &'a str,
    request_id: &'a str,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        // What was sent may be long, and is repeated.
        if let Some((end, _)) = detail.char_indices().nth(MAX_DETAIL) {
            detail.truncate(end);
            detail.push('…');
        }
        Self { code, detail, retry_after: None }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::Invalid, detail)
    }

    /// Says in which part of a request it is.
    pub(crate) fn at(self, part: &str) -> Self {
        Self { detail: format!("{part}: {}", self.detail), ..self }
    }

    /// Asks the client to come back later.
    pub(crate) fn retry_after(self, time: Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }

    pub(crate) fn body<'a>(&'a self, request_id: &'a str) -> ProblemBody<'a> {
        let status = self.code.status();
        ProblemBody {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code.name(),
            detail: &self.detail,
            request_id,
        }
    }

    /// The answer, complete.
    pub(crate) fn answer(&self, request_id: &str) -> Response {
        let body = serde_json::to_vec(&self.body(request_id)).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response =
            (self.code.status(), [(header::CONTENT_TYPE, kind)], body).into_response();
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        if let Some(time) = self.retry_after {
            set(header::RETRY_AFTER, &time.as_secs().max(1).to_string());
        }
        if self.code == Code::Unauthorized {
            set(header::WWW_AUTHENTICATE, "Bearer");
        }
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl IntoResponse for Problem {
    /// Only marked as a problem: its body is written where the request's id is known.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<fbrs::Error> for Problem {
    fn from(error: fbrs::Error) -> Self {
        let code = match (&error, error.kind()) {
            (fbrs::Error::State(_), _) => Code::Conflict,
            (_, ErrorKind::Usage | ErrorKind::Image) => Code::Invalid,
            (_, ErrorKind::Cancelled) => Code::Gone,
            _ => Code::Fault,
        };
        match code {
            Code::Gone => Self::new(code, "the click was called off: its session ended"),
            _ => Self::new(code, error.to_string()),
        }
    }
}

impl From<PictureError> for Problem {
    fn from(error: PictureError) -> Self {
        let code = match error {
            PictureError::TooLarge { .. } => Code::TooLarge,
            _ => Code::Invalid,
        };
        Self::new(code, error.to_string())
    }
}

//! The server's own interface, below `/v1`.

pub(crate) mod extract;
mod health;
mod images;
pub(crate) mod progress;
pub(crate) mod segment;
mod sessions;

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::sync::Semaphore;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa::{IntoResponses, OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Gate;
use crate::desk::{Desk, Entry, Turn};
use crate::engine::{Engine, Outcome, Owner};
use crate::metrics::Metrics;
use crate::problem::{Code, Problem, ProblemBody, Result};

/// What every request works with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) desk: Desk,
    pub(crate) engine: Engine,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gate: Gate,
    /// Kibibytes of bodies that may be in memory at the same time.
    pub(crate) bodies: Arc<Semaphore>,
    /// Photos that may be decoded at the same time.
    pub(crate) decoding: Arc<Semaphore>,
    pub(crate) is_ready: AtomicBool,
}

pub(crate) type Shared = Arc<App>;

impl App {
    pub(crate) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire) && !self.engine.is_draining()
    }

    /// Runs what waits for the disk or computes on a photo beside the requests.
    pub(crate) async fn aside<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let app = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&app)).await;
        done.unwrap_or_else(|_| Err(fault()))
    }

    /// The same, for what takes the memory of a photo while it is decoded.
    pub(crate) async fn decode<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.decoding.clone().acquire_owned().await.map_err(|_| fault())?;
        // Held by the work itself: it goes on when whoever asked for it has gone.
        let permitted = move |app: &Self| {
            let _permit = permit;
            work(app)
        };
        self.aside(permitted).await
    }

    /// Hands a session's job in.
    pub(crate) fn submit<T: Send + 'static>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Job<T>> {
        let (app, worked) = (self.clone(), entry.clone());
        let ticket = self.engine.submit(entry.lane, entry.owner, move |token| {
            let work = AssertUnwindSafe(|| app.desk.work(&worked, token, act));
            let done = panic::catch_unwind(work).unwrap_or_else(|payload| {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
                tracing::error!(panic = text.unwrap_or("without a text"), "a session ended");
                // What it left is not to be trusted.
                app.desk.end(&worked)?;
                Err(ended())
            });
            if done
                .as_ref()
                .is_err_and(|problem| problem.code == Code::Gone && token.is_cancelled())
            {
                app.metrics.cancellations.inc();
            }
            done
        })?;
        let ahead = ticket.ahead();
        let time = self.desk.limits().request_timeout;
        let done = async move {
            match ticket.wait(time).await {
                Outcome::Done(done) => done,
                Outcome::Late(Err(problem)) if problem.code == Code::Gone => Err(late(time)),
                Outcome::Late(done) => done,
                Outcome::TimedOut => Err(late(time)),
                Outcome::Panicked => Err(fault()),
            }
        };
        Ok(Job { ahead, done: Box::pin(done) })
    }

    /// Runs a session's job.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.submit(entry, act)?.done.await
    }
}

/// A job that was handed in. Dropped, it is called off.
pub(crate) struct Job<T> {
    /// Number of jobs before it.
    pub(crate) ahead: usize,
    pub(crate) done: futures_util::future::BoxFuture<'static, Result<T>>,
}

fn late(time: Duration) -> Problem {
    let why = format!(
        "the click was not answered within {} s, and was called off: the session is as before",
        time.as_secs()
    );
    Problem::new(Code::Timeout, why)
}

pub(crate) fn fault() -> Problem {
    Problem::new(Code::Fault, "a fault in the server, please report it")
}

fn ended() -> Problem {
    Problem::new(Code::Fault, "a fault in the server, please report it; the session has ended")
}

/// Whose a request is.
pub(crate) type Caller = axum::Extension<Owner>;

/// A file's bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it only describes")]
pub(crate) struct File(Vec<u8>);

/// Every answer that is no success.
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses()
    -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
        use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
        let schema = Ref::from_schema_name(ProblemBody::name());
        let all = [
            (400, "The request cannot be read"),
            (401, "A token is needed, or the token is unknown"),
            (403, "The name that was asked for or the page that asks is not let in"),
            (404, "There is nothing of this name"),
            (408, "The request did not arrive in time"),
            (409, "It makes no sense now"),
            (410, "It is no more"),
            (413, "It is too large"),
            (415, "It is of a kind that is not read"),
            (422, "It cannot be"),
            (429, "Too many; see `retry-after`"),
            (500, "A fault of the server"),
            (503, "The server is busy or about to end; see `retry-after`"),
            (504, "It took too long and was called off"),
        ];
        let response = |description: &str| {
            let content = ContentBuilder::new().schema(Some(schema.clone())).build();
            ResponseBuilder::new()
                .description(description)
                .content("application/problem+json", content)
                .build()
        };
        all.map(|(status, text)| (status.to_string(), response(text).into())).into_iter().collect()
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "fbrs", description = "Click-based image segmentation"),
    components(schemas(ProblemBody<'static>)),
    tags(
        (name = "photos", description = "Photos, by the hash of their bytes"),
        (name = "sessions", description = "Work on one photo, click by click"),
        (name = "segment", description = "All clicks at once"),
    )
)]
struct Described;

/// The description of the interface, and what answers.
pub(crate) fn router(app: &Shared) -> (Router<Shared>, OpenApi) {
    let described = OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(images::post_image))
        .routes(routes!(sessions::post_session))
        .routes(routes!(sessions::get_session, sessions::delete_session))
        .routes(routes!(sessions::post_click))
        .routes(routes!(sessions::post_undo))
        .routes(routes!(sessions::post_redo))
        .routes(routes!(sessions::post_reset))
        .routes(routes!(sessions::post_finish))
        .routes(routes!(sessions::put_start_mask))
        .routes(routes!(sessions::get_mask))
        .routes(routes!(sessions::get_labels))
        .routes(routes!(segment::post_segment))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz));
    let (router, mut description) = described.split_for_parts();
    if app.gate.wants_token() {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        description.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
        for path in ["/healthz", "/readyz"] {
            let item = description.paths.paths.get_mut(path);
            if let Some(operation) = item.and_then(|item| item.get.as_mut()) {
                operation.security = Some(Vec::new());
            }
        }
    }
    let text = description.to_json().unwrap_or_default();
    let answer = move || async move { ([("content-type", "application/json")], text.clone()) };
    let router = router.route("/openapi.json", get(answer)).route("/metrics", get(health::metrics));
    (router, description)
}

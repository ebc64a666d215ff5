//! Whether the server lives, and what it counted.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problems, Shared, fault};
use crate::metrics::Levels;
use crate::problem::{Code, Problem, Result};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    status: &'static str,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, body = Health), Problems))]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether clicks are taken: after the network was tried, and until the server is asked to end.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Health), Problems))]
pub(crate) async fn readyz(State(app): State<Shared>) -> Result<Json<Health>> {
    match app.is_ready() {
        true => Ok(Json(Health { status: "ready" })),
        false if app.engine.is_draining() => {
            Err(Problem::new(Code::Draining, "the server is about to end"))
        }
        false => Err(Problem::new(Code::Busy, "the network is being tried")),
    }
}

/// What was counted, as Prometheus reads it.
pub(crate) async fn metrics(State(app): State<Shared>) -> Result<impl IntoResponse> {
    let (waiting, running) = app.engine.load();
    let levels =
        Levels { waiting, running, sessions: app.desk.sessions(), memory: app.desk.memory() };
    let text = app.metrics.text(levels).map_err(|_| fault())?;
    Ok(([("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

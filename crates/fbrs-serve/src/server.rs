//! Listening, and what every request passes: its id, who is let in, what is written of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use fbrs::{Segmenter, Size, Watch};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::access::Gate;
use crate::api::{self, App, Shared};
use crate::config::Config;
use crate::desk::names::hex;
use crate::desk::{Desk, Parts};
use crate::engine::{Bounds, Engine, Owner};
use crate::metrics::Metrics;
use crate::problem::{Code, Problem, Result};
use crate::{cvat, label_studio, page, xany};

/// What a request is called in logs and in answers.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// How often idle sessions are looked for.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(5);

/// How often old files of the store are looked for.
const BETWEEN_CLEANINGS: Duration = Duration::from_secs(60 * 60);

/// Memory of bodies that are under way, in bytes, unless a single one may be larger.
const BODIES: u64 = 256 << 20;

/// Time in which a client has to take a piece of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Threads for decoding and for the disk. Each keeps some memory for the next photo.
const BLOCKING_THREADS: usize = 8;

/// Time in which connections may end after the last click was answered.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What the network is tried on before the server says that it is ready.
const WARM_UP: Size = Size { height: 480, width: 640 };

/// A server that listens and answers nobody yet.
#[derive(Debug)]
pub struct Server {
    config: Config,
    app: Shared,
    listener: std::net::TcpListener,
    cvat: Option<std::net::TcpListener>,
}

impl Server {
    /// Binds the addresses and opens the store.
    ///
    /// # Errors
    /// Whatever the system says, with the address or the folder.
    pub fn bind(config: Config, segmenter: Segmenter) -> io::Result<Self> {
        let listener = listen(config.listen)?;
        let cvat = config.cvat.as_ref().map(|cvat| listen(cvat.listen)).transpose()?;
        let gate = Gate::new(&config.access, config.listen);
        let metrics = Arc::new(Metrics::new());
        let bounds = Bounds {
            jobs: config.limits.jobs,
            queue: config.limits.queue,
            per_owner: config.limits.queue_per_token,
        };
        let engine = Engine::start(bounds)?;
        let parts = Parts {
            segmenter,
            options: config.options.clone(),
            owners: gate.owners(),
            limits: config.limits,
            engine: engine.clone(),
            metrics: metrics.clone(),
        };
        let desk =
            Desk::new(parts, config.store.as_deref()).map_err(|error| match &config.store {
                Some(store) => {
                    io::Error::new(error.kind(), format!("{}: {error}", store.display()))
                }
                None => error,
            })?;
        let app = Arc::new(App {
            desk,
            engine,
            metrics,
            gate,
            bodies: Arc::new(Semaphore::new(bodies(config.limits.body))),
            decoding: Arc::new(Semaphore::new(2)),
            is_ready: AtomicBool::new(false),
        });
        Ok(Self { config, app, listener, cvat })
    }

    /// Where the server's own interface is.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where CVAT finds the function.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn cvat_address(&self) -> io::Result<Option<SocketAddr>> {
        self.cvat.as_ref().map(std::net::TcpListener::local_addr).transpose()
    }

    /// Answers until `stop` ends. What runs then is finished within [`Config::drain`].
    ///
    /// # Errors
    /// Where the system has no threads left.
    pub fn run(self, stop: impl Future<Output = ()> + Send) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .max_blocking_threads(BLOCKING_THREADS)
            .enable_all()
            .build()?;
        runtime.block_on(self.serve(stop))?;
        // What still runs beside the requests is not waited for.
        runtime.shutdown_background();
        Ok(())
    }

    async fn serve(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let Self { config, app, listener, cvat } = self;
        let (ending, ended) = watch::channel(false);
        let own = own_router(&app, &config);
        let limits = config.limits;
        let mut loops = vec![tokio::spawn(accept(listener, own, limits, ended.clone()))];
        if let (Some(listener), Some(cvat)) = (cvat, &config.cvat) {
            let port = listener.local_addr()?.port();
            let router = cvat_router(&app, cvat::Function { reply: cvat.reply, port });
            loops.push(tokio::spawn(accept(listener, router, limits, ended.clone())));
        }
        let upkeep = tokio::spawn(keep_up(app.clone()));
        let warming = app.clone();
        let warm_up = tokio::task::spawn_blocking(move || warm_up(&warming));
        stop.await;
        tracing::info!("draining");
        app.engine.drain();
        let (drain, engine) = (config.drain, app.engine.clone());
        let idle = tokio::task::spawn_blocking(move || engine.wait_until_idle(drain)).await;
        ending.send_replace(true);
        let connections = futures_util::future::join_all(loops);
        let all_answered = tokio::time::timeout(LAST_ANSWERS, connections).await.is_ok();
        upkeep.abort();
        warm_up.abort();
        app.engine.end();
        tracing::info!(finished = idle.unwrap_or(false), all_answered, "ended");
        Ok(())
    }
}

/// Kibibytes of bodies that may be under way.
fn bodies(largest: u64) -> usize {
    let bytes = BODIES.max(largest.saturating_mul(2));
    usize::try_from(bytes / 1024).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Lets the network answer once: a device's kernels are built then, and what is wrong with it shows
/// before anybody waits.
fn warm_up(app: &App) {
    let options = app.desk.options();
    match app.desk.segmenter().warm_up(WARM_UP, options, &mut Watch::new()) {
        Ok(()) => {
            app.is_ready.store(true, Ordering::Release);
            tracing::info!("ready");
        }
        Err(error) => tracing::error!(%error, "the network does not work"),
    }
}

async fn keep_up(app: Shared) {
    let mut cleaned: Option<Instant> = None;
    loop {
        if cleaned.is_none_or(|cleaned| cleaned.elapsed() >= BETWEEN_CLEANINGS) {
            cleaned = Some(Instant::now());
            // Cleaning and sweeping have no result.
            let _ = app
                .aside(|app| {
                    app.desk.clean_store();
                    Ok(())
                })
                .await;
        }
        tokio::time::sleep(BETWEEN_SWEEPS).await;
        let _ = app
            .aside(|app| {
                app.desk.sweep();
                Ok(())
            })
            .await;
    }
}

/// Takes connections and answers them, until it is told to end.
async fn accept(
    listener: std::net::TcpListener,
    router: Router,
    limits: crate::config::Limits,
    mut ended: watch::Receiver<bool>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "cannot listen"),
    };
    let free = Arc::new(Semaphore::new(limits.connections));
    loop {
        let Ok(permit) = free.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = over(&mut ended) => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let answering =
                    answer(stream, router.clone(), limits.header_timeout, ended.clone());
                tokio::spawn(async move {
                    answering.await;
                    drop(permit);
                });
            }
            // Most often no file is left; that passes.
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    // All connections are over once all permits are back.
    let _ = free.acquire_many(all).await;
}

/// Waits until the server is over.
async fn over(ended: &mut watch::Receiver<bool>) {
    // Where nobody can say so any more, it is.
    let _ = ended.wait_for(|ended| *ended).await;
}

async fn answer(
    stream: TcpStream,
    router: Router,
    header_timeout: Duration,
    mut ended: watch::Receiver<bool>,
) {
    // A mask goes out at once.
    let _ = stream.set_nodelay(true);
    // Whoever does not read gives the place to others.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let stream = Box::pin(stream);
    let service = TowerToHyperService::new(router);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let done = tokio::select! {
        done = &mut connection => done,
        () = over(&mut ended) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "a connection broke");
    }
}

/// The server's own interface, the page, and what other tools call below it.
fn own_router(app: &Shared, config: &Config) -> Router {
    let (api, _) = api::router(app);
    let guarded = api
        .nest("/label-studio", label_studio::router(config.label_studio.clone()))
        .nest("/xany", xany::router())
        .route("/", get(page::page))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), let_in));
    let origins: Vec<_> =
        app.gate.origins().iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
        .expose_headers([HeaderName::from_static("x-request-id")]);
    let guarded = match app.gate.origins().is_empty() {
        true => guarded,
        false => guarded.layer(cors),
    };
    finished(guarded, app)
}

/// CVAT's listener: whoever reaches it is let in, but for pages.
fn cvat_router(app: &Shared, function: cvat::Function) -> Router {
    let router = cvat::router(function)
        .route("/healthz", get(|| async { "ok" }))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(let_cvat_in));
    finished(router, app)
}

fn finished(router: Router<Shared>, app: &Shared) -> Router {
    router
        .layer(CatchPanicLayer::custom(|_| api::fault().into_response()))
        .layer(middleware::from_fn_with_state(app.clone(), identify))
        // Bodies are bounded where they are read.
        .layer(DefaultBodyLimit::disable())
        .with_state(app.clone())
}

async fn not_found() -> Problem {
    Problem::new(Code::NotFound, "there is nothing here: /openapi.json tells what there is")
}

async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed, "this method does nothing here")
}

/// Paths that answer without a token.
const OPEN: [&str; 3] = ["/", "/healthz", "/readyz"];

async fn let_in(State(app): State<Shared>, mut request: Request, next: Next) -> Result<Response> {
    app.gate.check_host(&request)?;
    app.gate.check_origin(request.headers())?;
    let owner = match app.gate.owner(request.headers()) {
        Err(_) if OPEN.contains(&request.uri().path()) => Owner(0),
        owner => owner?,
    };
    request.extensions_mut().insert(owner);
    Ok(next.run(request).await)
}

async fn let_cvat_in(mut request: Request, next: Next) -> Result<Response> {
    // CVAT's server says none; a page's name can be made to lead here.
    if request.headers().contains_key(header::ORIGIN) {
        let why = "this address is for CVAT's server, not for pages";
        return Err(Problem::new(Code::Forbidden, why));
    }
    request.extensions_mut().insert(cvat::OWNER);
    Ok(next.run(request).await)
}

/// Gives a request its id, writes problems, counts, and writes a line of log.
async fn identify(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let has_body = request.headers().contains_key(header::TRANSFER_ENCODING)
        || request.headers().get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        if matches!(
            problem.code,
            Code::Busy | Code::TooMany | Code::Draining | Code::Timeout | Code::TooLarge
        ) {
            app.metrics.rejected(problem.code.name());
        }
        let is_unread = has_body && problem.code.may_leave_unread();
        let told = std::mem::replace(&mut response, problem.answer(&id));
        // What else was said, such as which methods there are, still holds.
        for (name, value) in told.headers() {
            if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
                response.headers_mut().append(name, value.clone());
            }
        }
        // The rest of the body is not waited for.
        if is_unread {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let status = response.status().as_u16();
    let route = route.as_deref().unwrap_or("none");
    app.metrics.request(known(&method), route, status);
    let ms = started.elapsed().as_secs_f64() * 1e3;
    match &problem {
        Some(problem) if problem.code == Code::Fault => tracing::error!(
            request_id = id, %method, route, status, ms, detail = problem.detail, "request"
        ),
        Some(problem) => tracing::info!(
            request_id = id, %method, route, status, ms, detail = problem.detail, "request"
        ),
        // Asked for every second.
        None if QUIET.contains(&route) => {
            tracing::debug!(request_id = id, %method, route, status, ms, "request");
        }
        None => tracing::info!(request_id = id, %method, route, status, ms, "request"),
    }
    response
}

/// Routes that are asked for all the time.
const QUIET: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// A method as it is counted: names of their own are everybody's to invent.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The client's own id where it is a plain word, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let sent = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let is_plain = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if let Some(id) = sent.filter(is_plain) {
        return id.to_owned();
    }
    let mut bits = [0u8; 8];
    // Without random numbers requests are still answered.
    let _ = getrandom::fill(&mut bits);
    hex(&bits)
}

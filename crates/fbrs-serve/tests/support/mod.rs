//! A server in this process, and a client.
#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "tests use what they need")]

use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::thread::JoinHandle;

use fbrs::Segmenter;
use fbrs_serve::{Config, Server};
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::Value;
use tokio::sync::oneshot;

pub(crate) const PHOTO: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/photos/000000000030.jpg");

/// The network, loaded once.
pub(crate) fn segmenter() -> Segmenter {
    static SEGMENTER: OnceLock<Segmenter> = OnceLock::new();
    SEGMENTER.get_or_init(|| Segmenter::built_in().unwrap()).clone()
}

/// A server that ends when this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) cvat: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    pub(crate) token: Option<String>,
}

/// A configuration on a free port.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config
}

pub(crate) fn start(config: Config) -> Running {
    let token = config.access.tokens.first().cloned();
    let server = Server::bind(config, segmenter()).unwrap();
    let (address, cvat) = (server.address().unwrap(), server.cvat_address().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        server
            .run(async move {
                let _ = stopped.await;
            })
            .unwrap();
    });
    Running { address, cvat, stop: Some(stop), thread: Some(thread), token }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A success, in JSON.
    pub(crate) fn ok(self) -> Value {
        assert!(self.status < 300, "{}: {}", self.status, String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// A problem of this status and code; its sentence.
    pub(crate) fn problem(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!((self.status, body["code"].as_str().unwrap()), (status, code), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["status"], status);
        assert_eq!(self.header("x-request-id"), body["request_id"].as_str().unwrap());
        body["detail"].as_str().unwrap().to_owned()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().new_agent()
}

impl Running {
    /// Ends the server and waits for it.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.call_at(&self.url(path), method, headers, body)
    }

    pub(crate) fn call_at(
        &self,
        url: &str,
        method: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = agent().run(request.body(body).unwrap()).unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str) -> Answer {
        self.call("POST", path, &[], b"")
    }

    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Answer {
        let kind = [("content-type", "application/json")];
        self.call("POST", path, &kind, body.to_string().as_bytes())
    }

    /// Sends a photo; its name.
    pub(crate) fn upload(&self, bytes: &[u8]) -> String {
        let answer = self.call("POST", "/v1/images", &[], bytes);
        assert_eq!(answer.status, 201);
        answer.ok()["image"].as_str().unwrap().to_owned()
    }

    /// A new session on a photo that was sent; its path.
    pub(crate) fn session(&self, image: &str, options: Value) -> String {
        let new = serde_json::json!({ "image": image, "options": options });
        let made = self.post_json("/v1/sessions", &new).ok();
        format!("/v1/sessions/{}", made["session"].as_str().unwrap())
    }

    pub(crate) fn click(&self, session: &str, (x, y, positive): (f64, f64, bool)) -> Answer {
        let click = serde_json::json!({ "x": x, "y": y, "positive": positive });
        self.post_json(&format!("{session}/clicks?format=none"), &click)
    }

    /// The mask of a session's object in hand.
    pub(crate) fn mask(&self, session: &str) -> image::GrayImage {
        let answer = self.get(&format!("{session}/mask"));
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"));
        image::load_from_memory(&answer.body).unwrap().into_luma8()
    }
}

/// A small photo with a red square in it.
pub(crate) fn small() -> RgbImage {
    RgbImage::from_fn(96, 64, |x, y| {
        let inside = (30..70).contains(&x) && (20..50).contains(&y);
        image::Rgb(if inside { [200, 60, 40] } else { [40, (90 + x) as u8, 60] })
    })
}

pub(crate) fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

//! Pictures of Label Studio's tasks: fetched from Label Studio and from nowhere else.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::Uri;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::api::Shared;
use crate::api::segment::{Given, have};
use crate::config::LabelStudio;
use crate::desk::names::ImageHash;
use crate::problem::{Code, Problem, Result};

/// Time for a picture to arrive.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Pictures that are fetched at the same time.
const MOST_FETCHES: usize = 3;

/// Time for which a picture is not fetched again, as long as it is in memory.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// Addresses that are remembered.
const MOST: usize = 1000;

/// Most answers that lead elsewhere before the picture comes.
const MOST_REDIRECTS: usize = 3;

#[derive(Debug)]
pub(super) struct Pictures {
    from: Option<From>,
    fetched: Mutex<HashMap<String, (ImageHash, Instant)>>,
    /// Pictures that may be fetched at the same time: a slow Label Studio does not hold up others.
    fetching: Arc<Semaphore>,
}

#[derive(Debug)]
struct From {
    config: LabelStudio,
    agent: ureq::Agent,
}

impl Pictures {
    pub(super) fn new(config: Option<LabelStudio>) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            // Where an answer leads is looked at before anybody goes there.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .build()
            .new_agent();
        Self {
            from: config.map(|config| From { config, agent }),
            fetched: Mutex::default(),
            fetching: Arc::new(Semaphore::new(MOST_FETCHES)),
        }
    }

    /// The picture of a task, as the server calls it.
    pub(super) async fn get(self: &Arc<Self>, app: &Shared, address: &str) -> Result<ImageHash> {
        if address.starts_with("data:") {
            return have(app, Given::parse(address)?, None).await;
        }
        if let Some(known) = self.known(address) {
            let there = known.clone();
            if app.decode(move |app| Ok(app.desk.has_image(&there))).await? {
                return Ok(known);
            }
        }
        let permit = self.fetching.clone().try_acquire_owned().map_err(|_| {
            let why = "too many pictures are being fetched; try again in a moment";
            Problem::new(Code::Busy, why).retry_after(Duration::from_secs(2))
        })?;
        let from = self.clone();
        let place = address.to_owned();
        let limit = app.desk.limits().body;
        let bytes = app
            .aside(move |_| {
                let _permit = permit;
                match &from.from {
                    Some(from) => from.fetch(&place, limit),
                    None => Err(Problem::invalid(format!(
                        "cannot fetch {:?}: start the server with --label-studio-url, the address \
                     of Label Studio",
                        without_query(&place)
                    ))),
                }
            })
            .await?;
        let name = have(app, Given::File(bytes), None).await?;
        self.remember(address, &name);
        Ok(name)
    }

    fn known(&self, address: &str) -> Option<ImageHash> {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, when) = fetched.get(address)?;
        (when.elapsed() < FRESH).then(|| name.clone())
    }

    fn remember(&self, address: &str, name: &ImageHash) {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if fetched.len() >= MOST {
            fetched.retain(|_, (_, when)| when.elapsed() < FRESH);
        }
        if fetched.len() < MOST {
            fetched.insert(address.to_owned(), (name.clone(), Instant::now()));
        }
    }
}

impl From {
    fn fetch(&self, address: &str, limit: u64) -> Result<Vec<u8>> {
        let failed = |why: String| {
            Problem::invalid(format!("cannot fetch {:?}: {why}", without_query(address)))
        };
        let mut place = self.within(address, &self.config.url)?;
        let key = self.authorization().map_err(&failed)?;
        let started = Instant::now();
        for _ in 0..=MOST_REDIRECTS {
            if started.elapsed() > TIMEOUT {
                return Err(failed("it takes too long".to_owned()));
            }
            let mut request = self.agent.get(&place);
            if let Some(key) = &key {
                request = request.header("authorization", key);
            }
            let mut response = request.call().map_err(|error| failed(error.to_string()))?;
            let status = response.status();
            if status.is_redirection() {
                let to = response.headers().get("location").and_then(|to| to.to_str().ok());
                let to = to.ok_or_else(|| failed("the answer leads nowhere".to_owned()))?;
                place = self.within(to, &place)?;
                continue;
            }
            if !status.is_success() {
                let advice = match status.as_u16() {
                    401 | 403 => ": give its access token with --label-studio-key-file",
                    _ => "",
                };
                return Err(failed(format!("Label Studio answered {status}{advice}")));
            }
            let mut bytes = Vec::new();
            let mut body = response.body_mut().as_reader().take(limit + 1);
            body.read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
            if bytes.len() as u64 > limit {
                let address = without_query(address);
                let why = format!("{address:?} has more than {} MiB", limit >> 20);
                return Err(Problem::new(Code::TooLarge, why));
            }
            return Ok(bytes);
        }
        Err(failed("the answers lead in a circle".to_owned()))
    }

    /// The full address of a picture that is Label Studio's.
    fn within(&self, address: &str, base: &str) -> Result<String> {
        let own: Uri = self.config.url.parse().map_err(|_| {
            Problem::new(
                Code::Fault,
                "--label-studio-url: expected an address with http:// or https://",
            )
        })?;
        let whole = match address.starts_with('/') && !address.starts_with("//") {
            true => {
                let base: Uri = base.parse().unwrap_or_else(|_| own.clone());
                let (scheme, authority) = (base.scheme_str(), base.authority());
                format!(
                    "{}://{}{address}",
                    scheme.unwrap_or("http"),
                    authority.map_or("", |authority| authority.as_str())
                )
            }
            false => address.to_owned(),
        };
        let is_own = whole.parse::<Uri>().is_ok_and(|uri| {
            uri.scheme() == own.scheme()
                && uri.authority().map(|a| a.as_str().to_ascii_lowercase())
                    == own.authority().map(|a| a.as_str().to_ascii_lowercase())
        });
        if is_own {
            return Ok(whole);
        }
        let why = format!(
            "cannot fetch {:?}: pictures are fetched from {} alone; serve it from there, or send it in \
             base64",
            without_query(address),
            self.config.url
        );
        Err(Problem::invalid(why))
    }

    /// What the request for a picture is let in by. Personal tokens are exchanged first.
    fn authorization(&self) -> std::result::Result<Option<String>, String> {
        let Some(key) = &self.config.key else { return Ok(None) };
        if key.matches('.').count() != 2 {
            return Ok(Some(format!("Token {key}")));
        }
        let place = format!("{}/api/token/refresh", self.config.url.trim_end_matches('/'));
        let body = json!({ "refresh": key }).to_string();
        let request = self.agent.post(&place).header("content-type", "application/json");
        let mut response = request.send(body).map_err(|error| error.to_string())?;
        let mut text = String::new();
        let mut reader = response.body_mut().as_reader().take(1 << 16);
        reader.read_to_string(&mut text).map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        match answer.get("access").and_then(Value::as_str) {
            Some(access) => Ok(Some(format!("Bearer {access}"))),
            None => Err(format!("Label Studio does not take the token: {}", response.status())),
        }
    }
}

/// An address without what may be secret in it.
fn without_query(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn from(url: &str) -> From {
        let config = LabelStudio { url: url.to_owned(), key: None };
        Pictures::new(Some(config)).from.unwrap()
    }

    #[test]
    fn only_label_studios_own_pictures_are_fetched() {
        let from = from("http://studio.example:8080");
        let within = |address: &str| from.within(address, "http://studio.example:8080");
        assert_eq!(within("/data/a.jpg").unwrap(), "http://studio.example:8080/data/a.jpg");
        let whole = "http://Studio.example:8080/data/a.jpg";
        assert_eq!(within(whole).unwrap(), whole);
        for address in [
            "http://evil.example/a.jpg",
            "https://studio.example:8080/a.jpg",
            "http://studio.example/a.jpg",
            "//evil.example/a.jpg",
            "http://studio.example:8080@evil.example/a.jpg",
            "file:///etc/passwd",
            "a.jpg",
        ] {
            assert_eq!(within(address).unwrap_err().code, Code::Invalid, "{address}");
        }
    }
}

//! Sends the requests of a case.

use crate::exchange::{Exchange, at};
use crate::webhook::Webhooks;
use bytes::Bytes;
use filbert_apiserver::{ApiServer, ReplyBody};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use regex::{Captures, Regex};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// Headers that are compared.
const HEADERS: [&str; 5] = ["content-type", "warning", "retry-after", "allow", "www-authenticate"];
/// How long a state is awaited before the exchange counts as different.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server said.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    /// What webhooks were asked.
    pub reviews: Vec<Value>,
}

/// What became of an exchange.
pub enum Outcome {
    Answer(Answer),
    /// Its body is not here, or belongs to a case that began with one that is not.
    Skipped,
}

pub struct Runner {
    server: ApiServer,
    case: String,
    skip: bool,
    /// Values by name, for later requests of the case.
    pub saved: HashMap<String, Value>,
    open: HashMap<String, JoinHandle<Answer>>,
    webhooks: Option<Webhooks>,
}

fn conformance() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::var_os("FILBERT_CONFORMANCE").map_or_else(|| root.join("../shared/conformance"), PathBuf::from)
}

impl Runner {
    pub fn new(server: ApiServer, webhooks: Option<Webhooks>) -> Self {
        Self { server, case: String::new(), skip: false, saved: HashMap::new(), open: HashMap::new(), webhooks }
    }

    pub async fn perform(&mut self, exchange: &Exchange) -> Outcome {
        if self.case != exchange.case {
            self.case.clone_from(&exchange.case);
            self.saved.clear();
            self.open.clear();
            self.skip = false;
            if let Some(webhooks) = &self.webhooks {
                webhooks.answer(Value::Null);
            }
            self.saved.extend(self.webhooks.iter().flat_map(|webhooks| {
                [
                    ("WEBHOOK".to_owned(), webhooks.address.to_string().into()),
                    ("CA_BUNDLE".to_owned(), webhooks.authority.as_str().into()),
                    ("WRONG_CA_BUNDLE".to_owned(), webhooks.stranger.as_str().into()),
                ]
            }));
        }
        if let (Some(answers), Some(webhooks)) = (exchange.get("webhook"), &self.webhooks) {
            webhooks.answer(self.substitute(answers));
        }
        if exchange.get("action").is_some_and(|action| action == "compact") {
            self.server.compact();
            return Outcome::Answer(Answer::default());
        }
        let mut answer = if let Some(name) = exchange.get("collect").and_then(Value::as_str) {
            let open = self.open.remove(name).expect("the watch was begun");
            open.await.expect("a watch does not panic")
        } else {
            let mut request = self.substitute(&exchange.value["request"]);
            if let Some(file) = request["bodyFile"].as_str() {
                let Ok(text) = std::fs::read_to_string(conformance().join("crds").join(file)) else {
                    self.skip = true;
                    return Outcome::Skipped;
                };
                request["raw"] = text.into();
                request["headers"]["content-type"] = "application/yaml".into();
            }
            if self.skip {
                return Outcome::Skipped;
            }
            let stream = exchange.get("stream").cloned();
            if let Some(name) = exchange.get("async").and_then(Value::as_str) {
                // The answer's head is there when the watch is registered, so nothing later is missed.
                let response = send(&self.server, &request).await;
                self.open.insert(name.to_owned(), tokio::spawn(read(response, stream.or_else(|| Some(json!({}))))));
                return Outcome::Answer(Answer::default());
            }
            self.repeat(exchange, &request, stream).await
        };
        // Whoever does not compare them has to leave none for the next one.
        answer.reviews = self.webhooks.as_ref().map(Webhooks::take).unwrap_or_default();
        for (name, path) in exchange.get("save").and_then(Value::as_object).into_iter().flatten() {
            let value = at(&answer.body, path.as_str().unwrap_or_default()).cloned();
            self.saved.insert(name.clone(), value.unwrap_or_else(|| "".into()));
        }
        let keep = exchange.texts("keep");
        if !keep.is_empty() && answer.body.is_object() && answer.status < 300 {
            answer.body = keep
                .iter()
                .map(|path| ((*path).to_owned(), at(&answer.body, path).cloned().unwrap_or_default()))
                .collect();
        }
        Outcome::Answer(answer)
    }

    /// Sends until the awaited state is there.
    async fn repeat(&self, exchange: &Exchange, request: &Value, stream: Option<Value>) -> Answer {
        let begun = Instant::now();
        loop {
            if let Some(webhooks) = &self.webhooks {
                webhooks.take();
            }
            let answer = read(send(&self.server, request).await, stream.clone()).await;
            let reached = exchange.get("until").is_none_or(|until| reached(until, &answer));
            if reached || begun.elapsed() > PATIENCE {
                return answer;
            }
            // A request is all that can be asked of a server again and again; this is not a wait for anything else.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn substitute(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (self.fill(name).as_str().unwrap_or_default().to_owned(), self.substitute(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::Array(list) => list.iter().map(|value| self.substitute(value)).collect(),
            Value::String(text) => self.fill(text),
            other => other.clone(),
        }
    }

    fn fill(&self, text: &str) -> Value {
        let fill = Regex::new(r"\$\{fill:(.):(\d+)\}").expect("the pattern is right");
        let text = fill.replace_all(text, |found: &Captures<'_>| found[1].repeat(found[2].parse().expect("a number")));
        let name = Regex::new(r"\$\{([\w.-]+)\}").expect("the pattern is right");
        let replaced = name.replace_all(&text, |found: &Captures<'_>| match self.saved.get(&found[1]) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => found[0].to_owned(),
        });
        replaced.into_owned().into()
    }
}

fn reached(until: &Value, answer: &Answer) -> bool {
    let object = |name: &str| until[name].as_object().into_iter().flatten();
    let found = |path: &str| at(&answer.body, path).cloned().unwrap_or_default();
    until.get("status").is_none_or(|status| *status == answer.status)
        && object("equal").all(|(path, value)| found(path) == *value)
        && until["present"].as_array().into_iter().flatten().all(|path| {
            let value = found(path.as_str().unwrap_or_default());
            !(value.is_null() || value == json!([]) || value == "")
        })
        && object("length").all(|(path, length)| {
            let value = found(path);
            let count = value.as_array().map_or(0, Vec::len);
            (value.is_array() || value.is_null()) && json!(count) == *length
        })
}

async fn send(server: &ApiServer, request: &Value) -> Response<ReplyBody> {
    let body = match (request.get("raw"), request.get("body")) {
        (Some(raw), _) => Some(raw.as_str().unwrap_or_default().to_owned()),
        (None, Some(body)) => Some(body.to_string()),
        (None, None) => None,
    };
    let mut headers: BTreeMap<String, String> = [("user-agent", "recorder/1.0"), ("accept", "application/json")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    if body.is_some() {
        headers.insert("content-type".to_owned(), "application/json".to_owned());
    }
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        headers.insert(name.to_lowercase(), value.as_str().unwrap_or_default().to_owned());
    }
    let mut builder = Request::builder()
        .method(request["method"].as_str().expect("a request has a method"))
        .uri(request["path"].as_str().expect("a request has a path"));
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    let built = builder.body(Full::new(Bytes::from(body.unwrap_or_default()))).expect("a recorded request is one");
    let anonymous = request["anonymous"] == true;
    let service = if anonymous { server.anonymous_service() } else { server.service() };
    service.oneshot(built).await.expect("the service answers everything")
}

async fn read(response: Response<ReplyBody>, stream: Option<Value>) -> Answer {
    let (parts, mut body) = response.into_parts();
    let mut headers = BTreeMap::new();
    for name in HEADERS {
        let values: Vec<_> = parts
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        if !values.is_empty() {
            headers.insert(name.to_owned(), values.join("\n"));
        }
    }
    let status = parts.status.as_u16();
    let mut text = Vec::new();
    let wanted =
        stream.as_ref().and_then(|stream| stream["events"].as_u64()).and_then(|count| usize::try_from(count).ok());
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame;
        if let Ok(data) = frame.into_data() {
            text.extend_from_slice(&data);
        }
        let lines = text.split(|byte| *byte == b'\n').count() - 1;
        if stream.is_some() && status == 200 && wanted.is_some_and(|wanted| lines >= wanted) {
            break;
        }
    }
    let body = if stream.is_some() && status == 200 {
        let events = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let events = events.map(|line| serde_json::from_slice::<Value>(line).expect("an event is JSON"));
        events.take(wanted.unwrap_or(usize::MAX)).collect()
    } else if headers.get("content-type").is_some_and(|kind| kind.contains("json")) {
        serde_json::from_slice(&text).expect("the body is JSON")
    } else {
        String::from_utf8_lossy(&text).into_owned().into()
    };
    Answer { status, headers, body, reviews: Vec::new() }
}

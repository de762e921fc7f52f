//! A request as the handlers see it, and the answer they give.

use crate::admission::Origin;
use crate::error::Status;
use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use serde_json::Value;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// The parameters after the question mark, decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true), decode(value, true))
        });
        Self(pairs.collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !matches!(value, "0" | "false"))
    }
}

/// Undoes percent encoding; in a query `+` is a space.
pub(crate) fn decode(text: &str, plus: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' if plus => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.clone().take(2).collect();
                match std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(decoded) if digits.len() == 2 => {
                        bytes.push(decoded);
                        rest.next();
                        rest.next();
                    }
                    _ => bytes.push(byte),
                }
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) uid: String,
    pub(crate) extra: Vec<(String, Vec<String>)>,
}

impl User {
    pub(crate) fn administrator() -> Self {
        Self {
            name: "kubernetes-admin".to_owned(),
            groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
            uid: String::new(),
            extra: Vec::new(),
        }
    }

    pub(crate) fn anonymous() -> Self {
        Self {
            name: "system:anonymous".to_owned(),
            groups: vec!["system:unauthenticated".to_owned()],
            uid: String::new(),
            extra: Vec::new(),
        }
    }

    pub(crate) fn is_administrator(&self) -> bool {
        self.groups.iter().any(|group| group == "system:masters")
    }
}

/// What is told to a caller in any case, be the request answered or refused; a clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    /// Adds a warning; the same one is told once.
    pub(crate) fn add(&self, warning: &str) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !notes.iter().any(|known| known == warning) {
            notes.push(warning.to_owned());
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One request, its body read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) user: User,
    pub(crate) notes: Notes,
}

impl Call {
    /// Who writes with this request, and how.
    pub(crate) fn origin(&self) -> Origin {
        let given = |name: &str| self.query.get(name).map(str::to_owned);
        Origin {
            user: self.user.clone(),
            field_manager: given("fieldManager"),
            field_validation: given("fieldValidation"),
            notes: self.notes.clone(),
        }
    }

    /// The answer with everything that was to be told.
    pub(crate) fn with_notes(&self, mut reply: Reply) -> Reply {
        reply.warnings.extend(self.notes.take());
        reply
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The field manager where none is named: the first part of the user agent.
    pub(crate) fn default_manager(&self) -> String {
        let agent = self.header(header::USER_AGENT);
        let name = agent.split('/').next().unwrap_or_default();
        if name.is_empty() { "unknown".to_owned() } else { name.chars().take(128).collect() }
    }
}

/// Body of an answer: whole, or pieces as they come.
pub struct ReplyBody(Inner);

enum Inner {
    Whole(Option<Bytes>),
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl ReplyBody {
    pub(crate) fn stream(stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self(Inner::Stream(Box::pin(stream)))
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Self(Inner::Whole((!bytes.is_empty()).then_some(bytes)))
    }
}

impl std::fmt::Debug for ReplyBody {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ReplyBody")
    }
}

impl http_body::Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.get_mut().0 {
            Inner::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Inner::Stream(stream) => {
                stream.as_mut().poll_next(context).map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Inner::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Inner::Stream(_) => SizeHint::default(),
        }
    }
}

/// An answer before it becomes HTTP.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) content_type: String,
    pub(crate) warnings: Vec<String>,
    pub(crate) headers: Vec<(header::HeaderName, String)>,
    pub(crate) body: ReplyBody,
}

impl Reply {
    pub(crate) fn new(code: u16, content_type: &str, body: impl Into<ReplyBody>) -> Self {
        Self {
            code,
            content_type: content_type.to_owned(),
            warnings: Vec::new(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn json(code: u16, body: &Value) -> Self {
        Self::new(code, "application/json", Bytes::from(body.to_string()))
    }

    pub(crate) fn text(code: u16, body: &'static str) -> Self {
        let mut reply = Self::new(code, "text/plain; charset=utf-8", Bytes::from_static(body.as_bytes()));
        reply.headers.push((header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()));
        reply
    }

    pub(crate) fn status(status: &Status) -> Self {
        let mut reply = Self::json(status.code, &status.to_value());
        if let Some(seconds) = status.details.get("retryAfterSeconds").and_then(Value::as_u64) {
            reply.headers.push((header::RETRY_AFTER, seconds.to_string()));
        }
        reply
    }

    pub(crate) fn into_http(self) -> Response<ReplyBody> {
        let Self { code, content_type, warnings, headers, body } = self;
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let fields = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&content_type) {
            fields.insert(header::CONTENT_TYPE, value);
        }
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        for warning in warnings {
            let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(value) = HeaderValue::from_bytes(format!("299 - \"{quoted}\"").as_bytes()) {
                fields.append(header::WARNING, value);
            }
        }
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                fields.insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_decoded() {
        let query = Query::parse("labelSelector=a%3Db%2Cc+in+%28d%29&watch=&x");
        assert_eq!(query.get("labelSelector"), Some("a=b,c in (d)"));
        assert_eq!(query.get("watch"), None);
        assert_eq!(decode("50%", false), "50%");
    }
}

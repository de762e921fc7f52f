//! The server as a `tower` service, for any body a request can have.

use crate::core::Core;
use crate::error::Status;
use crate::handle;
use crate::message::{Call, Notes, Query, Reply, ReplyBody, User};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use tower::Service;

/// Answers requests of one kind of caller; cheap to clone.
#[derive(Clone)]
pub struct ApiService {
    core: Arc<Core>,
    /// Who a request without credentials is from.
    caller: User,
}

impl ApiService {
    pub(crate) fn new(core: Arc<Core>, caller: User) -> Self {
        Self { core, caller }
    }
}

impl std::fmt::Debug for ApiService {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ApiService")
    }
}

impl<B> Service<Request<B>> for ApiService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { core, caller } = self.clone();
        Box::pin(async move { Ok(respond(&core, caller, request).await.into_http()) })
    }
}

async fn respond<B>(core: &Arc<Core>, caller: User, request: Request<B>) -> Reply
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let user = match identify(core, caller, &parts.headers) {
        Ok(user) => user,
        Err(status) => return Reply::status(&status),
    };
    let body = match Limited::new(body, handle::LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Reply::status(&Status::new(
                413,
                "RequestEntityTooLarge",
                format!("Request entity too large: limit is {}", handle::LARGEST_BODY),
            ));
        }
        Err(error) => return Reply::status(&Status::bad_request(format!("failed to read the body: {error}"))),
    };
    let call = Call {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body,
        user,
        notes: Notes::default(),
    };
    handle::handle(core, &call).await
}

/// A bearer token says who asks; a wrong one is refused.
fn identify(core: &Core, caller: User, headers: &http::HeaderMap) -> Result<User, Status> {
    let Some(value) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return Ok(caller);
    };
    let token = value.strip_prefix("Bearer ").unwrap_or_default();
    let tokens = core.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    tokens.get(token).cloned().ok_or_else(|| Status::new(401, "Unauthorized", "Unauthorized"))
}

//! The paths that an API server posts to, and what it is told where a request cannot be answered as a review.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use crate::judge::{Judge, Webhook};
use crate::review::Request;

/// Largest request that is read, in bytes. API servers take objects of up to 3 MiB, and send the old one along.
pub const LARGEST_REQUEST: usize = 8 << 20;

/// `/default/PIPELINE` and `/validate/PIPELINE`.
pub fn router(judge: Judge) -> Router {
    Router::new()
        .route("/default/{pipeline}", post(default))
        .route("/validate/{pipeline}", post(validate))
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .with_state(Arc::new(judge))
}

/// The path on which a pipeline is asked.
pub fn path(webhook: Webhook, pipeline: &str) -> String {
    match webhook {
        Webhook::Defaulting => format!("/default/{pipeline}"),
        Webhook::Validation => format!("/validate/{pipeline}"),
    }
}

type Body = Result<Bytes, BytesRejection>;

async fn default(State(judge): State<Arc<Judge>>, Path(pipeline): Path<String>, body: Body) -> Response {
    answer(&judge, Webhook::Defaulting, &pipeline, body).await
}

async fn validate(State(judge): State<Arc<Judge>>, Path(pipeline): Path<String>, body: Body) -> Response {
    answer(&judge, Webhook::Validation, &pipeline, body).await
}

async fn nowhere() -> Response {
    said(
        StatusCode::NOT_FOUND,
        "there is nothing here; admission reviews are posted to /default/PIPELINE and /validate/PIPELINE",
    )
}

async fn answer(judge: &Judge, webhook: Webhook, pipeline: &str, body: Body) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return said(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!("the request is larger than {LARGEST_REQUEST} bytes, which no API server sends"),
            );
        }
        Err(refused) => {
            return said(StatusCode::BAD_REQUEST, &format!("the body was cut off: {}", refused.body_text()));
        }
    };
    let request = match Request::parse(&body) {
        Ok(request) => request,
        Err(malformed) => return said(StatusCode::BAD_REQUEST, &malformed.to_string()),
    };
    match judge.answer(webhook, pipeline, request).await {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer.to_json()).into_response(),
        Err(unknown) => said(StatusCode::NOT_FOUND, &unknown.to_string()),
    }
}

/// API servers put the text into the error that people see.
fn said(status: StatusCode, text: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n")).into_response()
}

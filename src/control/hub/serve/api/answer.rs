//! Answers, and errors as TAXII has them (2.1, 3.6.1).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::outputs::hub::taxii::MEDIA_TYPE;

/// Why something is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: u16,
    title: String,
    description: String,
    after: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: u16, title: &str, description: &str) -> Self {
        let (title, description) = (title.to_owned(), description.to_owned());
        Self { status, title, description, after: None }
    }

    pub(super) fn not_found(title: &str) -> Self {
        Self::new(404, title, "")
    }

    /// It may go after so many seconds.
    pub(super) fn later(status: u16, title: &str, seconds: u64) -> Self {
        Self { after: Some(seconds), ..Self::new(status, title, "") }
    }

    /// The store does not do as asked: what it says is for the log alone.
    pub(super) fn broken(error: anyhow::Error) -> Self {
        tracing::error!("the store cannot be read: {error:#}");
        Self::later(503, "the store cannot be read", 30)
    }

    pub(super) fn response(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut body = json!({ "title": self.title, "http_status": self.status.to_string() });
        if let (false, Some(object)) = (self.description.is_empty(), body.as_object_mut()) {
            object.insert("description".to_owned(), json!(self.description));
        }
        let mut response = json_answer(status, &body);
        if let Some(after) = self.after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}

/// An answer of that body.
pub(super) fn answer(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let media = HeaderValue::from_static(MEDIA_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}

/// An answer of that value.
pub(super) fn json_answer(status: StatusCode, value: &Value) -> Response {
    answer(status, Body::from(value.to_string()))
}

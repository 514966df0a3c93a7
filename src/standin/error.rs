//! Refusals, in GitHub's words and GitHub's JSON.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A request that is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    errors: Vec<Value>,
    retry_after: Option<u64>,
}

/// An answer or a refusal.
pub(super) type Answer = Result<Response, Refusal>;

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new(), retry_after: None }
    }

    /// 400: the body is no JSON.
    pub(super) fn bad_json() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Problems parsing JSON")
    }

    /// 401, for whatever reason GitHub gives.
    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// 403, for whatever reason GitHub gives.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404: it is not there, or not for this token.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// 404 with a reason.
    pub(super) fn gone(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// Any other status with a sentence.
    pub(super) fn with(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, message)
    }

    /// 422 with one error about a field.
    pub(super) fn invalid(resource: &str, field: &str, code: &str, message: &str) -> Self {
        let mut refusal = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed");
        let mut error = json!({"resource": resource, "field": field, "code": code});
        if let Some(object) = error.as_object_mut()
            && !message.is_empty()
        {
            object.insert("message".to_owned(), json!(message));
        }
        refusal.errors.push(error);
        refusal
    }

    /// 422 in one sentence: what does not fit the schema.
    pub(super) fn unfit(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// 422 with plain sentences as errors, as reviews have them.
    pub(super) fn unprocessable(errors: &[&str]) -> Self {
        let mut refusal = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable Entity");
        refusal.errors = errors.iter().map(|error| json!(error)).collect();
        refusal
    }

    /// An injected failure.
    pub(super) fn fault(status: u16, message: &str, retry_after: Option<u64>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self { retry_after, ..Self::new(status, message) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({"message": self.message});
        if let Some(object) = body.as_object_mut() {
            if !self.errors.is_empty() {
                object.insert("errors".to_owned(), Value::Array(self.errors));
            }
            object.insert("documentation_url".to_owned(), json!("https://docs.github.com/rest"));
            object.insert("status".to_owned(), json!(self.status.as_u16().to_string()));
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Builds an answer.
#[expect(clippy::unnecessary_wraps, reason = "endpoints end in it, and they can fail")]
pub(super) fn answer(status: StatusCode, body: Value) -> Answer {
    Ok((status, Json(body)).into_response())
}

/// Builds a 200.
pub(super) fn ok(body: Value) -> Answer {
    answer(StatusCode::OK, body)
}

/// Builds a 201.
pub(super) fn created(body: Value) -> Answer {
    answer(StatusCode::CREATED, body)
}

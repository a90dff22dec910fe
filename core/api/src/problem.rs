//! RFC 9457 problem documents: how every refusal and failure of the API looks.
//!
//! Handlers return an [`ApiError`]; it travels as a response extension until [`finish`] writes the document, for
//! only there the request id is known. Answers that some library made (a 405, a body that is too large) become
//! problem documents on the same way. What went wrong inside the hub is written to its log, never to the answer.

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ironcore_types::{ErrorCode, Seams};

use crate::acknowledge;
use crate::error::ApiError;
use crate::extract::RequestId;
use crate::wire::{Fault, Problem};

/// The header that carries the request id, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What a problem document will say, on its way from a handler to [`finish`].
#[derive(Debug, Clone)]
struct Draft {
    code: ErrorCode,
    detail: String,
    errors: Vec<Fault>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = self.code();
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(code = code.as_str(), error = %Chain(&self), "request failed");
        }
        let mut response = status.into_response();
        if let Some(wait) = self.wait() {
            // Whole seconds, and none too few.
            let seconds = HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        let draft = Draft {
            code,
            detail: self.detail(),
            errors: self.into_faults(),
        };
        response.extensions_mut().insert(draft);
        response
    }
}

/// An error with its sources, for the log.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// The HTTP status that belongs to a code.
pub(crate) fn status_of(code: ErrorCode) -> StatusCode {
    use ErrorCode as C;
    match code {
        C::AuthRequired => StatusCode::UNAUTHORIZED,
        C::AuthDenied | C::AuthSecondFactor => StatusCode::FORBIDDEN,
        C::NotFound | C::TaskNotFound | C::SnapshotNotFound | C::DatastoreNotFound => StatusCode::NOT_FOUND,
        C::Conflict
        | C::SnapshotExists
        | C::SnapshotNotOk
        | C::DatastoreNotEmpty
        | C::DatastoreForeign
        | C::DatastoreShared
        | C::RestoreTargetExists
        | C::JobOverlap
        | C::TaskFinal => StatusCode::CONFLICT,
        C::RequestInvalid => StatusCode::BAD_REQUEST,
        C::ConfigInvalid
        | C::ScheduleInvalid
        | C::PluginConfig
        | C::PluginCapability
        | C::TemplateInvalid
        | C::SecretMissing => StatusCode::UNPROCESSABLE_ENTITY,
        C::AuthProvider => StatusCode::BAD_GATEWAY,
        C::Overloaded => StatusCode::TOO_MANY_REQUESTS,
        C::DatastoreOffline | C::LedgerUnavailable | C::LedgerLocked => StatusCode::SERVICE_UNAVAILABLE,
        C::DatastoreFull | C::DatastoreInodes => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What an answer without a draft means: the code, and the sentence for people.
fn draft_of(status: StatusCode) -> Draft {
    let (code, detail) = match status {
        StatusCode::UNAUTHORIZED => (ErrorCode::AuthRequired, "The request carried no valid token."),
        StatusCode::FORBIDDEN => (ErrorCode::AuthDenied, "The token has no right to do this."),
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => (
            ErrorCode::RequestInvalid,
            "This address does not know the method; see the Allow header.",
        ),
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
            (ErrorCode::Overloaded, "The request took too long.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::RequestInvalid, "The body of the request is too large."),
        status if status.is_client_error() => (ErrorCode::RequestInvalid, "The request is not valid."),
        _ => (
            ErrorCode::Internal,
            "The hub failed; its log tells more under the request id.",
        ),
    };
    Draft {
        code,
        detail: detail.to_owned(),
        errors: Vec::new(),
    }
}

/// A client's own request id is taken over when it is short and plain; else one is made.
fn request_id(request: &Request, seams: &Seams) -> String {
    let plain = |text: &&str| {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(plain)
        .map_or_else(|| seams.uuid().to_string(), str::to_owned)
}

/// Gives the request its id, and turns every refusal and failure into a problem document that names it; but for pages that
/// people look at.
pub(crate) async fn finish(seams: Seams, mut request: Request, next: Next) -> Response {
    use tracing::Instrument as _;

    let id = request_id(&request, &seams);
    let span = tracing::info_span!(
        "request",
        id = id.as_str(),
        method = request.method().as_str(),
        path = acknowledge::shown(request.uri().path())
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).instrument(span).await;
    let status = response.status();
    let written = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == PROBLEM_JSON || kind.as_bytes().starts_with(b"text/html"));
    if (status.is_client_error() || status.is_server_error()) && !written {
        let draft = response
            .extensions_mut()
            .remove::<Draft>()
            .unwrap_or_else(|| draft_of(status));
        response = document(response, draft, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn document(before: Response, draft: Draft, id: &str) -> Response {
    let status = before.status();
    let problem = Problem {
        problem_type: format!("urn:ironcore-backup:error:{}", draft.code),
        title: draft.code.summary().trim_end_matches('.').to_owned(),
        status: status.as_u16(),
        code: draft.code,
        detail: draft.detail,
        request_id: id.to_owned(),
        errors: draft.errors,
    };
    // A problem is plain data, which always becomes JSON.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    for kept in [axum::http::header::ALLOW, RETRY_AFTER] {
        if let Some(value) = before.headers().get(&kept) {
            headers.insert(kept, value.clone());
        }
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"ironcore-backup\""),
        );
    }
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
        headers
            .entry(RETRY_AFTER)
            .or_insert(HeaderValue::from_static("5"));
    }
    response
}

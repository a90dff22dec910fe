//! The embedded dashboard: its files as they were built, and its first page for every address that is no file.

use axum::extract::Request;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../dashboard/dist"]
struct Files;

/// The first page, whose router shows all others.
const FIRST_PAGE: &str = "index.html";

/// Answers with a file of the dashboard, or with its first page for the address of any page; a missing file is a 404.
pub(crate) async fn serve(request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let found = match Files::get(path) {
        Some(file) if !path.is_empty() => Some((path, file)),
        _ if is_page(path, request.headers()) => Files::get(FIRST_PAGE).map(|file| (FIRST_PAGE, file)),
        _ => None,
    };
    match found {
        Some((path, file)) => answer(path, file, &request),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Whether `path`, which is no file, is the address of a page. A page's last part may have a dot, such as a UPID with
/// the user `mara@acme.example`: a browser that goes there asks for HTML, one that misses a picture does not.
fn is_page(path: &str, headers: &HeaderMap) -> bool {
    if path.starts_with("assets/") {
        return false;
    }
    let dotted = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let wants_html = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html"));
    !dotted || wants_html
}

fn answer(path: &str, file: EmbeddedFile, request: &Request) -> Response {
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    // The build puts a hash of the content into the names below `assets/`, so these never change.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known = request
        .headers()
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        // A proxy that compresses weakens the tag; the file is the same.
        .any(|candidate| candidate.trim().trim_start_matches("W/") == tag);
    let head = [(CACHE_CONTROL, cache.to_owned()), (ETAG, tag)];
    if known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    let kind = content_type(file.metadata.mimetype());
    (head, [(CONTENT_TYPE, kind)], file.data).into_response()
}

/// Text without a character set would be guessed at.
fn content_type(mime: &str) -> String {
    if mime.starts_with("text/") && !mime.contains("charset") {
        format!("{mime}; charset=utf-8")
    } else {
        mime.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// What a browser sends when it goes to an address.
    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    const TASK: &str =
        "/tasks/UPID:hub:00000D1C:0001A2B3:00000001:6A0E5F80:backup:ibs%5Cx2dprimary:mara@acme.example:";

    /// Status and kind of the answer to `GET path`.
    async fn ask(path: &str, accept: &str) -> (StatusCode, String) {
        let request = axum::http::Request::get(path).header(ACCEPT, accept);
        let response = serve(request.body(Body::empty()).expect("request")).await;
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        (response.status(), kind.to_owned())
    }

    #[tokio::test]
    async fn pages_get_the_first_page_with_dots_too() {
        let page = (StatusCode::OK, "text/html; charset=utf-8".to_owned());
        for path in ["/", "/tasks", TASK, "/snapshots/2026-05-21T00:00:00.5Z"] {
            assert_eq!(ask(path, BROWSER).await, page, "{path}");
        }
        assert_eq!(ask("/tasks", "*/*").await, page);
    }

    #[tokio::test]
    async fn files_are_themselves_or_missing() {
        let icon = (StatusCode::OK, "image/svg+xml".to_owned());
        assert_eq!(ask("/favicon.svg", BROWSER).await, icon);
        for (path, accept) in [
            ("/assets/gone.js", BROWSER),
            ("/assets/", BROWSER),
            ("/favicon.ico", "image/avif,image/webp,*/*;q=0.8"),
        ] {
            assert_eq!(ask(path, accept).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

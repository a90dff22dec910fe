//! The embedded dashboard: its files as they were built, and its first page for every address that is no file.

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../dashboard/dist"]
struct Files;

/// Answers with a file of the dashboard. Addresses of its pages (those whose last part has no dot) get the first
/// page, whose router shows them; a missing file is a 404.
pub(crate) async fn serve(request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let found = match Files::get(path) {
        Some(file) if !path.is_empty() => Some((path, file)),
        _ if is_page => Files::get("index.html").map(|file| ("index.html", file)),
        _ => None,
    };
    match found {
        Some((path, file)) => answer(path, file, &request),
        None => StatusCode::NOT_FOUND.into_response(),
    }
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

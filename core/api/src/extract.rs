//! Extractors that refuse as problem documents do, and name the key that is wrong.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use ironcore_types::ErrorCode;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::wire::Fault;

/// A JSON body. Unknown keys and wrong values are refused with their path.
#[derive(Debug)]
pub(crate) struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let json = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !json {
            return Err(ApiError::Http {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                detail: "The body must be JSON, with Content-Type: application/json.".to_owned(),
            });
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ApiError::Http {
                status: rejection.status(),
                detail: rejection.body_text(),
            })?;
        read_json(&bytes).map(Self)
    }
}

/// Like [`Json`], but a request without a body stands for the default.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ApiError::Http {
                status: rejection.status(),
                detail: rejection.body_text(),
            })?;
        if bytes.trim_ascii().is_empty() {
            Ok(Self(T::default()))
        } else {
            read_json(&bytes).map(Self)
        }
    }
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let key = match error.path().to_string() {
            path if path == "." => String::new(),
            path => path,
        };
        let detail = error.inner().to_string();
        ApiError::faulty(
            "The body of the request is not valid.",
            vec![Fault {
                object: None,
                key,
                code: ErrorCode::RequestInvalid,
                detail,
            }],
        )
    })?;
    reader
        .end()
        .map_err(|_| ApiError::invalid("There is something behind the JSON value of the body."))?;
    Ok(value)
}

/// Query parameters.
#[derive(Debug)]
pub(crate) struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let axum::extract::Query(value) =
            axum::extract::Query::<T>::try_from_uri(&parts.uri).map_err(|rejection| {
                let text = rejection.body_text();
                ApiError::invalid(match text.contains("duplicate field") {
                    true => format!(
                        "{text}: give each parameter once; one that takes several values takes them separated by commas"
                    ),
                    false => text,
                })
            })?;
        Ok(Self(value))
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct From {
    /// Whose connection it is; none where the server does not know.
    pub(crate) address: Option<IpAddr>,
    /// Its id.
    pub(crate) request: Option<String>,
}

/// The id of a request, for what is told of it later.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self {
            // The same machine's, whichever way it is written.
            address: peer.map(|peer| peer.0.ip().to_canonical()),
            request: parts.extensions.get::<RequestId>().map(|id| id.0.clone()),
        })
    }
}

/// Path parameters, percent-decoded.
#[derive(Debug)]
pub(crate) struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        match read {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::Http {
                status: rejection.status(),
                detail: rejection.body_text(),
            }),
        }
    }
}

/// Reads a list written `a,b,c`; empty parts are left out.
pub(crate) fn list<T>(name: &str, text: Option<&str>) -> Result<Vec<T>, ApiError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let parts = text
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(|part| one(name, part)).collect()
}

/// Reads a query parameter that may be missing or empty.
pub(crate) fn optional<T>(name: &str, text: Option<&str>) -> Result<Option<T>, ApiError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| one(name, text))
        .transpose()
}

fn one<T>(name: &str, text: &str) -> Result<T, ApiError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| parameter(name, &error))
}

/// A refusal of one query parameter.
pub(crate) fn parameter(name: &str, error: &dyn std::fmt::Display) -> ApiError {
    let detail = error.to_string();
    ApiError::faulty(
        format!("The parameter {name} is not valid: {detail}"),
        vec![Fault {
            object: None,
            key: name.to_owned(),
            code: ErrorCode::RequestInvalid,
            detail,
        }],
    )
}

/// The most items of one page.
pub(crate) const MAX_LIMIT: u32 = 1000;

/// Checks a page limit.
pub(crate) fn limit(wanted: Option<u32>, default: u32) -> Result<u32, ApiError> {
    match wanted {
        None => Ok(default),
        Some(0) => Err(parameter("limit", &"it must be at least 1")),
        Some(limit) => Ok(limit.min(MAX_LIMIT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_types::{TaskState, TaskType};

    #[test]
    fn lists_are_split_and_ignore_case() {
        let types: Vec<TaskType> = list("type", Some("backup, Verify,")).expect("types");
        assert_eq!(types, [TaskType::Backup, TaskType::Verify]);
        assert!(list::<TaskState>("status", Some("done")).is_err());
        assert!(list::<TaskState>("status", None).expect("none").is_empty());
    }

    #[test]
    fn limits_have_a_ceiling_and_a_floor() {
        assert_eq!(limit(None, 100).expect("default"), 100);
        assert_eq!(limit(Some(5000), 100).expect("capped"), 1000);
        assert!(limit(Some(0), 100).is_err());
    }
}

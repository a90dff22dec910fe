//! Tokens: the secret in the request becomes an [`Access`], before any route is looked at.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ironcore_ledger::Ledger;
use sha2::{Digest, Sha256};

use crate::access::{Access, Key};
use crate::error::ApiError;
use crate::extract::From;
use crate::logins;
use crate::state::ApiState;

/// What stands before the random part of a secret, so that scanners for leaked secrets can tell it.
const PREFIX: &str = "ibs_";
/// Longer ones are not looked up.
const LONGEST_SECRET: usize = 512;

/// A new secret of 256 random bits: the text for its user, and the SHA-256 of it for the ledger.
pub fn new_secret() -> Result<(String, [u8; 32]), ApiError> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ApiError::Internal("the machine gave no random bytes"))?;
    let secret = format!("{PREFIX}{}", hex::encode(bytes));
    let hash = secret_hash(&secret);
    Ok((secret, hash))
}

/// What the ledger keeps of a secret.
pub fn secret_hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Lets a request pass when its token, or what its browser is signed in with, is known, and says who asks.
pub(crate) async fn require_token(
    State(state): State<ApiState>,
    from: From,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    // A browser sends its cookie with whatever it is made to ask: what changes something comes from the hub's own pages.
    let (key, is_own) = match (bearer(headers), logins::secret_of(headers)) {
        (Some(secret), _) => (Key::Token(secret_hash(secret)), true),
        (None, Some(secret)) => {
            let is_own = request.method().is_safe() || logins::is_own(headers, secret);
            (Key::Login(secret_hash(secret)), is_own)
        }
        (None, None) => return ApiError::Unauthorized.into_response(),
    };
    match access_of(state.ledger(), key).await {
        Ok(Some(_)) if !is_own => {
            ApiError::denied("change anything without the header X-CSRF-Token").into_response()
        }
        Ok(Some(mut access)) => {
            access.address = from.address;
            access.request = from.request;
            request.extensions_mut().insert(access);
            next.run(request).await
        }
        Ok(None) => {
            tracing::warn!("request with an unknown, expired or revoked token");
            ApiError::Unauthorized.into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// Who uses this key, as long as it is good.
pub(crate) async fn access_of(ledger: &Ledger, key: Key) -> Result<Option<Access>, ApiError> {
    let found = match key {
        Key::Token(hash) => {
            let found = ledger.token_by_hash(hash).await?;
            found.map(|(token, rights)| (token.user, token.role, rights, token.project, token.expires))
        }
        Key::Login(hash) => {
            let found = ledger.login_by_hash(hash).await?;
            found.map(|login| {
                (
                    login.user,
                    login.role,
                    login.rights,
                    login.project,
                    Some(login.expires),
                )
            })
        }
    };
    Ok(found.map(|(user, role, rights, project, expires)| Access {
        user,
        role,
        rights,
        project,
        expires,
        key,
        address: None,
        request: None,
    }))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    let secret = secret.trim();
    let usable = scheme.eq_ignore_ascii_case("bearer") && (1..=LONGEST_SECRET).contains(&secret.len());
    usable.then_some(secret)
}

impl<S: Send + Sync> FromRequestParts<S> for Access {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(ApiError::Unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_hash_alike() {
        let (one, hash) = new_secret().expect("secret");
        let (other, _) = new_secret().expect("secret");
        assert_ne!(one, other);
        assert_eq!(one.len(), PREFIX.len() + 64);
        assert_eq!(secret_hash(&one), hash);
    }

    #[test]
    fn only_bearer_secrets_are_read() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().expect("header"));
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("Basic abc"), None);
        assert_eq!(read("Bearer "), None);
    }
}

//! Signing in at an identity provider (OpenID Connect Core 1.0, authorization code flow with PKCE, RFC 7636): what is asked
//! of it, and what it says. Everything goes out through `egress`; who may do what with it is the routes' and the ledger's.

mod claims;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ironcore_egress::{Egress, FetchRequest, HttpRequest, SecretName, SecretSlot};
use ironcore_types::{ErrorCode, Moment, ProjectName, RoleName, Seams};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::error::ApiError;

pub(crate) use claims::Claims;

/// What a provider says of itself, and its keys, are asked anew after this.
const FRESH: Duration = Duration::from_secs(3_600);
/// Keys that are not known are asked for no sooner than this after the last time.
const AGAIN: Duration = Duration::from_secs(30);
/// The longest answer, bytes.
const MAX_ANSWER: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(15);

/// An identity provider, as it is configured.
#[derive(Debug, Clone)]
pub struct OidcProvider {
    /// The realm of its users.
    pub realm: String,
    /// What people know it by.
    pub title: String,
    /// Its identifier: the address below which it describes itself.
    pub issuer: String,
    /// By which it knows the hub.
    pub client_id: String,
    /// The secret that it shares with the hub; none for a public client.
    pub client_secret: Option<SecretName>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that is a user's name.
    pub name_claim: String,
    /// The claim that lists a user's groups.
    pub groups_claim: String,
    /// Whether users are made when they sign in first.
    pub create_users: bool,
    /// Which roles go with which groups.
    pub grants: Vec<GroupGrant>,
    /// Where the hub is reached.
    pub hub: String,
}

/// A role that goes with a group.
#[derive(Debug, Clone)]
pub struct GroupGrant {
    /// The group, as the provider names it.
    pub group: String,
    /// The role.
    pub role: RoleName,
    /// In this project; on the whole hub when none.
    pub project: Option<ProjectName>,
}

impl OidcProvider {
    /// Where people come back to.
    pub(crate) fn back(&self) -> String {
        format!("{}/api/v1/login/oidc/{}/callback", self.hub, self.realm)
    }
}

/// What a provider says of itself (OpenID Connect Discovery 1.0).
#[derive(Debug, Clone, Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Debug, Clone)]
struct Known {
    discovered: Arc<Discovered>,
    keys: Arc<JwkSet>,
    at: Moment,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

/// The providers of this hub, with what was learnt of them.
pub struct Oidc {
    providers: Vec<OidcProvider>,
    egress: Egress,
    seams: Seams,
    known: Mutex<HashMap<String, Known>>,
}

/// What one login goes by, from its beginning to its end; the browser keeps it sealed.
#[derive(Clone, serde::Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) realm: String,
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
    /// Microseconds UTC.
    pub(crate) until: i64,
}

fn random() -> Result<String, ApiError> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ApiError::Internal("the machine gave no random bytes"))?;
    Ok(hex::encode(bytes))
}

impl Begun {
    pub(crate) fn new(realm: &str, until: i64) -> Result<Self, ApiError> {
        Ok(Self {
            realm: realm.to_owned(),
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            until,
        })
    }
}

/// Something is wrong at the provider, or between it and the hub.
fn failed(realm: &str, why: impl std::fmt::Display) -> ApiError {
    tracing::warn!(realm, %why, "signing in at an identity provider failed");
    ApiError::Invalid {
        code: ErrorCode::AuthProvider,
        detail: format!("Signing in at the identity provider of {realm} failed: {why}"),
        faults: Vec::new(),
    }
}

impl Oidc {
    /// Those that are configured. Nothing is asked of them yet.
    pub fn new(providers: Vec<OidcProvider>, egress: Egress, seams: Seams) -> Self {
        Self {
            providers,
            egress,
            seams,
            known: Mutex::default(),
        }
    }

    /// All of them.
    pub(crate) fn providers(&self) -> &[OidcProvider] {
        &self.providers
    }

    /// The one of a realm.
    pub(crate) fn of(&self, realm: &str) -> Result<&OidcProvider, ApiError> {
        let found = self.providers.iter().find(|provider| provider.realm == realm);
        found.ok_or_else(|| ApiError::not_found(format!("identity provider of realm {realm}")))
    }

    async fn ask<T: DeserializeOwned>(&self, realm: &str, request: HttpRequest) -> Result<T, ApiError> {
        let url = request.url.clone();
        let fetched = self.egress.fetch(FetchRequest {
            request: HttpRequest {
                timeout: TIMEOUT,
                ..request
            },
            pin: None,
            max_answer: MAX_ANSWER,
        });
        let fetched = fetched.await.map_err(|failure| failed(realm, failure.reason))?;
        if fetched.status != 200 {
            return Err(failed(realm, format!("{url} answered {}", fetched.status)));
        }
        serde_json::from_slice(&fetched.body)
            .map_err(|_| failed(realm, format!("{url} answered what cannot be read")))
    }

    /// What is known of a provider, asked anew when that is too old.
    async fn known(&self, provider: &OidcProvider, oldest: Duration) -> Result<Known, ApiError> {
        let realm = provider.realm.as_str();
        let now = self.seams.moment();
        let held = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(realm)
            .cloned();
        if let Some(known) = held.filter(|known| now.since(known.at) < oldest) {
            return Ok(known);
        }
        let issuer = provider.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let discovered: Discovered = self.ask(realm, HttpRequest::new("GET", url)).await?;
        if discovered.issuer != provider.issuer {
            return Err(failed(realm, format!("it calls itself {}", discovered.issuer)));
        }
        let keys = self
            .ask(realm, HttpRequest::new("GET", discovered.jwks_uri.clone()))
            .await?;
        let known = Known {
            discovered: Arc::new(discovered),
            keys: Arc::new(keys),
            at: now,
        };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(realm.to_owned(), known.clone());
        Ok(known)
    }

    /// Where a browser is sent to sign in.
    pub(crate) async fn beginning(&self, provider: &OidcProvider, begun: &Begun) -> Result<String, ApiError> {
        let known = self.known(provider, FRESH).await?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(begun.verifier.as_bytes()));
        let mut scope = vec!["openid"];
        scope.extend(provider.scopes.iter().map(String::as_str));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &provider.client_id),
            ("redirect_uri", &provider.back()),
            ("scope", &scope.join(" ")),
            ("state", &begun.state),
            ("nonce", &begun.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let endpoint = &known.discovered.authorization_endpoint;
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{joint}{query}"))
    }

    /// What the provider says of who came back with `code`.
    pub(crate) async fn end(
        &self,
        provider: &OidcProvider,
        begun: &Begun,
        code: &str,
    ) -> Result<Claims, ApiError> {
        let realm = provider.realm.as_str();
        let known = self.known(provider, FRESH).await?;
        let back = provider.back();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &back),
            ("code_verifier", &begun.verifier),
        ];
        let mut request = HttpRequest::new("POST", known.discovered.token_endpoint.clone());
        match &provider.client_secret {
            Some(secret) => request.slots.push(SecretSlot::Basic {
                user: provider.client_id.clone(),
                secret: secret.clone(),
            }),
            None => fields.push(("client_id", &provider.client_id)),
        }
        request.body = form(&fields).into_bytes();
        request.headers.push((
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        ));
        request.hide = vec![code.to_owned(), begun.verifier.clone()];
        let tokens: Tokens = self.ask(realm, request).await?;
        let now = self.seams.now();
        let mut keys = known.keys;
        // One that signs with a new key may not have been heard of yet.
        if !claims::is_known(&tokens.id_token, &keys) {
            keys = self.known(provider, AGAIN).await?.keys;
        }
        claims::verify(&tokens.id_token, &keys, provider, &begun.nonce, now).map_err(|why| failed(realm, why))
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

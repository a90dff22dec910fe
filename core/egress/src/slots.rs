//! The typed places of a request that a secret may fill. Guests and configurations name secrets; putting the values
//! in is [`crate::fill`]'s part.

use reqwest::header::HeaderName;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::EgressError;
use crate::failure::Failure;
use crate::redact::Redactor;
use crate::secrets::{SecretName, Secrets};

/// A place in a request and the secret that fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "slot", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretSlot {
    /// The secret is the whole URL, as with chat tools whose address is the credential.
    Url {
        /// Which secret.
        secret: SecretName,
    },
    /// The secret replaces one segment of the URL's path, or is appended when `index` is their number.
    PathSegment {
        /// From 0.
        index: usize,
        /// Which secret.
        secret: SecretName,
    },
    /// The secret is a parameter of the URL's query, in place of any of that name.
    Query {
        /// The parameter.
        name: String,
        /// Which secret.
        secret: SecretName,
    },
    /// The secret is the value of a header, after a prefix such as `Bearer `.
    Header {
        /// The header.
        name: String,
        /// What stands before the secret.
        #[serde(default)]
        prefix: String,
        /// Which secret.
        secret: SecretName,
    },
    /// The secret is an API token of a hub, `USER@REALM!NAME=SECRET` or its last part alone, as a bearer credential.
    Token {
        /// Which secret.
        secret: SecretName,
    },
    /// The secret is the password of a basic credential (RFC 7617).
    Basic {
        /// The user; no colon.
        user: String,
        /// Which secret.
        secret: SecretName,
    },
    /// The secret is a string within the JSON body (RFC 6901); what it lies in must exist.
    Body {
        /// The pointer, such as `/routing_key`.
        pointer: String,
        /// Which secret.
        secret: SecretName,
    },
}

impl SecretSlot {
    /// The secret's name.
    pub fn secret(&self) -> &SecretName {
        match self {
            Self::Url { secret }
            | Self::PathSegment { secret, .. }
            | Self::Query { secret, .. }
            | Self::Header { secret, .. }
            | Self::Token { secret }
            | Self::Basic { secret, .. }
            | Self::Body { secret, .. } => secret,
        }
    }
}

/// Opens a secret and notes it for redaction.
pub(crate) fn open(
    secrets: &Secrets,
    name: &SecretName,
    redactor: &mut Redactor,
) -> Result<SecretString, EgressError> {
    let value = secrets.reveal(name)?;
    redactor.add(value.expose_secret());
    Ok(value)
}

/// The URL to call: the one given, or the secret one.
pub(crate) fn url(
    given: &str,
    slots: &[SecretSlot],
    secrets: &Secrets,
    redactor: &mut Redactor,
) -> Result<Url, Failure> {
    let secret = slots.iter().find_map(|slot| match slot {
        SecretSlot::Url { secret } => Some(secret),
        _ => None,
    });
    let url = match secret {
        None => {
            Url::parse(given).map_err(|error| Failure::invalid(format!("the URL is not valid: {error}")))?
        }
        Some(name) => {
            let value = open(secrets, name, redactor)?;
            let text = value.expose_secret().trim();
            let unfit = |_| EgressError::SecretUnfit {
                name: name.clone(),
                reason: "it is not a URL",
            };
            let url = Url::parse(text).map_err(unfit)?;
            redactor.add_url(text, &url);
            url
        }
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(Failure::invalid("the URL is not one of http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::invalid(
            "the URL holds a user or password; name a secret for a credential instead",
        ));
    }
    Ok(url)
}

/// Headers that the connection owns; setting them would confuse the two ends about where a message stops.
const OWNED: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// A header's name, unless it is not the sender's to set.
pub(crate) fn header_name(name: &str) -> Result<HeaderName, Failure> {
    let lower = name.to_ascii_lowercase();
    let header = HeaderName::try_from(&lower)
        .map_err(|_| Failure::invalid(format!("{name:?} is not the name of a header")))?;
    if OWNED.contains(&lower.as_str()) || lower.starts_with("proxy-") {
        return Err(Failure::invalid(format!(
            "the header {lower} is not the sender's to set"
        )));
    }
    Ok(header)
}

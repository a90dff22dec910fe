//! Links by which who was told of an incident says that they see to it: signed by the hub, good for one incident and for a
//! while, and for nothing else. They hold no secret of the hub, and the ledger holds none of them.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ironcore_ledger::model::HandlerRef;
use ironcore_types::{IncidentId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What a link is for; a signature for anything else is none for it.
const PURPOSE: &[u8] = b"ironcore-backup acknowledge v1\n";
/// How long a link is good, seconds: a week.
const GOOD: u64 = 7 * 86_400;

/// Signs links, and knows those that it signed. Hubs that share it know each other's.
#[derive(Clone)]
pub struct LinkKey(hmac::Key);

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey")
    }
}

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The incident that is acknowledged.
    pub incident: IncidentId,
    /// The handler whose message held it.
    handler: String,
    /// Not good after this, seconds since 1970.
    until: i64,
}

/// A link that is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    /// It was not signed by this hub, or was changed.
    #[error("this link is not one of this hub")]
    Unknown,
    /// It was good once.
    #[error("this link is too old")]
    Expired,
}

impl LinkKey {
    /// A key of its own, made of a secret of the hub, which it does not give away.
    pub fn derived(secret: &[u8]) -> Self {
        let parent = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let own = hmac::sign(&parent, PURPOSE);
        Self(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    /// What stands at the end of a link of a message that was made at `made`: the same at each attempt.
    pub fn token(&self, incident: IncidentId, handler: &HandlerRef, made: Timestamp) -> String {
        let link = Link {
            incident,
            handler: handler.to_string(),
            until: made.after(std::time::Duration::from_secs(GOOD)).as_seconds(),
        };
        // An object of texts and a number can always be written.
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&link).unwrap_or_default());
        let signature = hmac::sign(&self.0, payload.as_bytes());
        format!("{payload}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What a link says, if it is good.
    ///
    /// # Errors
    /// It is not of this hub, or too old.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Link, BadLink> {
        let (payload, signature) = token.split_once('.').ok_or(BadLink::Unknown)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| BadLink::Unknown)?;
        hmac::verify(&self.0, payload.as_bytes(), &signature).map_err(|_| BadLink::Unknown)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| BadLink::Unknown)?;
        let link: Link = serde_json::from_slice(&payload).map_err(|_| BadLink::Unknown)?;
        match link.until < now.as_seconds() {
            true => Err(BadLink::Expired),
            false => Ok(link),
        }
    }
}

impl Link {
    /// The handler whose message held it, as people name it.
    pub fn handler(&self) -> &str {
        self.handler.trim_start_matches("-/")
    }

    /// Who is said to have acknowledged: whoever read what that handler sends.
    pub fn user(&self) -> Option<UserId> {
        let mut parts = self.handler.rsplit('/');
        let (handler, group) = (parts.next()?, parts.next()?);
        let whole = UserId::new(format!("{handler}@{group}!link"));
        whole.or_else(|_| UserId::new(format!("{handler}@link"))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident() -> IncidentId {
        "01a00000-0000-7000-8000-000000000001".parse().expect("an id")
    }

    #[test]
    fn a_link_is_good_for_its_incident_and_a_week() {
        let key = LinkKey::derived(b"secret");
        let made: Timestamp = "2026-05-21T00:00:00Z".parse().expect("a time");
        let handler: HandlerRef = "office/oncall/pager".parse().expect("a handler");
        let token = key.token(incident(), &handler, made);
        assert_eq!(
            token,
            key.token(incident(), &handler, made),
            "the same at each attempt"
        );
        let link = key.read(&token, made).expect("good");
        assert_eq!(link.incident, incident());
        assert_eq!(link.handler(), "office/oncall/pager");
        assert_eq!(
            link.user().map(|user| user.to_string()).as_deref(),
            Some("pager@oncall!link")
        );
        let days = |days: u64| made.after(std::time::Duration::from_secs(days * 86_400));
        assert!(key.read(&token, days(7)).is_ok());
        assert_eq!(key.read(&token, days(8)), Err(BadLink::Expired));
        assert_eq!(
            LinkKey::derived(b"other").read(&token, made),
            Err(BadLink::Unknown)
        );
    }

    #[test]
    fn a_link_that_was_changed_is_none() {
        let key = LinkKey::derived(b"secret");
        let made = Timestamp::from_seconds(1_800_000_000);
        let handler: HandlerRef = "-/ops/mail".parse().expect("a handler");
        let token = key.token(incident(), &handler, made);
        let (payload, signature) = token.split_once('.').expect("two parts");
        let later = Link {
            until: i64::MAX,
            ..key.read(&token, made).expect("good")
        };
        assert_eq!(later.handler(), "ops/mail");
        let later = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&later).expect("json"));
        for wrong in [
            format!("{later}.{signature}"),
            format!("{payload}.{}", URL_SAFE_NO_PAD.encode([0; 32])),
            payload.to_owned(),
            String::new(),
            "a.b".to_owned(),
        ] {
            assert_eq!(key.read(&wrong, made), Err(BadLink::Unknown), "{wrong}");
        }
        assert!(!format!("{key:?}").contains("secret"));
    }
}

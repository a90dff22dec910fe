//! ID tokens (OpenID Connect Core 1.0, section 3.1.3.7): signed by a key of the provider, for this hub, for this login, now.

use ironcore_types::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::OidcProvider;

/// How far clocks may differ, seconds.
const SKEW: i64 = 60;
/// Signatures by a key that only the provider has: none that the hub could make itself, and no token without one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What a provider says of somebody.
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The texts of a list, or the one text that stands for it.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        match self.0.get(name) {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one],
            _ => Vec::new(),
        }
    }
}

fn key_of<'k>(token: &str, keys: &'k JwkSet) -> Option<(Algorithm, &'k Jwk)> {
    let header = decode_header(token).ok()?;
    let key = match &header.kid {
        Some(kid) => keys.find(kid),
        // Who has one key needs not name it.
        None => Some(keys.keys.first()?).filter(|_| keys.keys.len() == 1),
    };
    Some((header.alg, key?))
}

/// Whether the key that a token names is among these.
pub(super) fn is_known(token: &str, keys: &JwkSet) -> bool {
    key_of(token, keys).is_some()
}

/// What a token says, when it is good.
pub(super) fn verify(
    token: &str,
    keys: &JwkSet,
    provider: &OidcProvider,
    nonce: &str,
    now: Timestamp,
) -> Result<Claims, &'static str> {
    let (algorithm, key) = key_of(token, keys).ok_or("its token names no key of its own")?;
    if !ALGORITHMS.contains(&algorithm) {
        return Err("its token is signed in a way that is not taken");
    }
    let key = DecodingKey::from_jwk(key).map_err(|_| "its key cannot be read")?;
    let mut wanted = Validation::new(algorithm);
    wanted.set_issuer(&[&provider.issuer]);
    wanted.set_audience(&[&provider.client_id]);
    wanted.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // By the hub's own clock, below.
    wanted.validate_exp = false;
    let claims = decode::<Map<String, Value>>(token, &key, &wanted)
        .map_err(|_| "its token is not signed by it, or not for this hub")?;
    let claims = Claims(claims.claims);
    let number = |name: &str| claims.0.get(name).and_then(Value::as_i64);
    let now = now.as_seconds();
    if number("exp").is_none_or(|ends| ends <= now - SKEW) {
        return Err("its token has run out");
    }
    if number("iat").is_none_or(|made| made > now + SKEW)
        || number("nbf").is_some_and(|begins| begins > now + SKEW)
    {
        return Err("its token is of a time to come; do the clocks differ?");
    }
    if claims.text("nonce") != Some(nonce) {
        return Err("its token is of another login");
    }
    if claims.list("aud").len() > 1 && claims.text("azp") != Some(provider.client_id.as_str()) {
        return Err("its token is for others too");
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_779_321_600;

    fn provider() -> OidcProvider {
        OidcProvider {
            realm: "corp".to_owned(),
            title: "Corp".to_owned(),
            issuer: "https://id.example".to_owned(),
            client_id: "hub".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            name_claim: "preferred_username".to_owned(),
            groups_claim: "groups".to_owned(),
            create_users: false,
            grants: Vec::new(),
            hub: "https://hub.example".to_owned(),
        }
    }

    /// A key, and what the provider shows of it as `kid`.
    fn key(kid: &str) -> (EncodingKey, Jwk) {
        use aws_lc_rs::rand::SystemRandom;
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let key = EncodingKey::from_ec_der(made.expect("a key").as_ref());
        let mut shown = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a public key");
        shown.common.key_id = Some(kid.to_owned());
        (key, shown)
    }

    fn token(key: &EncodingKey, algorithm: Algorithm, kid: &str, changes: Value) -> String {
        let mut claims = json!({
            "iss": "https://id.example", "aud": "hub", "sub": "1", "nonce": "n", "iat": NOW, "exp": NOW + 300,
            "groups": ["a", "b"],
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.to_owned());
        encode(&header, &claims, key).expect("a token")
    }

    #[test]
    fn a_token_is_of_the_provider_for_this_hub_this_login_and_now() {
        let ((own, shown), (other, _)) = (key("one"), key("two"));
        let keys = JwkSet { keys: vec![shown] };
        let look = |token: &str| verify(token, &keys, &provider(), "n", Timestamp::from_seconds(NOW));
        let good = look(&token(&own, Algorithm::ES256, "one", json!({}))).expect("a good one");
        assert_eq!(
            (good.text("sub"), good.list("groups")),
            (Some("1"), vec!["a", "b"])
        );
        assert!(
            look(&token(
                &own,
                Algorithm::ES256,
                "one",
                json!({ "aud": ["hub", "x"], "azp": "hub" })
            ))
            .is_ok()
        );
        for wrong in [
            json!({ "iss": "https://other.example" }),
            json!({ "aud": "other" }),
            json!({ "aud": ["hub", "other"] }),
            json!({ "nonce": "m" }),
            json!({ "nonce": null }),
            json!({ "exp": NOW - 61 }),
            json!({ "exp": null }),
            json!({ "iat": NOW + 61 }),
            json!({ "nbf": NOW + 61 }),
            json!({ "sub": null }),
        ] {
            assert!(
                look(&token(&own, Algorithm::ES256, "one", wrong.clone())).is_err(),
                "{wrong}"
            );
        }
        assert!(
            look(&token(&other, Algorithm::ES256, "one", json!({}))).is_err(),
            "another's key"
        );
        assert!(
            look(&token(&own, Algorithm::ES256, "three", json!({}))).is_err(),
            "a key that is not known"
        );
        let shared = EncodingKey::from_secret(b"what everybody can read").expect("a key");
        assert!(look(&token(&shared, Algorithm::HS256, "one", json!({}))).is_err());
        let parts = token(&own, Algorithm::ES256, "one", json!({}));
        let unsigned = parts.rsplit_once('.').expect("three parts").0;
        assert!(look(&format!("{unsigned}.")).is_err());
    }
}

//! Puts the values of secrets into their places in a request. Values exist from here on only, and are never put in
//! by replacing text; each is noted for redaction.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::error::EgressError;
use crate::failure::Failure;
use crate::redact::Redactor;
use crate::secrets::Secrets;
use crate::slots::{SecretSlot, header_name, open};

/// A request while it is being filled.
pub(crate) struct Parts {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Fills all slots but the URL's.
pub(crate) fn fill(
    parts: &mut Parts,
    slots: &[SecretSlot],
    secrets: &Secrets,
    redactor: &mut Redactor,
) -> Result<(), Failure> {
    for slot in slots {
        let name = slot.secret();
        let unfit = |reason| {
            Failure::from(EgressError::SecretUnfit {
                name: name.clone(),
                reason,
            })
        };
        if matches!(slot, SecretSlot::Url { .. }) {
            continue;
        }
        let value = open(secrets, name, redactor)?;
        let value = value.expose_secret();
        match slot {
            SecretSlot::Url { .. } => {}
            SecretSlot::PathSegment { index, .. } => {
                if matches!(value, "." | "..") {
                    return Err(unfit("it cannot be a segment of a path"));
                }
                replace_segment(&mut parts.url, *index, value)?;
                redactor.push(segment_as_sent(&parts.url, *index));
            }
            SecretSlot::Query { name, .. } => {
                let kept: Vec<(String, String)> = parts
                    .url
                    .query_pairs()
                    .into_owned()
                    .filter(|(key, _)| key != name)
                    .collect();
                parts
                    .url
                    .query_pairs_mut()
                    .clear()
                    .extend_pairs(kept)
                    .append_pair(name, value);
            }
            SecretSlot::Header { name, prefix, .. } => {
                let header = header_name(name)?;
                let value = HeaderValue::try_from(format!("{prefix}{}", value.trim()));
                let mut value = value.map_err(|_| unfit("it cannot be the value of a header"))?;
                value.set_sensitive(true);
                parts.headers.insert(header, value);
            }
            SecretSlot::Token { .. } => {
                let token = bearer(value);
                redactor.add(token);
                let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                    .map_err(|_| unfit("it cannot be the value of a header"))?;
                value.set_sensitive(true);
                parts.headers.insert(AUTHORIZATION, value);
            }
            SecretSlot::Basic { user, .. } => {
                if user.contains(':') || user.chars().any(char::is_control) {
                    return Err(Failure::invalid(
                        "the user of a basic credential holds a colon or a control character",
                    ));
                }
                let encoded = basic(user, value);
                redactor.push(encoded.clone());
                let value = HeaderValue::try_from(format!("Basic {encoded}"));
                let mut value = value.map_err(|_| unfit("it cannot be the value of a header"))?;
                value.set_sensitive(true);
                parts.headers.insert(AUTHORIZATION, value);
            }
            SecretSlot::Body { pointer, .. } => parts.body = fill_body(&parts.body, pointer, value)?,
        }
    }
    Ok(())
}

/// The part of a token that a server wants to see: what follows its name, when it has one.
fn bearer(token: &str) -> &str {
    let token = token.trim();
    match token.split_once('=') {
        Some((name, secret)) if name.contains('!') => secret,
        _ => token,
    }
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
}

fn replace_segment(url: &mut Url, index: usize, value: &str) -> Result<(), Failure> {
    let mut segments: Vec<String> = url.path_segments().into_iter().flatten().map(decoded).collect();
    // A bare host has one empty segment: there the secret is the first.
    if segments.last().is_some_and(String::is_empty) && index + 1 >= segments.len() {
        segments.pop();
    }
    match index.cmp(&segments.len()) {
        std::cmp::Ordering::Less => segments[index] = value.to_owned(),
        std::cmp::Ordering::Equal => segments.push(value.to_owned()),
        std::cmp::Ordering::Greater => {
            return Err(Failure::invalid(format!(
                "the URL's path has no segment {index} for a secret"
            )));
        }
    }
    let mut path = url
        .path_segments_mut()
        .map_err(|()| Failure::invalid("the URL has no path"))?;
    path.clear().extend(segments);
    Ok(())
}

fn segment_as_sent(url: &Url, index: usize) -> String {
    url.path_segments()
        .and_then(|mut s| s.nth(index))
        .unwrap_or_default()
        .to_owned()
}

fn decoded(segment: &str) -> String {
    // `+` stays itself in a path, unlike in a form.
    let pair = format!("x={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, v)| v.into_owned())
        .unwrap_or_default()
}

fn fill_body(body: &[u8], pointer: &str, value: &str) -> Result<Vec<u8>, Failure> {
    let invalid = |reason: String| Failure::invalid(reason);
    let mut json: serde_json::Value = serde_json::from_slice(body).map_err(|error| {
        invalid(format!(
            "the body has a slot for a secret but is not JSON: {error}"
        ))
    })?;
    let nowhere = || invalid(format!("the body has no place {pointer:?} for a secret"));
    let (parent, last) = pointer.rsplit_once('/').ok_or_else(nowhere)?;
    let secret = serde_json::Value::String(value.to_owned());
    match json.pointer_mut(parent).ok_or_else(nowhere)? {
        serde_json::Value::Object(map) => {
            map.insert(last.replace("~1", "/").replace("~0", "~"), secret);
        }
        serde_json::Value::Array(items) => {
            *last
                .parse()
                .ok()
                .and_then(|i: usize| items.get_mut(i))
                .ok_or_else(nowhere)? = secret;
        }
        _ => return Err(nowhere()),
    }
    serde_json::to_vec(&json).map_err(|error| invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SecretName;
    use crate::slots::url;
    use ironcore_types::ErrorCode;

    /// Whether a failure is about a secret rather than the request.
    fn is_about_secret(failure: &Failure) -> bool {
        matches!(
            failure.code,
            ErrorCode::SecretMissing | ErrorCode::ConfigInvalid | ErrorCode::KeyWrong
        )
    }

    fn with(values: &[(&str, &str)]) -> (tempfile::TempDir, Secrets) {
        let dir = tempfile::tempdir().expect("dir");
        let secrets = Secrets::open(&dir.path().join("s"), &dir.path().join("k")).expect("open");
        for (name, value) in values {
            secrets
                .seal(&name.parse().expect("name"), &(*value).into())
                .expect("seal");
        }
        (dir, secrets)
    }

    fn name(text: &str) -> SecretName {
        text.parse().expect("name")
    }

    #[test]
    fn every_slot_is_filled_in_its_place_only() {
        let (_dir, secrets) = with(&[("t", "a/b c?d&e")]);
        let mut redactor = Redactor::default();
        let slots = [
            SecretSlot::PathSegment {
                index: 1,
                secret: name("t"),
            },
            SecretSlot::Query {
                name: "key".into(),
                secret: name("t"),
            },
            SecretSlot::Header {
                name: "X-Token".into(),
                prefix: "Token ".into(),
                secret: name("t"),
            },
            SecretSlot::Basic {
                user: "u".into(),
                secret: name("t"),
            },
            SecretSlot::Body {
                pointer: "/auth/key".into(),
                secret: name("t"),
            },
            SecretSlot::Body {
                pointer: "/list/0".into(),
                secret: name("t"),
            },
        ];
        let given = "https://h.example/hooks/SLOT/x%20y?key=old&a=1";
        let mut parts = Parts {
            url: url(given, &slots, &secrets, &mut redactor).expect("url"),
            headers: HeaderMap::new(),
            body: br#"{"auth":{},"list":["{{secret}}"]}"#.to_vec(),
        };
        fill(&mut parts, &slots, &secrets, &mut redactor).expect("fill");
        assert_eq!(
            parts.url.as_str(),
            "https://h.example/hooks/a%2Fb%20c%3Fd&e/x%20y?a=1&key=a%2Fb+c%3Fd%26e"
        );
        assert_eq!(parts.headers["x-token"], "Token a/b c?d&e");
        assert_eq!(
            parts.headers["authorization"],
            format!("Basic {}", basic("u", "a/b c?d&e"))
        );
        assert_eq!(
            parts.body,
            br#"{"auth":{"key":"a/b c?d&e"},"list":["a/b c?d&e"]}"#
        );
        let shown = redactor.text(&format!("{} {:?}", parts.url, parts.headers["x-token"]));
        assert!(!shown.contains("%2Fb") && !shown.contains("c?d"), "{shown}");
        assert_eq!(redactor.text(&basic("u", "a/b c?d&e")), "[redacted]");
    }

    #[test]
    fn a_token_is_sent_without_its_name() {
        assert_eq!(bearer("sync@polystack!replication=c2VjcmV0=="), "c2VjcmV0==");
        assert_eq!(bearer(" c2VjcmV0==\n"), "c2VjcmV0==");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (_dir, secrets) = with(&[("nl", "a\r\nX-Evil: 1"), ("dots", ".."), ("no-url", "hello")]);
        let mut redactor = Redactor::default();
        let mut attempt = |slot: SecretSlot, body: &[u8]| {
            let slots = [slot];
            let mut parts = Parts {
                url: url("https://h.example/", &slots, &secrets, &mut redactor)?,
                headers: HeaderMap::new(),
                body: body.to_vec(),
            };
            fill(&mut parts, &slots, &secrets, &mut redactor)
        };
        let header = |name: &str, secret: &str| SecretSlot::Header {
            name: name.into(),
            prefix: String::new(),
            secret: secret.parse().expect("name"),
        };
        for slot in [
            header("x", "nl"),
            header("x", "no-such"),
            SecretSlot::PathSegment {
                index: 0,
                secret: name("dots"),
            },
            SecretSlot::Url {
                secret: name("no-url"),
            },
        ] {
            let failure = attempt(slot.clone(), b"").expect_err("refused");
            assert!(is_about_secret(&failure), "{slot:?}: {failure:?}");
            assert!(
                !failure.reason.contains("Evil") && !failure.reason.contains("hello"),
                "{failure:?}"
            );
        }
        for (slot, body) in [
            (header("host", "nl"), ""),
            (header("Content-Length", "nl"), ""),
            (
                SecretSlot::PathSegment {
                    index: 3,
                    secret: name("nl"),
                },
                "",
            ),
            (
                SecretSlot::Body {
                    pointer: "/a/b".into(),
                    secret: name("nl"),
                },
                "{}",
            ),
            (
                SecretSlot::Body {
                    pointer: "/a".into(),
                    secret: name("nl"),
                },
                "not json",
            ),
        ] {
            let failure = attempt(slot.clone(), body.as_bytes()).expect_err("refused");
            assert_eq!(failure.code, ErrorCode::RequestInvalid, "{slot:?}: {failure:?}");
        }
        for bad in [
            "ftp://h.example/",
            "https://u:p@h.example/",
            "not a url",
            "file:///etc/passwd",
        ] {
            assert!(url(bad, &[], &secrets, &mut redactor).is_err(), "{bad}");
        }
    }
}

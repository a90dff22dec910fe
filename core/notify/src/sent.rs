//! What a plugin sends, as people may see it: in the record of an attempt and in a preview. Secrets of the hub are not opened
//! for this and stand as `{secret NAME}`; what a configuration says in plain words of a credential is left out of records, and
//! so is the key of a link, which is as good as a token.

use ironcore_egress::Mail;
use ironcore_ledger::model::Sent;
use ironcore_plugin_host::effects::{HttpCredential, HttpRequest, Signature, Slot};

use crate::addresses;
use crate::outcome::cut;

/// The body is cut here, bytes.
pub(crate) const BODY: usize = 20_000;
/// A header is cut here, bytes.
const HEADER: usize = 1_000;
/// More headers than this are left out.
const HEADERS: usize = 50;
/// A shorter beginning of a key tells nothing, bytes.
const BEGUN: usize = 16;
/// What stands in the place of what is left out.
pub(crate) const MARK: &str = "[redacted]";

/// A value with its secret as a name.
pub(crate) fn shown(slot: &Slot) -> String {
    match slot {
        Slot::Text(text) => text.clone(),
        Slot::Secret(name) => format!("{{secret {name}}}"),
        Slot::Wrapped {
            before,
            secret,
            after,
        } => format!("{before}{{secret {secret}}}{after}"),
    }
}

/// Who asks, and how it is signed, as headers.
fn credentials(request: &HttpRequest) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let authorization = match &request.credential {
        Some(HttpCredential::Basic(basic)) => Some(format!("Basic of {}", shown(&basic.username))),
        Some(HttpCredential::Bearer(Slot::Text(_))) => Some("Bearer".to_owned()),
        Some(HttpCredential::Bearer(token)) => Some(format!("Bearer {}", shown(token))),
        None => None,
    };
    headers.extend(authorization.map(|value| ("authorization".to_owned(), value)));
    if let Some(Signature::StandardWebhook { keys, message_id }) = &request.signature {
        headers.push(("webhook-id".to_owned(), message_id.clone()));
        let keys: Vec<String> = keys.iter().map(|key| format!("{{secret {key}}}")).collect();
        headers.push(("webhook-signature".to_owned(), format!("of {}", keys.join(", "))));
    }
    headers
}

/// Text without the key of the message's link, when it has one; nor does it end with a good part of the key, cut off by
/// whoever wrote it.
pub(crate) fn without(link: Option<&str>, text: String) -> String {
    let Some(key) = link else { return text };
    let text = if text.contains(key) {
        text.replace(key, MARK)
    } else {
        text
    };
    let uncut = text.trim_end_matches('…');
    let begun = (BEGUN..key.len()).rev().filter_map(|bytes| key.get(..bytes));
    match begun.filter_map(|begun| uncut.strip_suffix(begun)).next() {
        Some(before) => format!("{before}{MARK}"),
        None => text,
    }
}

/// The headers of a request, without what a configuration says in plain words of a credential.
pub(crate) fn headers(request: &HttpRequest) -> Vec<(String, String)> {
    let own = request.headers.iter().map(|(name, slot)| {
        let value = match slot {
            Slot::Text(_) if is_credential(name) => MARK.to_owned(),
            slot => shown(slot),
        };
        (name.clone(), value)
    });
    own.chain(credentials(request)).collect()
}

/// A request for its record. `link` is the key of the message's link.
pub(crate) fn request(request: &HttpRequest, link: Option<&str>) -> Sent {
    let headers = headers(request);
    let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default());
    kept(headers, body.into_owned(), link)
}

/// A mail for its record: its plain text stands for all of it.
pub(crate) fn mail(mail: &Mail, link: Option<&str>) -> Sent {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut headers = vec![pair("from", mail.from.clone()), pair("to", mail.to.join(", "))];
    headers.extend(mail.reply_to.clone().map(|to| pair("reply-to", to)));
    headers.push(pair("subject", mail.subject.clone()));
    headers.push(pair("message-id", mail.message_id.clone()));
    if !mail.references.is_empty() {
        headers.push(pair("references", mail.references.join(" ")));
    }
    headers.extend(mail.headers.iter().cloned());
    kept(headers, mail.text.clone(), link)
}

fn kept(headers: impl IntoIterator<Item = (String, String)>, body: String, link: Option<&str>) -> Sent {
    let headers = headers.into_iter().take(HEADERS);
    let headers = headers.map(|(name, value)| (cut(name, HEADER), cut(without(link, value), HEADER)));
    let whole = without(link, body);
    let truncated = whole.len() > BODY;
    Sent {
        headers: headers.collect(),
        body: cut(whole, BODY),
        truncated,
    }
}

/// Ends like the name of a credential, and is none: it is the message's id, by which receivers drop what came before.
const IDEMPOTENCY: &str = "idempotency-key";

/// Whether a header of this name is there to let somebody in.
pub(crate) fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = ["authorization", "cookie", "token", "secret", "password", "key"];
    name != IDEMPOTENCY && ends.iter().any(|end| name.ends_with(end))
}

/// What headers say in plain words that are there to let somebody in, word by word.
pub(crate) fn plain_credentials(headers: &[(String, Slot)]) -> Vec<String> {
    let values = headers.iter().filter_map(|(name, slot)| match slot {
        Slot::Text(value) if is_credential(name) => Some(value),
        _ => None,
    });
    let words = values.flat_map(|value| value.split_whitespace());
    let long = words.filter(|word| word.len() >= addresses::SHORTEST_PLAIN);
    long.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Slot {
        Slot::Text(text.to_owned())
    }

    fn asked() -> HttpRequest {
        HttpRequest {
            method: "POST".to_owned(),
            url: text("https://a.example/hook?key=1"),
            headers: vec![
                ("content-type".to_owned(), text("application/json")),
                ("X-Api-Key".to_owned(), text("hunter2")),
                ("X-Gotify-Key".to_owned(), text("hunter4")),
                ("x-team".to_owned(), Slot::Secret("team".to_owned())),
            ],
            credential: Some(HttpCredential::Bearer(text("hunter3"))),
            body: Some(b"{ \"go\": \"https://hub.example/acknowledge/abc.def\" }".to_vec()),
            body_slots: Vec::new(),
            signature: Some(Signature::StandardWebhook {
                keys: vec!["signing".to_owned()],
                message_id: "m1".to_owned(),
            }),
            timeout: None,
            attrs: Vec::new(),
        }
    }

    #[test]
    fn a_request_is_kept_without_what_lets_somebody_in() {
        let sent = request(&asked(), Some("abc.def"));
        let of = |name: &str| {
            let found = sent.headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(of("content-type"), Some("application/json"));
        assert_eq!(of("X-Api-Key"), Some("[redacted]"));
        assert_eq!(of("X-Gotify-Key"), Some("[redacted]"));
        assert_eq!(of("x-team"), Some("{secret team}"));
        assert_eq!(of("authorization"), Some("Bearer"));
        assert_eq!(of("webhook-id"), Some("m1"));
        assert_eq!(of("webhook-signature"), Some("of {secret signing}"));
        assert_eq!(
            sent.body,
            "{ \"go\": \"https://hub.example/acknowledge/[redacted]\" }"
        );
        assert!(!sent.truncated && !format!("{sent:?}").contains("hunter"));
    }

    #[test]
    fn the_key_of_a_link_goes_when_it_was_cut_off_too() {
        let key = "eyJpbmNpZGVudCI6MX0.c2lnbmF0dXJl";
        for (text, wanted) in [
            (
                format!("at x/{key}, or x/{key}"),
                "at x/[redacted], or x/[redacted]",
            ),
            (format!("at x/{}…", &key[..30]), "at x/[redacted]"),
            (format!("at x/{}", &key[..16]), "at x/[redacted]"),
            ("at x/eyJ…".to_owned(), "at x/eyJ…"),
        ] {
            assert_eq!(without(Some(key), text.clone()), wanted);
            assert_eq!(without(None, text.clone()), text);
        }
    }

    #[test]
    fn headers_that_let_somebody_in_are_known_by_their_names() {
        for name in [
            "X-Gotify-Key",
            "apikey",
            "X-Routing-Key",
            "Private-Token",
            "Cookie",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in ["content-type", "x-keyboard", "x-team", "Idempotency-Key"] {
            assert!(!is_credential(name), "{name}");
        }
    }

    #[test]
    fn what_is_long_is_cut() {
        let mut long = asked();
        long.body = Some("ü".repeat(BODY).into_bytes());
        let sent = request(&long, None);
        assert!(sent.truncated && sent.body.len() <= BODY && sent.body.ends_with('…'));
    }

    #[test]
    fn a_mail_is_kept_by_its_headers_and_its_text() {
        let letter = Mail {
            html: Some("<p>lost</p>".to_owned()),
            headers: vec![("X-Ironcore-Project".to_owned(), "web".to_owned())],
            ..Mail::new(
                "Hub <h@x.example>",
                "a@x.example",
                "It failed",
                "it did, see abc",
                "m1@x.example",
            )
        };
        let sent = mail(&letter, Some("abc"));
        let names: Vec<&str> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["from", "to", "subject", "message-id", "X-Ironcore-Project"]
        );
        assert_eq!(
            (sent.body.as_str(), sent.truncated),
            ("it did, see [redacted]", false)
        );
    }
}

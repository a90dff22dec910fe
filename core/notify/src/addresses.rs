//! Addresses that plugins send to: what of them people may see, what of them answers must not hold, and which are refused.
//! Plain functions.

use std::borrow::Cow;

use ironcore_plugin_host::Plugin;
use ironcore_plugin_host::effects::Slot;
use serde_json::{Map, Value};
use url::Url;

use crate::sent;

/// Stands where a secret will be while an address is taken apart. Letters only, so that nothing escapes it.
pub(crate) const PLACE: &str = "ironcoresecretplace";

/// What a configuration says in plain words is not looked for in answers when it is shorter, bytes: it would be found in
/// ordinary words.
pub(crate) const SHORTEST_PLAIN: usize = 8;

/// What is shown of an address that is none.
const UNREADABLE: &str = "an address that cannot be read";

/// An address as the record of an attempt may show it: without query and credentials, and never a secret.
pub(crate) fn shown(slot: &Slot) -> String {
    match slot {
        Slot::Text(text) => match Url::parse(text) {
            Ok(url) => bare(&url),
            Err(_) => UNREADABLE.to_owned(),
        },
        Slot::Secret(name) => format!("the address in the secret {name}"),
        Slot::Wrapped { secret, .. } => format!("an address with the secret {secret} in it"),
    }
}

/// An address as a preview may show it: the same with the names in its query, but not what is said of them in plain words.
/// Secrets stand as `{secret NAME}`.
pub(crate) fn previewed(slot: &Slot) -> String {
    let (text, name) = match slot {
        Slot::Text(text) => (text.clone(), None),
        Slot::Secret(_) => return sent::shown(slot),
        Slot::Wrapped {
            before,
            secret,
            after,
        } => (format!("{before}{PLACE}{after}"), Some(secret)),
    };
    let Ok(url) = Url::parse(&text) else {
        return UNREADABLE.to_owned();
    };
    let mut shown = bare(&url);
    for (at, (name, value)) in url.query_pairs().enumerate() {
        let sign = if at == 0 { "?" } else { "&" };
        if value.is_empty() {
            // A name alone may be the key itself.
            let name = if name == PLACE { PLACE } else { sent::MARK };
            shown.extend([sign, name]);
            continue;
        }
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let value = if value == PLACE { PLACE } else { sent::MARK };
        shown.extend([sign, name.as_str(), "=", value]);
    }
    match name {
        Some(name) => shown.replace(PLACE, &format!("{{secret {name}}}")),
        None => shown,
    }
}

/// A configuration as somebody may see it who may not change it: without what previews and records leave out.
pub fn readable(config: &Map<String, Value>) -> Map<String, Value> {
    let shown = config
        .iter()
        .map(|(key, value)| (key.clone(), readable_value(key, value)));
    shown.collect()
}

fn readable_value(key: &str, value: &Value) -> Value {
    match value {
        Value::String(_) if sent::is_credential(key) => Value::String(sent::MARK.to_owned()),
        Value::String(text) => Value::String(match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => previewed(&Slot::Text(text.clone())),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => UNREADABLE.to_owned(),
            _ => text.clone(),
        }),
        Value::Array(values) => values.iter().map(|value| readable_value(key, value)).collect(),
        Value::Object(fields) => {
            let part = |name: &str| {
                fields
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let slot = Slot::Wrapped {
                before: part("before"),
                secret: part("secret"),
                after: part("after"),
            };
            match previewed(&slot) {
                shown if fields.contains_key("secret") && shown != UNREADABLE => Value::String(shown),
                _ if fields.contains_key("secret") => value.clone(),
                _ => Value::Object(readable(fields)),
            }
        }
        value => value.clone(),
    }
}

/// Without query, fragment and credentials.
fn bare(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// What an address says in plain words and may let somebody in: its user and password, and the values of its query.
pub(crate) fn plain(address: &str) -> Vec<String> {
    let Ok(url) = Url::parse(address) else {
        return Vec::new();
    };
    let mut found = vec![
        url.username().to_owned(),
        url.password().unwrap_or_default().to_owned(),
    ];
    let said = |(name, value): (Cow<'_, str>, Cow<'_, str>)| match value.is_empty() {
        true => name.into_owned(),
        false => value.into_owned(),
    };
    found.extend(url.query_pairs().map(said));
    found.retain(|value| value.len() >= SHORTEST_PLAIN);
    found
}

/// Keys of a configuration whose address names a user or a password, with what is wrong with that: nothing is ever sent to
/// such a one.
pub(crate) fn faults(plugin: &Plugin, config: &Map<String, Value>) -> Vec<(String, &'static str)> {
    let properties = &plugin.schema()["properties"];
    let names_user = |value: &Value| {
        let part = |name: &str| value[name].as_str().unwrap_or_default();
        let text = match value.as_str() {
            Some(text) => text.to_owned(),
            // What stands before the secret need not be an address by itself.
            None => format!("{}{PLACE}{}", part("before"), part("after")),
        };
        let url = Url::parse(&text).ok();
        url.is_some_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && (!url.username().is_empty() || url.password().is_some())
        })
    };
    let wrong = config
        .iter()
        .filter(|(key, value)| properties[key.as_str()]["x-destination"] == true && names_user(value));
    let why = match properties["password"].is_object() {
        true => {
            "an address with a user or a password in it is never sent to: write them as `username` and as `password`, \
             which names a secret"
        }
        false => "an address with a user or a password in it is never sent to: leave them out",
    };
    wrong.map(|(key, _)| (key.clone(), why)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Slot {
        Slot::Text(text.to_owned())
    }

    fn wrapped(before: &str, after: &str) -> Slot {
        Slot::Wrapped {
            before: before.to_owned(),
            secret: "token".to_owned(),
            after: after.to_owned(),
        }
    }

    #[test]
    fn records_never_show_queries_or_credentials() {
        assert_eq!(
            shown(&text("https://user:pass@a.example/hook?key=1")),
            "https://a.example/hook"
        );
        assert_eq!(
            shown(&Slot::Secret("hook".to_owned())),
            "the address in the secret hook"
        );
    }

    #[test]
    fn who_may_only_look_sees_no_credential() {
        let config = serde_json::json!({
            "url": "https://u:hunter2@a.example/hook?key=hunter3",
            "relay": "smtp://u:hunter2@mail.example",
            "headers": { "Authorization": "Bearer hunter2", "X-Team": "ops" },
            "also": { "before": "https://a.example/", "secret": "token", "after": "?k=hunter3" },
            "token": { "before": "Bearer ", "secret": "token" },
            "to": ["ops@a.example"], "timeout": 5
        });
        let shown = readable(config.as_object().expect("an object"));
        let wanted = serde_json::json!({
            "url": "https://a.example/hook?key=[redacted]",
            "relay": UNREADABLE,
            "headers": { "Authorization": "[redacted]", "X-Team": "ops" },
            "also": "https://a.example/{secret token}?k=[redacted]",
            "token": { "before": "Bearer ", "secret": "token" },
            "to": ["ops@a.example"], "timeout": 5
        });
        assert_eq!(Value::Object(shown), wanted);
    }

    #[test]
    fn previews_never_show_what_lets_somebody_in() {
        for (slot, wanted) in [
            (
                text("https://user:hunter2hunter2@a.example/hook?key=hunter3&wait"),
                "https://a.example/hook?key=[redacted]&[redacted]",
            ),
            (text("https://a.example/hook"), "https://a.example/hook"),
            (text("hunter2"), UNREADABLE),
            (Slot::Secret("hook".to_owned()), "{secret hook}"),
            (
                wrapped("https://u:hunter2@a.example/h/", "/send?x=hunter3"),
                "https://a.example/h/{secret token}/send?x=[redacted]",
            ),
            (
                wrapped("https://a.example/h?x=hunter2&t=", ""),
                "https://a.example/h?x=[redacted]&t={secret token}",
            ),
        ] {
            assert_eq!(previewed(&slot), wanted);
        }
    }

    #[test]
    fn what_an_address_says_in_plain_words_is_found() {
        let address = "https://some-user:hunter2hunter2@a.example/h?wait=true&token=abc%2Fdef%3D%3Dg&x=";
        assert_eq!(plain(address), ["some-user", "hunter2hunter2", "abc/def==g"]);
        assert!(plain("").is_empty() && plain("https://a.example/a-long-path").is_empty());
    }
}

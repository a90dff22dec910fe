//! The heartbeat: a GET to an address outside, whose owner notices when it stops. When it is sent is decided by the
//! engine's watch. The address may hold a secret in its path, so it is never shown but for its host.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use ironcore_egress::{AllowList, Egress, HttpRequest};
use ironcore_types::Span;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::config::invalid;
use crate::exit::Coded;

/// Longer than a healthy receiver takes, and shorter than the time between two beats.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where the heartbeat goes, as the configuration says.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HeartbeatSettings {
    /// The address to get.
    #[serde(serialize_with = "host_only")]
    url: String,
    /// How often.
    #[serde(default = "minute")]
    pub(crate) every: Span,
}

fn minute() -> Span {
    Span::from_secs(60)
}

fn host_only<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(url))
}

/// Scheme and host of an address, which tell where it goes and no more.
fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) if url.has_host() => {
            format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default())
        }
        _ => "…".to_owned(),
    }
}

impl fmt::Debug for HeartbeatSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeartbeatSettings")
            .field("url", &shown(&self.url))
            .field("every", &self.every)
            .finish()
    }
}

impl fmt::Display for HeartbeatSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} every {}", shown(&self.url), self.every)
    }
}

impl HeartbeatSettings {
    /// Refuses what cannot be sent: `allow` is the egress allow-list.
    pub(crate) fn check(&self, allow: &[String]) -> Result<(), Coded> {
        let url = Url::parse(&self.url).ok().filter(Url::has_host);
        let Some(url) = url else {
            let text = "heartbeat.url: write an address such as https://watcher.example/…";
            return Err(invalid(text.to_owned()));
        };
        match url.scheme() {
            "https" => {}
            "http" if is_near(&url, allow) => {}
            _ => {
                return Err(invalid(format!(
                    "heartbeat.url: {} would be sent in the clear; use https, or name the host in egress.allow",
                    shown(&self.url)
                )));
            }
        }
        let every = self.every.duration();
        if every < TIMEOUT || every > Duration::from_secs(86_400) {
            return Err(invalid(format!(
                "heartbeat.every = \"{}\": use 10s to 24h",
                self.every
            )));
        }
        Ok(())
    }
}

/// Whether the host is this machine, or one that the admin has named.
fn is_near(url: &Url, allow: &[String]) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        // Public addresses pass any list, so they are not named by it.
        let is_public = AllowList::default().check(host, address).is_ok();
        let passes = AllowList::parse(allow).is_ok_and(|list| list.check(host, address).is_ok());
        return address.is_loopback() || (!is_public && passes);
    }
    let names = |entry: &String| {
        let entry = entry.trim().trim_end_matches('.').to_ascii_lowercase();
        match entry.strip_prefix("*.") {
            Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
            None => host == entry,
        }
    };
    host == "localhost" || allow.iter().any(names)
}

/// Sends it through egress.
pub(super) struct HttpHeartbeat {
    egress: Egress,
    url: String,
}

impl HttpHeartbeat {
    pub(super) fn new(settings: &HeartbeatSettings, egress: Egress) -> Self {
        Self {
            egress,
            url: settings.url.clone(),
        }
    }

    async fn send(&self) -> Result<(), String> {
        let request = HttpRequest {
            timeout: TIMEOUT,
            ..HttpRequest::new("GET", self.url.clone())
        };
        // What the other side writes may repeat the address, so it is not passed on.
        let why = match self.egress.http(request).await {
            Ok(answer) if answer.is_success() => return Ok(()),
            Ok(answer) => format!("it answered {}", answer.status),
            Err(failure) => without(&failure.reason, &self.url),
        };
        Err(format!("{}: {why}", shown(&self.url)))
    }
}

/// `text` without what may be secret in an address.
fn without(text: &str, url: &str) -> String {
    let Ok(parsed) = Url::parse(url) else {
        return String::new();
    };
    let mut text = text.replace(url, "…").replace(parsed.as_str(), "…");
    let parts = [
        parsed.path(),
        parsed.query().unwrap_or_default(),
        parsed.password().unwrap_or_default(),
    ];
    for part in parts.into_iter().filter(|part| part.len() > 1) {
        text = text.replace(part, "…");
    }
    text
}

impl fmt::Debug for HttpHeartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpHeartbeat").field(&shown(&self.url)).finish()
    }
}

impl ironcore_engine::Heartbeat for HttpHeartbeat {
    fn beat(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(self.send())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> HeartbeatSettings {
        toml::from_str(&format!("url = \"{url}\"")).expect("settings")
    }

    #[test]
    fn the_secret_of_the_address_is_never_shown() {
        let url = "https://watcher.example/ping/0f3c-secret?token=other-secret";
        let settings = settings(url);
        let texts = [
            format!("{settings:?}"),
            settings.to_string(),
            serde_json::to_string(&settings).expect("json"),
            without("GET /ping/0f3c-secret?token=other-secret: no route", url),
            settings
                .check(&[])
                .map_or_else(|error| error.to_string(), |()| String::new()),
        ];
        for text in texts {
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn only_near_hosts_are_told_in_the_clear() {
        let allow = ["10.0.0.0/8", "*.lab.example", "watcher.corp.example"].map(str::to_owned);
        for near in [
            "https://watcher.example/x",
            "http://127.0.0.1:9000/x",
            "http://[::1]/x",
            "http://localhost/x",
            "http://10.1.2.3/x",
            "http://a.lab.example/x",
            "http://watcher.corp.example/x",
        ] {
            assert!(settings(near).check(&allow).is_ok(), "{near}");
        }
        for far in [
            "http://watcher.example/x",
            "http://1.1.1.1/x",
            "http://192.168.1.1/x",
            "http://evil-lab.example/x",
            "ftp://127.0.0.1/x",
            "nowhere",
        ] {
            assert!(settings(far).check(&allow).is_err(), "{far}");
        }
    }

    #[test]
    fn it_beats_neither_too_often_nor_too_rarely() {
        let every = |every: &str| {
            let text = format!("url = \"https://watcher.example/x\"\nevery = \"{every}\"");
            let settings: HeartbeatSettings = toml::from_str(&text).expect("settings");
            settings.check(&[]).is_ok()
        };
        assert!(every("10s") && every("1m") && every("24h"));
        assert!(!every("1s") && !every("2d"));
    }
}

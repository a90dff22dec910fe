//! The proxy that HTTP requests take when the admin says so. Which requests take it is decided here, by the address as
//! it is written: a name that goes over a proxy is looked up there and not here.
//!
//! What the proxy takes over is the lookup, and so the refusal of private addresses that a name leads to. The filter of
//! [`crate::address`] stays in charge of the proxy itself, of addresses in digits, and of `localhost`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use crate::address::{AllowList, Refused};
use crate::error::EgressError;
use crate::failure::Failure;
use crate::redact::Redactor;
use crate::resolve::Resolver;

/// A proxy, as the admin configures it.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// `http://HOST:PORT`, or `https://` for a proxy that is itself spoken to over TLS.
    pub url: String,
    /// The name and the password that it wants.
    pub login: Option<(String, SecretString)>,
    /// Destinations that are dialled without it: names, domains and addresses in digits.
    pub direct: AllowList,
}

/// A proxy that was checked; cheap to clone.
#[derive(Clone)]
pub(crate) struct Proxy {
    shared: Arc<Shared>,
}

struct Shared {
    url: Url,
    login: Option<(String, SecretString)>,
    direct: AllowList,
}

impl Proxy {
    /// Reads the address; a proxy at an address that may not be dialled is refused at once.
    pub(crate) fn new(options: ProxyOptions, resolver: &Resolver) -> Result<Self, EgressError> {
        let wrong = |reason: String| EgressError::Proxy { reason };
        let url = Url::parse(&options.url).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("its address begins with http:// or https://".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let reason = "its address holds a user or a password, which go into a file of their own";
            return Err(wrong(reason.to_owned()));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "its address is a scheme, a host and a port, and no more".to_owned(),
            ));
        }
        let host = url
            .host()
            .ok_or_else(|| wrong("its address has no host".to_owned()))?;
        resolver
            .check_literal(&host)
            .map_err(|refused| wrong(refused.to_string()))?;
        Ok(Self {
            shared: Arc::new(Shared {
                url,
                login: options.login,
                direct: options.direct,
            }),
        })
    }

    /// The same for the HTTP client.
    pub(crate) fn intercept(&self) -> reqwest::Proxy {
        let this = self.clone();
        let proxy = reqwest::Proxy::custom(move |url| this.takes(url).then(|| this.shared.url.clone()));
        match &self.shared.login {
            Some((user, password)) => proxy.basic_auth(user, password.expose_secret()),
            None => proxy,
        }
    }

    /// Whether a request to this address takes the proxy.
    pub(crate) fn takes(&self, url: &Url) -> bool {
        url.host().is_some_and(|host| !self.shared.direct.lists(&host))
    }

    /// Notes what must not be seen: a proxy that hands its credential on is not unheard of.
    pub(crate) fn redact(&self, redactor: &mut Redactor) {
        if let Some((user, password)) = &self.shared.login {
            use base64::Engine as _;
            let password = password.expose_secret();
            redactor.add(password);
            let both = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            redactor.push(both);
        }
    }

    /// Refuses a name that means the machine of whoever looks it up: there it would be the proxy's own.
    pub(crate) fn check_name(&self, host: &Host<&str>, allow: &AllowList) -> Result<(), Refused> {
        match *host {
            Host::Domain(name) if is_localhost(name) => allow.check(name, IpAddr::V4(Ipv4Addr::LOCALHOST)),
            _ => Ok(()),
        }
    }

    /// Whether a refusal is about the proxy: no message is at fault then.
    pub(crate) fn is_at(&self, refused: &Refused) -> bool {
        self.shared.url.host_str() == Some(refused.host.as_str())
    }

    /// What an answer of the proxy's own means; none when it is the destination's.
    pub(crate) fn failure(&self, status: u16) -> Option<Failure> {
        const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;
        let reason = match self.shared.login {
            Some(_) => "the proxy does not accept the hub's credential (egress.proxy)",
            None => "the proxy wants a credential, and the hub has none for it (egress.proxy)",
        };
        (status == PROXY_AUTHENTICATION_REQUIRED).then(|| Failure::lane(reason).with_status(status))
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("url", &self.shared.url.as_str())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::SystemLookup;

    fn proxy(url: &str) -> Result<Proxy, EgressError> {
        let allow = AllowList::parse(["10.0.0.5"]).expect("list");
        let direct = AllowList::parse(["*.corp.example", "10.0.0.0/8", "mail.example"]).expect("list");
        let options = ProxyOptions {
            url: url.to_owned(),
            login: Some(("hub".to_owned(), SecretString::from("pass-of-the-proxy"))),
            direct,
        };
        Proxy::new(options, &Resolver::new(allow, Arc::new(SystemLookup)))
    }

    #[test]
    fn what_is_listed_goes_without_it() {
        let proxy = proxy("http://10.0.0.5:3128").expect("proxy");
        for (url, takes) in [
            ("https://chat.example/x", true),
            ("http://192.0.2.1/", true),
            ("https://a.corp.example/", false),
            ("https://corp.example/", true),
            ("https://MAIL.example./", false),
            ("http://10.1.2.3:81/", false),
            ("http://[2606:4700::1]/", true),
        ] {
            assert_eq!(proxy.takes(&Url::parse(url).expect(url)), takes, "{url}");
        }
        assert!(!format!("{proxy:?}").contains("pass-of"));
    }

    #[test]
    fn an_address_that_is_none_or_not_allowed_is_refused() {
        for bad in [
            "socks5://proxy.example:1080",
            "http://user:secret@proxy.example",
            "http://proxy.example/path",
            "proxy.example:3128",
            "http://127.0.0.1:3128",
            "http://169.254.169.254",
        ] {
            let error = proxy(bad).expect_err(bad).to_string();
            assert!(
                error.starts_with("the proxy cannot be used: ") && !error.contains("secret"),
                "{error}"
            );
        }
    }
}

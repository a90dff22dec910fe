//! Name lookup that hands out allowed addresses only, so that what was checked is what is dialled.
//!
//! The check sits between lookup and dial: a name that changes its answer meanwhile (DNS rebinding) is checked
//! anew with each connection. Which addresses are allowed is [`crate::address`]'s to say.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use crate::address::{AllowList, Refused};

/// The future of a lookup.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Turns a host name into addresses: the system's way, or a test's.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `host`, in the order to try.
    fn lookup(&self, host: &str) -> Looking;
}

/// The system's name lookup.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str) -> Looking {
        let host = host.to_owned();
        Box::pin(async move {
            Ok(tokio::net::lookup_host((host, 0))
                .await?
                .map(|a| a.ip())
                .collect())
        })
    }
}

/// Why a name gave no address to dial.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    /// The name has addresses, and none is allowed.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name has no address.
    #[error("the host name {host} has no address")]
    Nothing { host: String },
    /// The lookup failed.
    #[error("the host name {host} could not be looked up: {source}")]
    Lookup { host: String, source: io::Error },
}

/// A lookup behind the filter.
#[derive(Clone)]
pub(crate) struct Resolver {
    allow: Arc<AllowList>,
    lookup: Arc<dyn Lookup>,
}

impl Resolver {
    pub(crate) fn new(allow: AllowList, lookup: Arc<dyn Lookup>) -> Self {
        Self {
            allow: Arc::new(allow),
            lookup,
        }
    }

    /// The allowed addresses of `host`, which may be a literal address (IPv6 with or without brackets).
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            self.allow.check(bare, address)?;
            return Ok(vec![address]);
        }
        let found = self.lookup.lookup(host).await;
        let found = found.map_err(|source| ResolveError::Lookup {
            host: host.to_owned(),
            source,
        })?;
        let mut refused = None;
        let mut allowed = Vec::with_capacity(found.len());
        for address in found {
            match self.allow.check(host, address) {
                Ok(()) => allowed.push(address),
                Err(error) => refused = Some(error),
            }
        }
        match (allowed.is_empty(), refused) {
            (false, _) => Ok(allowed),
            (true, Some(error)) => Err(error.into()),
            (true, None) => Err(ResolveError::Nothing {
                host: host.to_owned(),
            }),
        }
    }

    pub(crate) fn allowed(&self) -> &AllowList {
        &self.allow
    }

    /// Checks a host that the HTTP client would dial without asking, because it is a literal address.
    pub(crate) fn check_literal(&self, host: &url::Host<&str>) -> Result<(), Refused> {
        match *host {
            url::Host::Ipv4(v4) => self.allow.check(&v4.to_string(), IpAddr::V4(v4)),
            url::Host::Ipv6(v6) => self.allow.check(&v6.to_string(), IpAddr::V6(v6)),
            url::Host::Domain(_) => Ok(()),
        }
    }
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let this = self.clone();
        Box::pin(async move {
            let found = this.addresses(name.as_str()).await?;
            let addresses: reqwest::dns::Addrs =
                Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok::<_, Box<dyn StdError + Send + Sync>>(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Answers with the next of its scripted answers at each lookup.
    struct Scripted(Mutex<Vec<Vec<&'static str>>>);

    impl Lookup for Scripted {
        fn lookup(&self, _: &str) -> Looking {
            let next = self.0.lock().expect("lock").remove(0);
            Box::pin(async move { Ok(next.iter().map(|a| a.parse().expect("address")).collect()) })
        }
    }

    #[tokio::test]
    async fn each_lookup_is_checked_and_private_answers_are_dropped() {
        let script = vec![
            vec!["93.184.215.14"],
            vec!["127.0.0.1"],
            vec!["10.0.0.1", "93.184.215.14"],
            vec![],
        ];
        let resolver = Resolver::new(AllowList::default(), Arc::new(Scripted(Mutex::new(script))));
        assert!(resolver.addresses("rebind.example").await.is_ok());
        let second = resolver.addresses("rebind.example").await;
        assert!(matches!(second, Err(ResolveError::Refused(_))), "{second:?}");
        assert_eq!(
            resolver
                .addresses("mixed.example")
                .await
                .expect("public one")
                .len(),
            1
        );
        assert!(matches!(
            resolver.addresses("empty.example").await,
            Err(ResolveError::Nothing { .. })
        ));
        assert!(matches!(
            resolver.addresses("[::1]").await,
            Err(ResolveError::Refused(_))
        ));
    }
}

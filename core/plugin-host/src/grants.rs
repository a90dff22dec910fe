//! Capabilities: what a manifest wants, what an operator grants, and what a guest therefore has.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// Something a guest may import: an interface of the contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Capability { $($(#[doc = $doc])+ $variant,)+ }

        impl Capability {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name of the interface, as manifests and grants write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

capabilities! {
    /// HTTP requests.
    Http = "http",
    /// Mail over SMTP.
    Mail = "mail",
    /// Presentation of events in the inbox.
    Inbox = "inbox",
    /// Figures of its own.
    Metrics = "metrics",
    /// The hub's templates.
    Templates = "templates",
    /// Values kept between calls.
    Kv = "kv",
    /// Lines in the hub's log.
    Log = "log",
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no capability of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a capability: use http, mail, inbox, metrics, templates, kv or log")]
pub struct UnknownCapability(pub String);

impl FromStr for Capability {
    type Err = UnknownCapability;
    fn from_str(text: &str) -> Result<Self, UnknownCapability> {
        Self::ALL
            .iter()
            .copied()
            .find(|c| c.as_str() == text)
            .ok_or_else(|| UnknownCapability(text.to_owned()))
    }
}

/// A set of capabilities that an operator grants, or that a guest has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(BTreeSet<Capability>);

impl Grants {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything; for plugins that are part of the hub.
    pub fn all() -> Self {
        Capability::ALL.iter().copied().collect()
    }

    /// What is in both: a guest has what its manifest wants *and* the operator grants.
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Whether it is among them.
    pub fn allows(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }

    /// All, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Capability> for Grants {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().collect())
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (at, capability) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            f.write_str(capability.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_has_what_is_wanted_and_granted() {
        let wanted: Grants = [Capability::Http, Capability::Kv].into_iter().collect();
        let granted: Grants = [Capability::Http, Capability::Log].into_iter().collect();
        let has = wanted.and(&granted);
        assert!(has.allows(Capability::Http));
        assert!(!has.allows(Capability::Kv) && !has.allows(Capability::Log));
        assert_eq!(has.to_string(), "http");
        assert_eq!(wanted.and(&Grants::none()).to_string(), "nothing");
        assert_eq!(wanted.and(&Grants::all()), wanted);
    }

    #[test]
    fn words_read_back() {
        for capability in Capability::ALL {
            assert_eq!(capability.as_str().parse(), Ok(*capability));
        }
        assert!("files".parse::<Capability>().is_err());
    }
}

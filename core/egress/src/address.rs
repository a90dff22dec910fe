//! Which addresses the hub may dial: everything public, and what the admin's allow-list names.
//!
//! Pure decisions. Who looks names up and dials is [`crate::resolve`]; the ranges follow the IANA
//! special-purpose registries (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::error::EgressError;

/// Destinations that are allowed although they are not public.
///
/// An entry is an address (`10.1.2.3`), a range (`10.0.0.0/8`, `fd00::/8`), a host (`mail.corp.example`) or all
/// hosts of a domain (`*.corp.example`). A host may then have private, shared or loopback addresses, but never
/// link-local ones, where cloud providers keep credentials: those must be named as a range. The addresses of metadata
/// services pass only when each is named by itself, for a range that holds one was hardly meant to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    ranges: Vec<IpNet>,
    hosts: Vec<String>,
    domains: Vec<String>,
}

impl AllowList {
    /// Reads the entries; an entry that is neither address, range nor host name is an error that names it.
    pub fn parse<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, EgressError> {
        let mut list = Self::default();
        for entry in entries {
            let entry = entry.as_ref().trim();
            if let Ok(range) = entry.parse::<IpNet>() {
                list.ranges.push(range.trunc());
            } else if let Ok(address) = IpAddr::from_str(entry) {
                list.ranges.push(IpNet::from(address));
            } else if let Some(domain) = entry.strip_prefix("*.") {
                list.domains.push(format!(".{}", host_name(domain, entry)?));
            } else {
                list.hosts.push(host_name(entry, entry)?);
            }
        }
        Ok(list)
    }

    /// Whether `address`, which `host` resolved to or which was given literally, may be dialled; the error says why not.
    pub fn check(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        let address = address.to_canonical();
        if is_metadata(address) {
            let named = |allowed: &IpNet| {
                allowed.prefix_len() == allowed.max_prefix_len() && allowed.contains(&address)
            };
            return match self.ranges.iter().any(named) {
                true => Ok(()),
                false => Err(Refused {
                    host: host.to_owned(),
                    address,
                    kind: "cloud-metadata",
                }),
            };
        }
        let Some(range) = special_range(address) else {
            return Ok(());
        };
        let named = || self.names(host) && range.a_host_may;
        if self.ranges.iter().any(|allowed| allowed.contains(&address)) || named() {
            return Ok(());
        }
        Err(Refused {
            host: host.to_owned(),
            address,
            kind: range.kind,
        })
    }

    /// Whether this host is on the list: a name by itself or its domain, an address by its range.
    pub(crate) fn lists(&self, host: &url::Host<&str>) -> bool {
        let in_range = |address: IpAddr| {
            self.ranges
                .iter()
                .any(|range| range.contains(&address.to_canonical()))
        };
        match *host {
            url::Host::Domain(name) => self.names(name),
            url::Host::Ipv4(v4) => in_range(IpAddr::V4(v4)),
            url::Host::Ipv6(v6) => in_range(IpAddr::V6(v6)),
        }
    }

    fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.hosts.contains(&host) || self.domains.iter().any(|domain| host.ends_with(domain))
    }
}

fn host_name(text: &str, entry: &str) -> Result<String, EgressError> {
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // A last label of digits only would be a mistyped address, never a host.
    let numeric_end = name
        .rsplit('.')
        .next()
        .is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    if name.len() <= 253 && name.split('.').all(label_ok) && !numeric_end {
        Ok(name)
    } else {
        Err(EgressError::AllowEntry {
            entry: entry.to_owned(),
        })
    }
}

/// Why an address is not dialled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} has the {kind} address {address}, which is not on the allow-list for outgoing connections")]
pub struct Refused {
    pub(crate) host: String,
    pub(crate) address: IpAddr,
    pub(crate) kind: &'static str,
}

struct SpecialRange {
    kind: &'static str,
    a_host_may: bool,
}

const V4: [(&str, u8, &str, bool); 15] = [
    ("0.0.0.0", 8, "unspecified", false),
    ("10.0.0.0", 8, "private", true),
    ("100.64.0.0", 10, "shared (CGNAT)", true),
    ("127.0.0.0", 8, "loopback", true),
    ("169.254.0.0", 16, "link-local", false),
    ("172.16.0.0", 12, "private", true),
    ("192.0.0.0", 24, "reserved", false),
    ("192.0.2.0", 24, "documentation", false),
    ("192.88.99.0", 24, "reserved", false),
    ("192.168.0.0", 16, "private", true),
    ("198.18.0.0", 15, "benchmarking", false),
    ("198.51.100.0", 24, "documentation", false),
    ("203.0.113.0", 24, "documentation", false),
    ("224.0.0.0", 4, "multicast", false),
    ("240.0.0.0", 4, "reserved", false),
];

const V6: [(&str, u8, &str, bool); 12] = [
    ("::", 128, "unspecified", false),
    ("::1", 128, "loopback", true),
    ("64:ff9b:1::", 48, "local-use NAT64", false),
    ("100::", 64, "discard-only", false),
    ("2001::", 23, "protocol-assignment", false),
    ("2001:db8::", 32, "documentation", false),
    ("3fff::", 20, "documentation", false),
    ("5f00::", 16, "segment-routing", false),
    ("fc00::", 7, "unique-local", true),
    ("fe80::", 10, "link-local", false),
    ("fec0::", 10, "site-local", false),
    ("ff00::", 8, "multicast", false),
];

/// Where cloud providers hand out credentials to whoever asks from the machine: Amazon (also for containers), Google,
/// Azure, Alibaba, Oracle.
const METADATA: [&str; 9] = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
];

/// Whether a metadata service answers at `address`, or where a translating or tunnelling network would take it.
fn is_metadata(address: IpAddr) -> bool {
    let listed = |address: IpAddr| METADATA.iter().any(|known| known.parse() == Ok(address));
    match address {
        IpAddr::V4(_) => listed(address),
        IpAddr::V6(v6) => listed(address) || embedded_v4(v6).is_some_and(|v4| listed(IpAddr::V4(v4))),
    }
}

fn special_range(address: IpAddr) -> Option<SpecialRange> {
    match address {
        IpAddr::V4(v4) => V4.iter().find_map(|&(base, bits, kind, a_host_may)| {
            let net = Ipv4Net::new(base.parse().ok()?, bits).ok()?;
            net.contains(&v4).then_some(SpecialRange { kind, a_host_may })
        }),
        IpAddr::V6(v6) => V6
            .iter()
            .find_map(|&(base, bits, kind, a_host_may)| {
                let net = Ipv6Net::new(base.parse().ok()?, bits).ok()?;
                net.contains(&v6).then_some(SpecialRange { kind, a_host_may })
            })
            .or_else(|| special_range(IpAddr::V4(embedded_v4(v6)?))),
    }
}

/// The IPv4 address that a translating or tunnelling network would reach for `address`.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        // IPv4-compatible (RFC 4291, deprecated), IPv4-mapped, and NAT64 (RFC 6052), that of a network's own too (RFC 8215).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low] => Some(v4(high, low)),
        // IPv4-translated (RFC 2765).
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(v4(high, low)),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(list: &AllowList, host: &str, address: &str) -> bool {
        list.check(host, address.parse().expect(address)).is_err()
    }

    #[test]
    fn only_public_addresses_pass_by_default() {
        let none = AllowList::default();
        for bad in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::",
            "2001:0:1::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:0:7f00:1",
        ] {
            assert!(refused(&none, "host.example", bad), "{bad}");
        }
        for good in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "::ffff:8.8.8.8",
        ] {
            assert!(!refused(&none, "host.example", good), "{good}");
        }
    }

    #[test]
    fn the_allow_list_opens_ranges_and_hosts() {
        let list = AllowList::parse([
            "10.1.0.0/16",
            "127.0.0.1",
            "Mail.Corp.example",
            "*.lab.example",
            "fd00::/8",
        ])
        .expect("list");
        assert!(!refused(&list, "x", "10.1.2.3"));
        assert!(!refused(&list, "x", "::ffff:10.1.2.3"));
        assert!(refused(&list, "x", "10.2.0.1"));
        assert!(!refused(&list, "x", "127.0.0.1"));
        assert!(refused(&list, "x", "127.0.0.2"));
        assert!(!refused(&list, "x", "fd12::1"));
        assert!(!refused(&list, "mail.corp.example.", "192.168.0.9"));
        assert!(!refused(&list, "a.b.lab.example", "127.0.0.9"));
        assert!(refused(&list, "lab.example", "127.0.0.9"));
        assert!(refused(&list, "evil-lab.example", "127.0.0.9"));
        // A named host never gets at the metadata service.
        assert!(refused(&list, "mail.corp.example", "169.254.169.254"));
    }

    #[test]
    fn metadata_passes_only_when_it_is_named_itself() {
        let services = [
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "64:ff9b::6464:64c8",
        ];
        let wide = AllowList::parse([
            "0.0.0.0/0",
            "::/0",
            "169.254.0.0/16",
            "100.64.0.0/10",
            "fd00::/8",
            "169.254.169.252/30",
            "metadata.example",
            "*.example",
        ])
        .expect("list");
        for address in services {
            for list in [&AllowList::default(), &wide] {
                assert!(refused(list, "metadata.example", address), "{address}");
            }
        }
        // What lies beside them in an allowed range passes.
        assert!(!refused(&wide, "x", "169.254.169.253") && !refused(&wide, "x", "fd00:ec2::255"));
        let named = AllowList::parse(["169.254.169.254", "fd00:ec2::254/128"]).expect("list");
        assert!(!refused(&named, "x", "169.254.169.254") && !refused(&named, "x", "::ffff:169.254.169.254"));
        assert!(!refused(&named, "x", "fd00:ec2::254") && refused(&named, "x", "100.100.100.200"));
        let error = named.check("hook.example", "100.100.100.200".parse().expect("address"));
        assert!(
            error
                .expect_err("refused")
                .to_string()
                .contains("cloud-metadata address 100.100.100.200")
        );
    }

    #[test]
    fn entries_that_are_nothing_are_named() {
        for bad in ["", "10.0.0.0/33", "300.1.1.1", "a b", "*.", "http://x"] {
            let error = AllowList::parse([bad]).expect_err(bad);
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }
}

//! Mail addresses: `Name <local@domain>` or the address alone. Stricter than RFC 5322, which allows comments.

use ironcore_plugin::mail::Mailbox;

/// Reads an address, or says why it is none.
pub(crate) fn parse(text: &str) -> Result<Mailbox, String> {
    let bad = |why: &str| Err(format!("{text:?} is not a mail address: {why}"));
    if text.chars().any(char::is_control) {
        return bad("it holds a control character");
    }
    let text_trimmed = text.trim();
    let (name, address) = match text_trimmed
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'))
    {
        Some((name, address)) => (Some(name.trim().trim_matches('"').trim()), address.trim()),
        None => (None, text_trimmed),
    };
    let Some((local, domain)) = address.rsplit_once('@') else {
        return bad("there is no @ in it");
    };
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| !c.is_whitespace() && !"<>()[],;:\\\"@".contains(c))
    };
    if !plain(local) || local.len() > 64 {
        return bad("the part before the @ is not valid");
    }
    if !plain(domain) || domain.starts_with('.') || domain.ends_with('.') || domain.contains("..") {
        return bad("the part after the @ is not valid");
    }
    Ok(Mailbox {
        name: name.filter(|name| !name.is_empty()).map(str::to_owned),
        address: address.to_owned(),
    })
}

/// The part after the `@`.
pub(crate) fn domain(mailbox: &Mailbox) -> &str {
    mailbox
        .address
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let plain = parse(" ops@example.com ").expect("address");
        assert_eq!((plain.name, plain.address.as_str()), (None, "ops@example.com"));
        let named = parse("\"Ops, Night\" <ops@example.com>").expect("address");
        assert_eq!(
            (named.name.as_deref(), named.address.as_str()),
            (Some("Ops, Night"), "ops@example.com")
        );
        assert_eq!(domain(&named), "example.com");
        assert_eq!(parse("<a@b>").expect("address").name, None);
    }

    #[test]
    fn what_could_smuggle_a_header_is_refused() {
        for bad in [
            "a@b\r\nBcc: c@d",
            "a@b\nX: y",
            "a\0@b",
            "a b@c",
            "a@b, c@d",
            "a",
            "@b",
            "a@",
            "a@b..c",
            "x <a@b> y",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}

//! Takes the secrets that a call used out of everything that the call gives back.
//!
//! What a secret looks like on the wire (percent-encoded, base64, inside JSON) counts as the secret. Collecting them
//! is left to [`crate::slots`] and [`crate::smtp`].

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands in place of a secret.
pub(crate) const MARK: &str = "[redacted]";

/// Parts of a secret URL that are shorter tell nothing and would garble ordinary words.
const SHORTEST_PART: usize = 8;

/// The secrets of one call, in every form they may come back in.
#[derive(Default)]
pub(crate) struct Redactor {
    // Longest first, so that a secret that contains another goes as a whole.
    patterns: Vec<Vec<u8>>,
}

impl Redactor {
    /// Adds a secret in its usual forms.
    pub(crate) fn add(&mut self, secret: &str) {
        let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::to_string(secret).unwrap_or_default();
        for form in [
            secret.to_owned(),
            small_hex(&percent.replace('+', "%20")),
            percent.replace('+', "%20"),
            small_hex(&percent),
            percent,
            json.trim_matches('"').to_owned(),
            STANDARD.encode(secret),
            STANDARD_NO_PAD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
        ] {
            self.push(form.into_bytes());
        }
        let trimmed = secret.trim();
        if trimmed != secret {
            self.push(trimmed.as_bytes().to_vec());
        }
    }

    /// Adds a URL that is a secret as a whole: also its path with query, and the longer parts of them.
    pub(crate) fn add_url(&mut self, secret: &str, url: &url::Url) {
        self.add(secret);
        self.add(url.as_str());
        let path = &url[url::Position::BeforePath..];
        if path.len() >= SHORTEST_PART {
            self.add(path);
        }
        let parts = url.path_segments().into_iter().flatten().map(str::to_owned);
        let parts = parts.chain(url.query_pairs().map(|(_, value)| value.into_owned()));
        for part in parts.chain([url.username().to_owned(), url.password().unwrap_or("").to_owned()]) {
            if part.len() >= SHORTEST_PART {
                self.add(&part);
            }
        }
    }

    /// Adds exactly this text, for forms made elsewhere.
    pub(crate) fn push(&mut self, pattern: Vec<u8>) {
        if !pattern.is_empty() && !self.patterns.contains(&pattern) {
            let at = self.patterns.partition_point(|p| p.len() >= pattern.len());
            self.patterns.insert(at, pattern);
        }
    }

    /// The length of the longest form.
    pub(crate) fn longest(&self) -> usize {
        self.patterns.first().map_or(0, Vec::len)
    }

    /// `text` without the secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.clean(text.as_bytes(), false)).into_owned()
    }

    /// `bytes`, whose end was `cut` off somewhere, without the secrets and without the beginning of one at its end;
    /// at most `limit` bytes.
    pub(crate) fn cut(&self, bytes: &[u8], cut: bool, limit: usize) -> Vec<u8> {
        let mut clean = self.clean(bytes, cut);
        clean.truncate(limit);
        clean
    }

    fn clean(&self, bytes: &[u8], cut: bool) -> Vec<u8> {
        let mut clean = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if let Some(pattern) = self.patterns.iter().find(|p| rest.starts_with(p)) {
                clean.extend_from_slice(MARK.as_bytes());
                at += pattern.len();
            } else if cut && self.patterns.iter().any(|p| p.starts_with(rest)) {
                break;
            } else {
                clean.push(bytes[at]);
                at += 1;
            }
        }
        clean
    }
}

/// The same percent-encoding with its hex digits in lower case.
fn small_hex(percent: &str) -> String {
    let mut digits = 0;
    let small = |c: char| {
        let is_digit = digits > 0;
        digits = if c == '%' { 2 } else { digits - i32::from(is_digit) };
        if is_digit { c.to_ascii_lowercase() } else { c }
    };
    percent.chars().map(small).collect()
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("patterns", &self.patterns.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        secrets.iter().for_each(|s| redactor.add(s));
        redactor
    }

    #[test]
    fn every_form_goes() {
        let redactor = of(&["p\"ss/w+rd ü", "p\"ss"]);
        for form in [
            "p\"ss/w+rd ü".to_owned(),
            "p%22ss%2Fw%2Brd+%C3%BC".to_owned(),
            "p%22ss%2fw%2brd%20%c3%bc".to_owned(),
            "p\\\"ss/w+rd ü".to_owned(),
            STANDARD.encode("p\"ss/w+rd ü"),
        ] {
            let text = redactor.text(&format!("<{form}>"));
            assert!(text == "<[redacted]>" || !text.contains("rd"), "{form} -> {text}");
        }
        assert_eq!(redactor.text("nothing here"), "nothing here");
    }

    #[test]
    fn a_secret_cut_in_two_does_not_show_its_half() {
        let redactor = of(&["hunter2hunter2"]);
        assert_eq!(redactor.cut(b"see hunter2hun", true, 100), b"see ");
        assert_eq!(redactor.cut(b"see hunter2hun", false, 100), b"see hunter2hun");
        assert_eq!(
            redactor.cut(b"see hunter2hunter2hunter2", true, 100),
            b"see [redacted]"
        );
        assert_eq!(redactor.cut(b"see hunter2hunter2", true, 8), b"see [red");
    }

    #[test]
    fn a_secret_url_goes_with_its_parts() {
        let url = url::Url::parse("https://hooks.example/services/T00000000/verysecretpart?k=anothersecret")
            .expect("url");
        let mut redactor = Redactor::default();
        redactor.add_url(url.as_str(), &url);
        let text =
            redactor.text("no such hook: /services/T00000000/verysecretpart (verysecretpart, anothersecret)");
        assert!(!text.contains("secret"), "{text}");
        assert!(!format!("{redactor:?}").contains("secret"));
    }
}

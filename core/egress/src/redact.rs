//! Takes the secrets that a call used out of everything that the call gives back.
//!
//! Hex, Base32, UTF-16 and Base64 of a secret count as the secret, also where the Base64 is of more than the secret or of
//! Base64, and so does each in every way of writing characters that is found in answers ([`crate::written`]). Collecting them is left to [`crate::slots`] and [`crate::smtp`].

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use data_encoding::BASE32_NOPAD;

use crate::written::{self, Found};

/// What stands in place of a secret.
pub(crate) const MARK: &str = "[redacted]";

/// Parts of a secret URL that are shorter tell nothing and would garble ordinary words.
const SHORTEST_PART: usize = 8;
/// The hex digits of shorter secrets would be found in ordinary numbers.
const SHORTEST_HEX: usize = 4;

/// Less Base64 than this would be found in ordinary words.
const SHORTEST_INNER: usize = 6;

/// The Base64 characters that are made of nothing but the secret, when as many bytes stand before it in the encoded text:
/// only their number within a group of three matters. The characters at both ends hold bits of what is around it.
fn inner(encoded: &str, before: usize, length: usize) -> Option<String> {
    // Six bits a character: the first that begins in the secret, and the first that does not end in it.
    let (start, end) = ((8 * before).div_ceil(6), 8 * (before + length) / 6);
    let inner = encoded.get(start..end)?;
    (inner.len() >= SHORTEST_INNER).then(|| inner.to_owned())
}

/// The secrets of one call, in every form they may come back in.
pub(crate) struct Redactor {
    // Longest first, so that a secret that contains another goes as a whole.
    patterns: Vec<String>,
    // The bytes that any of them may begin with; most of an answer is passed over by them.
    begins: [bool; 256],
}

impl Default for Redactor {
    fn default() -> Self {
        Self {
            patterns: Vec::new(),
            begins: [false; 256],
        }
    }
}

impl Redactor {
    /// Adds a secret in its usual forms.
    pub(crate) fn add(&mut self, secret: &str) {
        self.push(secret.to_owned());
        self.push_base64(secret);
        // Base64 of Base64: a header with one in it, within a message that is repeated encoded as a whole.
        self.push_base64(&STANDARD.encode(secret));
        self.push(BASE32_NOPAD.encode(secret.as_bytes()));
        if secret.is_ascii() {
            // UTF-16, which is read as text with a zero after each character or before it.
            let wide: String = secret.chars().flat_map(|c| [c, '\0']).collect();
            self.push(wide.trim_end_matches('\0').to_owned());
        }
        if secret.len() >= SHORTEST_HEX {
            for between in ["", " ", ":"] {
                let digits: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
                let hex = digits.join(between);
                self.push(hex.to_ascii_uppercase());
                self.push(hex);
            }
        }
        if secret.len() >= SHORTEST_PART && secret.is_ascii() {
            self.push(secret.to_ascii_lowercase());
            self.push(secret.to_ascii_uppercase());
        }
        let trimmed = secret.trim();
        if trimmed != secret {
            self.push(trimmed.to_owned());
        }
    }

    /// Adds Base64 of the text, and of every text that it may stand in.
    fn push_base64(&mut self, text: &str) {
        for form in [
            STANDARD.encode(text),
            STANDARD_NO_PAD.encode(text),
            URL_SAFE.encode(text),
            URL_SAFE_NO_PAD.encode(text),
        ] {
            self.push(form);
        }
        for before in 0..3 {
            let mut longer = vec![0; before];
            longer.extend_from_slice(text.as_bytes());
            for encoded in [STANDARD_NO_PAD.encode(&longer), URL_SAFE_NO_PAD.encode(&longer)] {
                if let Some(inner) = inner(&encoded, before, text.len()) {
                    self.push(inner);
                }
            }
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

    /// Adds this text, for forms made elsewhere.
    pub(crate) fn push(&mut self, pattern: String) {
        let Some(first) = pattern.bytes().next() else {
            return;
        };
        if !self.patterns.contains(&pattern) {
            self.begins[usize::from(first)] = true;
            for escape in written::ESCAPES {
                self.begins[usize::from(*escape)] = true;
            }
            let at = self.patterns.partition_point(|p| p.len() >= pattern.len());
            self.patterns.insert(at, pattern);
        }
    }

    /// The length of the longest form, however it is written.
    pub(crate) fn longest(&self) -> usize {
        self.patterns.first().map_or(0, String::len) * written::LONGEST
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
            match self.at(&bytes[at..], cut) {
                Found::Whole(length) => {
                    clean.extend_from_slice(MARK.as_bytes());
                    at += length;
                }
                Found::Begun => break,
                Found::Nothing => {
                    clean.push(bytes[at]);
                    at += 1;
                }
            }
        }
        clean
    }

    /// The longest secret at the beginning of `rest`; the beginning of one counts where the end was `cut` off.
    fn at(&self, rest: &[u8], cut: bool) -> Found {
        if !self.begins[usize::from(rest[0])] {
            return Found::Nothing;
        }
        let mut begun = false;
        for pattern in &self.patterns {
            match written::find(pattern, rest) {
                Found::Nothing => {}
                Found::Begun => begun = true,
                whole @ Found::Whole(_) => return whole,
            }
        }
        if begun && cut {
            Found::Begun
        } else {
            Found::Nothing
        }
    }
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
    fn every_way_to_write_it_goes() {
        const SECRET: &str = "whsk_a/b+c=<d>&'e\"f\\g ü😀";
        let redactor = of(&[SECRET]);
        let chars = |write: fn(char) -> String| SECRET.chars().map(write).collect::<String>();
        let bytes = |write: fn(u8) -> String| SECRET.bytes().map(write).collect::<String>();
        let json = |text: &str| {
            let quoted = serde_json::to_string(text).expect("JSON");
            quoted[1..quoted.len() - 1].to_owned()
        };
        let php = json(SECRET).replace('/', "\\/");
        let utf16 = |digits: fn(u16) -> String| SECRET.encode_utf16().map(digits).collect::<String>();
        let html = |quote: &str| {
            let text = SECRET
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            text.replace('"', "&quot;").replace('\'', quote)
        };
        for form in [
            json(SECRET),
            php.clone(),
            // JSON as a text within JSON.
            json(&php),
            utf16(|unit| format!("\\u{unit:04x}")),
            utf16(|unit| format!("\\u{unit:04X}")),
            utf16(|unit| match char::from_u32(unit.into()) {
                Some(plain) if plain.is_ascii_alphanumeric() => plain.to_string(),
                _ => format!("\\u{unit:04X}"),
            }),
            json(&utf16(|unit| format!("\\u{unit:04x}"))),
            html("&#39;"),
            html("&#x27;"),
            html("&apos;"),
            html("&#039;").replace('&', "&amp;"),
            html("&#39;").replace('&', "\\u0026"),
            html("'")
                .replace('ü', "&uuml;")
                .replace('/', "&sol;")
                .replace('=', "&equals;"),
            chars(|c| format!("&#{};", u32::from(c))),
            chars(|c| format!("&#x{:x};", u32::from(c))),
            chars(|c| format!("&#X{:06X};", u32::from(c))),
            bytes(|byte| format!("%{byte:02x}")),
            bytes(|byte| format!("%{byte:02X}")),
            bytes(|byte| format!("\\x{byte:02x}")),
            url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect(),
            bytes(|byte| format!("{byte:02x}")),
            bytes(|byte| format!("{byte:02X}")),
            STANDARD.encode(SECRET),
            STANDARD.encode(SECRET).replace('/', "\\/").replace('=', "%3D"),
            STANDARD_NO_PAD.encode(SECRET),
            URL_SAFE.encode(SECRET),
            URL_SAFE_NO_PAD.encode(SECRET),
            BASE32_NOPAD.encode(SECRET.as_bytes()),
            bytes(|byte| format!("{byte:02x} ")).trim_end().to_owned(),
            bytes(|byte| format!("%25{byte:02X}")),
            // As MIME breaks lines, and in JSON.
            STANDARD.encode(SECRET).replacen('x', "x\r\n", 1),
            STANDARD.encode(SECRET).replacen('x', "x\\n  ", 1),
            STANDARD.encode(STANDARD.encode(SECRET)),
        ] {
            let text = redactor.text(&format!("<{form}>"));
            assert_eq!(text, "<[redacted]>", "{form}");
        }
        let others = "50 % of \\n &amp; \\u0041 &#65; %41 a/b+c= \\/ whsk_a\\/b+c=&lt;x";
        assert_eq!(redactor.text(others), others);
    }

    #[test]
    fn a_secret_in_other_letters_goes() {
        let redactor = of(&["Routing-Key+17/a"]);
        for form in ["routing-key+17/a", "ROUTING-KEY+17/A", "routing-key%2b17%2fa"] {
            assert_eq!(redactor.text(&format!("<{form}>")), "<[redacted]>");
        }
    }

    #[test]
    fn base64_of_more_than_the_secret_goes_whatever_stands_around_it() {
        const SECRET: &str = "hunter2?hunter3>ü";
        let redactor = of(&[SECRET]);
        for before in ["Bearer ", "x", "xy", "xyz", "Authorization: Bearer ", ""] {
            for after in ["", "\n", "\r\n", " and more"] {
                let text = format!("{before}{SECRET}{after}");
                for encoded in [
                    STANDARD.encode(&text),
                    STANDARD_NO_PAD.encode(&text),
                    URL_SAFE.encode(&text),
                    URL_SAFE_NO_PAD.encode(&text),
                ] {
                    let shown = redactor.text(&format!("you sent {encoded} to us"));
                    let (start, rest) = shown.split_once(MARK).expect("redacted");
                    let start = start.trim_start_matches("you sent ");
                    // What is left is of what stands around it: of the secret there are a few bits at most.
                    let characters = |bytes: usize| (8 * bytes).div_ceil(6);
                    assert!(start.len() <= characters(before.len()), "{encoded} -> {shown}");
                    let end = rest.trim_end_matches(" to us").trim_end_matches('=');
                    assert!(end.len() <= characters(after.len()) + 1, "{encoded} -> {shown}");
                }
            }
        }
        let cut = STANDARD.encode(format!("Bearer {SECRET}"));
        let shown = redactor.cut(&cut.as_bytes()[..20], true, 100);
        assert_eq!(shown, &cut.as_bytes()[..10], "the beginning of it goes, too");
        let short = of(&["abc"]);
        let text = STANDARD.encode("xxabcxx");
        assert_eq!(short.text(&text), text);
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
        for begun in ["hunter2\\u0", "hunter2&#1", "\\u0068\\u007", "hunter2h%7"] {
            let text = format!("see {begun}");
            assert_eq!(redactor.cut(text.as_bytes(), true, 100), b"see ", "{begun}");
        }
        assert_eq!(redactor.cut(b"see huntsman", true, 100), b"see huntsman");
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

//! Texts made to fit: cut to what a receiver takes, with what it would read as markup escaped. Plain functions.
//!
//! Nothing is cut inside a character as people see it, nor inside an escape. What cannot be seen (control characters)
//! and what turns the reading direction of the text around it is left out: it is of no use to people, and receivers
//! refuse it or are fooled by it.

use unicode_segmentation::UnicodeSegmentation as _;

/// What a receiver counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Units of UTF-16. Never fewer than characters, so it is safe where a receiver only says "characters".
    Utf16,
    /// Unicode scalar values.
    Characters,
    /// Bytes of UTF-8.
    Bytes,
}

impl Unit {
    pub(crate) fn read(name: &str) -> Option<Self> {
        match name {
            "utf16" => Some(Self::Utf16),
            "characters" => Some(Self::Characters),
            "bytes" => Some(Self::Bytes),
            _ => None,
        }
    }

    /// How long a text is.
    pub(crate) fn of(self, text: &str) -> usize {
        match self {
            Self::Utf16 => text.encode_utf16().count(),
            Self::Characters => text.chars().count(),
            Self::Bytes => text.len(),
        }
    }
}

/// What a receiver reads as more than text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Markup {
    /// Nothing.
    None,
    /// Slack's mrkdwn: three characters are control characters.
    Slack,
    /// Discord's Markdown.
    Discord,
    /// The Markdown of Adaptive Cards.
    Teams,
    /// Mattermost's Markdown, in which `@` calls people.
    Mattermost,
}

impl Markup {
    pub(crate) fn read(name: &str) -> Option<Self> {
        match name {
            "" => Some(Self::None),
            "slack" => Some(Self::Slack),
            "discord" => Some(Self::Discord),
            "teams" => Some(Self::Teams),
            "mattermost" => Some(Self::Mattermost),
            _ => None,
        }
    }

    /// Writes a character so that it stays what it is.
    fn write(self, c: char, out: &mut String) {
        match (self, c) {
            (Self::Slack, '&') => out.push_str("&amp;"),
            (Self::Slack, '<') => out.push_str("&lt;"),
            (Self::Slack, '>') => out.push_str("&gt;"),
            (
                Self::Discord | Self::Teams | Self::Mattermost,
                '\\' | '*' | '_' | '~' | '`' | '[' | ']' | '<' | '>' | '#',
            )
            | (Self::Discord | Self::Mattermost, '|') => out.extend(['\\', c]),
            // A backslash does not keep Mattermost from calling people; a space of no width does.
            (Self::Mattermost, '@') => out.push_str("@\u{200b}"),
            _ => out.push(c),
        }
    }
}

const ELLIPSIS: &str = "…";
/// A cut goes back to the end of a word when that costs no more than this, bytes.
const WORD: usize = 24;

/// The text, escaped, in at most `most` units; what is too long ends with `…`.
pub(crate) fn cut(text: &str, most: usize, unit: Unit, markup: Markup) -> String {
    let room = most.saturating_sub(unit.of(ELLIPSIS));
    let (mut out, mut used, mut kept) = (String::new(), 0, 0);
    // What follows what is kept: it says whether a word is cut.
    let mut next = None;
    let mut piece = String::new();
    for grapheme in text.graphemes(true) {
        piece.clear();
        for c in grapheme.chars().filter(|c| is_visible(*c)) {
            markup.write(c, &mut piece);
        }
        used += unit.of(&piece);
        if used > room {
            next = next.or(Some(grapheme));
        }
        if used > most {
            out.truncate(kept);
            let inside = next.is_some_and(|next| !next.trim().is_empty());
            return ended(out, most, unit, inside);
        }
        out.push_str(&piece);
        if used <= room {
            kept = out.len();
        }
    }
    out
}

/// The same on one line: every run of spaces and line breaks is one space.
pub(crate) fn line(text: &str, most: usize, unit: Unit, markup: Markup) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let mut joined = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
        // Enough to see that it is too long; a title may be megabytes.
        if joined.len() > most.saturating_mul(4).saturating_add(64) && unit.of(&joined) > most {
            break;
        }
    }
    cut(&joined, most, unit, markup)
}

/// A text of several lines in at most `most` units, cut at the end of a line where it can be: its lines may hold
/// markup that must stay whole. Empty lines come one at a time, and none at the ends; when it is `spread`, one comes
/// between any two lines, for receivers that read a single line break as a space.
pub(crate) fn lines(text: &str, most: usize, unit: Unit, spread: bool) -> String {
    let mut whole = String::new();
    let mut gap = spread;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            gap = true;
            continue;
        }
        if !whole.is_empty() {
            whole.push_str(if gap { "\n\n" } else { "\n" });
        }
        gap = spread;
        whole.push_str(line);
    }
    if unit.of(&whole) <= most {
        return whole;
    }
    let room = most.saturating_sub(unit.of(ELLIPSIS) + 2);
    let mut kept = 0;
    for (at, _) in whole.match_indices('\n') {
        if unit.of(&whole[..at]) > room {
            break;
        }
        kept = at;
    }
    if kept == 0 {
        return cut(&whole, most, unit, Markup::None);
    }
    whole.truncate(kept);
    let between = if spread { "\n\n" } else { "\n" };
    format!("{}{between}{ELLIPSIS}", whole.trim_end())
}

/// A key of at most `most` UTF-16 units: what is too long ends with a hash of the whole, so that different keys stay
/// different.
pub(crate) fn key(text: &str, most: usize) -> String {
    let text = line(text, usize::MAX, Unit::Utf16, Markup::None);
    if Unit::Utf16.of(&text) <= most {
        return text;
    }
    let hash = format!("~{:016x}", fnv(&text));
    let (mut out, mut used) = (String::new(), hash.len());
    for c in text.chars() {
        used += c.len_utf16();
        if used > most {
            break;
        }
        out.push(c);
    }
    out + &hash
}

/// An address that can be followed and stands in any markup, or none: of HTTP, and at most so many bytes.
pub(crate) fn address(text: &str, most: usize) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let mut out = String::new();
    for c in url.as_str().chars() {
        match c {
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '[' => out.push_str("%5B"),
            ']' => out.push_str("%5D"),
            '|' => out.push_str("%7C"),
            '"' => out.push_str("%22"),
            '*' => out.push_str("%2A"),
            '\\' => out.push_str("%5C"),
            _ => out.push(c),
        }
    }
    (matches!(url.scheme(), "http" | "https") && out.len() <= most).then_some(out)
}

/// The text with an ellipsis, without the beginning of a word when it ends `inside` one.
fn ended(mut text: String, most: usize, unit: Unit, inside: bool) -> String {
    let end = text.trim_end().len();
    let inside = inside && end == text.len();
    text.truncate(end);
    if inside
        && let Some(space) = text.rfind(' ')
        && space > 0
        && text.len() - space <= WORD
    {
        text.truncate(space);
    }
    if unit.of(ELLIPSIS) <= most {
        text.push_str(ELLIPSIS);
    }
    text
}

fn is_visible(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !turns && (c == '\n' || c == '\t' || !c.is_control())
}

/// FNV-1a, 64 bits: not secret, only well spread.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, most: usize, unit: Unit) -> String {
        cut(text, most, unit, Markup::None)
    }

    #[test]
    fn what_fits_stays_and_what_is_too_long_ends_with_an_ellipsis() {
        assert_eq!(plain("abc", 3, Unit::Utf16), "abc");
        assert_eq!(plain("abcd", 3, Unit::Utf16), "ab…");
        assert_eq!(plain("the datastore is full", 16, Unit::Utf16), "the datastore…");
        assert_eq!(
            plain("the datastore is full", 17, Unit::Utf16),
            "the datastore is…"
        );
        assert_eq!(
            plain("abcdef", 5, Unit::Bytes),
            "ab…",
            "an ellipsis has three bytes"
        );
        assert_eq!(plain("abc", 0, Unit::Utf16), "");
    }

    #[test]
    fn each_unit_is_counted_and_no_character_is_split() {
        let rockets = "🚀🚀🚀🚀";
        assert_eq!(plain(rockets, 4, Unit::Characters), rockets);
        assert_eq!(plain(rockets, 6, Unit::Utf16), "🚀🚀…");
        assert_eq!(plain(rockets, 12, Unit::Bytes), "🚀🚀…");
        // One family is eleven units of UTF-16, seen as one.
        assert_eq!(plain("a👨‍👩‍👧‍👦b", 8, Unit::Utf16), "a…");
        for most in 0..40 {
            for unit in [Unit::Utf16, Unit::Characters, Unit::Bytes] {
                let text = cut("größe <b>&amp; 🚀 é\u{301}", most, unit, Markup::Slack);
                assert!(unit.of(&text) <= most, "{text:?} in {most}");
            }
        }
    }

    #[test]
    fn what_a_receiver_would_read_as_markup_is_escaped_and_never_split() {
        assert_eq!(cut("a<b&c>", 99, Unit::Utf16, Markup::Slack), "a&lt;b&amp;c&gt;");
        assert_eq!(cut("a&&", 7, Unit::Utf16, Markup::Slack), "a&amp;…");
        assert_eq!(
            cut("*x* [y](z)", 99, Unit::Utf16, Markup::Discord),
            "\\*x\\* \\[y\\](z)"
        );
        assert_eq!(cut("@all", 99, Unit::Utf16, Markup::Mattermost), "@\u{200b}all");
        assert_eq!(cut("ab*", 4, Unit::Utf16, Markup::Teams), "ab\\*");
        assert_eq!(cut("ab**", 4, Unit::Utf16, Markup::Teams), "ab…");
    }

    #[test]
    fn what_cannot_be_seen_is_left_out() {
        assert_eq!(
            plain("a\0b\u{7}c\u{202e}d\u{85}\n\te", 99, Unit::Utf16),
            "abcd\n\te"
        );
        assert_eq!(
            line("  a\r\n\tb\u{2028}c  ", 99, Unit::Utf16, Markup::None),
            "a b c"
        );
        assert_eq!(plain("שלום", 99, Unit::Utf16), "שלום");
    }

    #[test]
    fn several_lines_are_cut_at_the_end_of_one() {
        let lines = |text, most| lines(text, most, Unit::Utf16, false);
        assert_eq!(lines("\n\na  \n\n\nb\nc\n", 99), "a\n\nb\nc");
        assert_eq!(lines("*one*\n*two*\n*three*", 14), "*one*\n*two*\n…");
        assert_eq!(lines("abcdef", 4), "abc…");
        assert_eq!(super::lines("a\nb\n\nc", 99, Unit::Utf16, true), "a\n\nb\n\nc");
        assert_eq!(super::lines("aa\nbb\ncc", 9, Unit::Utf16, true), "aa\n\nbb\n\n…");
    }

    #[test]
    fn long_keys_stay_different() {
        assert_eq!(key("job/office/nightly", 30), "job/office/nightly");
        let (one, other) = (
            key(&("a".repeat(300) + "1"), 255),
            key(&("a".repeat(300) + "2"), 255),
        );
        assert!(one != other && one.len() == 255 && other.len() == 255);
        assert!(Unit::Utf16.of(&key(&"🚀".repeat(300), 100)) <= 100);
    }

    #[test]
    fn addresses_are_those_of_http_and_break_out_of_no_markup() {
        assert_eq!(
            address("https://hub.example/tasks/a%3Ab?x=(1|2)#log", 99).as_deref(),
            Some("https://hub.example/tasks/a%3Ab?x=%281%7C2%29#log")
        );
        for bad in ["javascript:alert(1)", "/tasks/1", "", "not an address"] {
            assert_eq!(address(bad, 99), None, "{bad}");
        }
        assert_eq!(address("https://hub.example/tasks/1", 20), None);
    }
}

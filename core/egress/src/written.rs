//! How a text may be written where it is repeated: as it is, percent-encoded, escaped for JSON, JavaScript or HTML, each
//! character in a way of its own, and JSON or HTML within JSON. Plain functions.

/// What begins a way of writing a character beside its own first byte: escapes, and a plus sign for a space.
pub(crate) const ESCAPES: &[u8] = b"\\%&+";
/// The most bytes that one byte of a text becomes: `\\\u0026DiacriticalGrave;`.
pub(crate) const LONGEST: usize = 8 + REFERENCE;
/// As many backslashes in a row escape one character: those of a text within a text within a text.
const NESTED: usize = 3;
/// The longest reference of HTML after its `&`, with the `;`.
const REFERENCE: usize = 17;

/// The names that HTML has for characters of ASCII.
const NAMES: [(&str, char); 41] = [
    ("quot", '"'),
    ("amp", '&'),
    ("apos", '\''),
    ("lt", '<'),
    ("gt", '>'),
    ("sol", '/'),
    ("plus", '+'),
    ("equals", '='),
    ("colon", ':'),
    ("comma", ','),
    ("semi", ';'),
    ("period", '.'),
    ("excl", '!'),
    ("quest", '?'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("commat", '@'),
    ("ast", '*'),
    ("midast", '*'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("bsol", '\\'),
    ("verbar", '|'),
    ("vert", '|'),
    ("VerticalLine", '|'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("grave", '`'),
    ("DiacriticalGrave", '`'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
];
/// Those from U+00A0 to U+00FF, in order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring \
    AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash \
    Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
    igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn \
    yuml";

/// Whether a text stands somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It does not.
    Nothing,
    /// All that is there may be its beginning.
    Begun,
    /// It does, and has so many bytes.
    Whole(usize),
}

/// Looks for `wanted` at the beginning of `bytes`, however it is written there.
pub(crate) fn find(wanted: &str, bytes: &[u8]) -> Found {
    // Where the characters up to here may have ended: an escape can be read in more than one way.
    let mut places: Vec<usize> = Vec::new();
    let mut next = Vec::new();
    let mut begun = false;
    for (at, wanted) in wanted.chars().enumerate() {
        let from: &[usize] = if at == 0 { &[0] } else { &places };
        for place in from {
            // Long lines are broken, as MIME does with Base64.
            let broken = if at == 0 { 0 } else { line_break(&bytes[*place..]) };
            for place in [*place, place + broken]
                .into_iter()
                .take(1 + usize::from(broken > 0))
            {
                let rest = &bytes[place..];
                begun |= is_beginning(rest);
                character(wanted, rest, &mut |length| {
                    if !next.contains(&(place + length)) {
                        next.push(place + length);
                    }
                });
            }
        }
        if next.is_empty() {
            return if begun { Found::Begun } else { Found::Nothing };
        }
        places.clear();
        std::mem::swap(&mut places, &mut next);
    }
    places
        .iter()
        .max()
        .map_or(Found::Nothing, |end| Found::Whole(*end))
}

/// How many bytes the end of a line has here, also escaped, with what the next line is indented by.
fn line_break(rest: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let skipped = backslashes(&rest[at..]);
        at += match &rest[at..] {
            [b'\r' | b'\n', ..] => 1,
            [b' ' | b'\t', ..] if at > 0 => 1,
            more if skipped > 0 && matches!(more.get(skipped), Some(b'r' | b'n')) => skipped + 1,
            _ => return at,
        };
    }
}

/// Whether this is nothing, or nothing but the beginning of an escape.
fn is_beginning(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b'\\' | b'%' | b'&', more @ ..] if more.len() < LONGEST => {
            more.iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"\\#".contains(byte))
                && !is_escape(rest)
        }
        _ => false,
    }
}

/// Whether this has as many bytes as a whole escape of its kind.
fn is_escape(rest: &[u8]) -> bool {
    let backslashes = rest.iter().take_while(|byte| **byte == b'\\').count();
    match (backslashes, &rest[backslashes..]) {
        (0, [b'%', b'2', b'5', digits @ ..]) => digits.len() >= 2,
        (0, [b'%', digits @ ..]) => digits.len() >= 2,
        (0, _) | (_, []) => false,
        (_, [b'u', digits @ ..]) => digits.len() >= 4,
        (_, [b'x', digits @ ..]) => digits.len() >= 2,
        _ => true,
    }
}

/// Tells how many bytes the character has at the beginning of `rest`, for each way in which it may stand there.
fn character(wanted: char, rest: &[u8], tell: &mut dyn FnMut(usize)) {
    let mut utf8 = [0; 4];
    let utf8 = wanted.encode_utf8(&mut utf8).as_bytes();
    if let Some(length) = bytes(utf8, rest) {
        tell(length);
    }
    // What begins an escape may be escaped itself.
    if matches!(wanted, '%' | '\\')
        && let Some(length) = encoded(utf8[0], rest)
    {
        tell(length);
    }
    match rest.first() {
        Some(b'+') if wanted == ' ' => tell(1),
        Some(b'\\') => {
            backslashed(wanted, rest, tell);
            if let Some(ampersand) = unit(rest, u16::from(b'&'))
                && let Some(length) = reference(wanted, &rest[ampersand..])
            {
                tell(ampersand + length);
            }
        }
        Some(b'&') => {
            let ampersand = if rest.starts_with(b"&amp;") { 5 } else { 1 };
            for ampersand in [1, ampersand] {
                if let Some(length) = reference(wanted, &rest[ampersand..]) {
                    tell(ampersand + length);
                }
            }
        }
        _ => {}
    }
}

/// Byte by byte, each as it is or encoded.
fn bytes(wanted: &[u8], rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    for byte in wanted {
        let rest = &rest[at..];
        at += if rest.first() == Some(byte) {
            1
        } else {
            encoded(*byte, rest)?
        };
    }
    Some(at)
}

/// `%2F`, `%252F` or `\x2f`: how many bytes it has, if it is this byte.
fn encoded(wanted: u8, rest: &[u8]) -> Option<usize> {
    let before = match rest.first()? {
        b'%' => 1,
        b'\\' => {
            let skipped = backslashes(rest);
            if skipped == 0 || rest.get(skipped) != Some(&b'x') {
                return None;
            }
            skipped + 1
        }
        _ => return None,
    };
    let digits =
        |before: usize| hex(rest.get(before..before + 2)?, u32::from(wanted)).map(|two| before + two);
    // Encoded once more, its sign is `%25`.
    let twice = || rest.starts_with(b"%25").then(|| digits(3)).flatten();
    digits(before).or_else(twice)
}

/// Escapes with a backslash: `\/`, `\n`, `\u002F`, and pairs of the latter.
fn backslashed(wanted: char, rest: &[u8], tell: &mut dyn FnMut(usize)) {
    let skipped = backslashes(rest);
    if wanted == '\\' {
        // How many of them stand for one depends on how deep it is.
        for length in [2, 4] {
            if rest.len() >= length && rest[..length].iter().all(|byte| *byte == b'\\') {
                tell(length);
            }
        }
    }
    let short = match wanted {
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        '\u{8}' => Some(b'b'),
        '\u{c}' => Some(b'f'),
        _ if wanted.is_ascii_punctuation() && wanted != '\\' => u8::try_from(wanted).ok(),
        _ => None,
    };
    if short.is_some() && rest.get(skipped).copied() == short {
        tell(skipped + 1);
    }
    let mut units = [0; 2];
    let mut length = 0;
    for wanted in wanted.encode_utf16(&mut units) {
        match unit(&rest[length..], *wanted) {
            Some(more) => length += more,
            None => return,
        }
    }
    tell(length);
}

/// `\u002F`: how many bytes it has, if it is this unit of UTF-16.
fn unit(rest: &[u8], wanted: u16) -> Option<usize> {
    let skipped = backslashes(rest);
    if skipped == 0 || rest.get(skipped) != Some(&b'u') {
        return None;
    }
    let digits = hex(rest.get(skipped + 1..skipped + 5)?, u32::from(wanted))?;
    Some(skipped + 1 + digits)
}

/// How many backslashes are here that escape what comes after them.
fn backslashes(rest: &[u8]) -> usize {
    let all = rest.iter().take_while(|byte| **byte == b'\\').count();
    if all > NESTED { 0 } else { all }
}

/// How many digits these are, if they are this number.
fn hex(digits: &[u8], wanted: u32) -> Option<usize> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = digits.iter().all(u8::is_ascii_hexdigit);
    (plain && u32::from_str_radix(text, 16).ok()? == wanted).then_some(digits.len())
}

/// What comes after `&` in a reference of HTML: how many bytes it has, if it is this character.
fn reference(wanted: char, rest: &[u8]) -> Option<usize> {
    let length = rest.iter().take(REFERENCE).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&rest[..length]).ok()?;
    let same = match name.strip_prefix('#') {
        Some(number) => {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            number == Ok(u32::from(wanted))
        }
        None => {
            let latin = || LATIN.split_whitespace().position(|known| known == name);
            match NAMES.iter().find(|(known, _)| *known == name) {
                Some((_, named)) => *named == wanted,
                None => latin().is_some_and(|at| Some(at) == (u32::from(wanted) as usize).checked_sub(0xA0)),
            }
        }
    };
    same.then_some(length + 1)
}

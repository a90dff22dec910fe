//! When a certificate ends, read out of its DER (RFC 5280, section 4.1). Whether it is good is for rustls and for clients to
//! say; nothing here decides that.

use ironcore_types::Timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The first value: its tag, what it holds, and what comes after it.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                digits
                    .iter()
                    .fold(0, |length, digit| length << 8 | usize::from(*digit)),
                rest,
            )
        }
        _ => return None,
    };
    let (held, rest) = rest.split_at_checked(length)?;
    Some((tag, held, rest))
}

fn sequence(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, held, rest) = value(bytes)?;
    (tag == SEQUENCE).then_some((held, rest))
}

/// `notAfter` of a certificate; none when it is none.
pub(super) fn ends(certificate: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = sequence(certificate)?;
    let (signed, _) = sequence(certificate)?;
    let (tag, _, after) = value(signed)?;
    // The version may be missing; then this was the serial number.
    let rest = if tag == VERSION { value(after)?.2 } else { after };
    let (_algorithm, rest) = sequence(rest)?;
    let (_issuer, rest) = sequence(rest)?;
    let (validity, _) = sequence(rest)?;
    let (_, _begins, rest) = value(validity)?;
    let (tag, text, _) = value(rest)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let full = match tag {
        // Of two digits of the year, those from 50 on are of the century before.
        UTC_TIME if text.get(..2)? >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &full).ok()?;
    let time = time.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_jiff(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate that another library made.
    fn made(ends: i64) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["hub.example".to_owned()]).expect("a name");
        params.not_after = time::OffsetDateTime::from_unix_timestamp(ends).expect("a time");
        let key = rcgen::KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_of_its_forms() {
        // Before 2050 and after it a time is written in different ways.
        for ends in [1_779_321_600, 2_524_607_999, 2_524_608_000, 4_102_444_799] {
            assert_eq!(super::ends(&made(ends)), Some(Timestamp::from_seconds(ends)));
        }
        assert_eq!(super::ends(b"no certificate"), None);
        let whole = made(1_779_321_600);
        for cut in 0..60 {
            assert_eq!(super::ends(&whole[..cut]), None);
        }
    }
}

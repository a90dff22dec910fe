//! Codes of a second factor as RFC 6238 makes them: HMAC-SHA-1 over the number of half a minute, six digits. Whether a code
//! was used before is for the ledger to say.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use data_encoding::BASE32_NOPAD;
use ironcore_types::{Timestamp, UserId};

use crate::error::ApiError;

/// A code is good for so long, seconds.
const PERIOD: i64 = 30;
/// Clocks may differ by so many periods.
const SKEW: i64 = 1;
/// Six digits.
const DIGITS: usize = 6;
/// As RFC 4226 recommends, bytes.
const SECRET: usize = 20;

/// What the hub and an authenticator share.
pub(crate) struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The period that a time lies in.
fn step_of(time: Timestamp) -> i64 {
    time.as_seconds().div_euclid(PERIOD)
}

impl Secret {
    /// A new one.
    pub(crate) fn new() -> Result<Self, ApiError> {
        let mut bytes = vec![0; SECRET];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| ApiError::Internal("the machine gave no random bytes"))?;
        Ok(Self(bytes))
    }

    /// One that was kept.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As it is kept.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As people type it: base32 of RFC 4648, without padding.
    pub(crate) fn text(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// As authenticators scan it.
    pub(crate) fn url(&self, issuer: &str, user: &UserId) -> String {
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let (issuer, account) = (encode(issuer), encode(user.as_str()));
        format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={PERIOD}",
            self.text()
        )
    }

    /// The code of a period (RFC 4226, section 5.3).
    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let from = usize::from(bytes.last().copied().unwrap_or_default() & 0xf);
        let number = bytes.iter().skip(from).take(4);
        let number = number.fold(0u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
        format!("{:0DIGITS$}", number % 1_000_000)
    }

    /// The period whose code this is: the one that `now` lies in or one beside it, and later than `last`.
    pub(crate) fn step(&self, code: &str, now: Timestamp, last: i64) -> Option<i64> {
        let now = step_of(now);
        let mut found = None;
        // Each is compared, so that how long it takes tells nothing.
        for step in now - SKEW..=now + SKEW {
            let own = self.code(step);
            let same = constant_time::verify_slices_are_equal(own.as_bytes(), code.as_bytes()).is_ok();
            if same && step > last {
                found = Some(step);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: eight digits there, of which ours are the last six.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = Secret::of(b"12345678901234567890".to_vec());
        for (time, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let now = Timestamp::from_seconds(time);
            assert_eq!(secret.code(step_of(now)), code[2..], "{time}");
            assert_eq!(secret.step(&code[2..], now, 0), Some(time / 30));
        }
    }

    #[test]
    fn a_code_is_good_beside_its_time_and_once() {
        let secret = Secret::of(b"12345678901234567890".to_vec());
        let code = secret.code(1_000);
        let at = |step: i64, last| secret.step(&code, Timestamp::from_seconds(step * 30 + 7), last);
        assert_eq!(at(998, 0), None);
        for near in 999..=1_001 {
            assert_eq!(at(near, 0), Some(1_000));
            assert_eq!(at(near, 999), Some(1_000));
            assert_eq!(at(near, 1_000), None, "used");
        }
        assert_eq!(at(1_002, 0), None);
        for wrong in ["", "0", "1234567", "abcdef"] {
            assert_eq!(secret.step(wrong, Timestamp::from_seconds(30_000), 0), None);
        }
    }

    #[test]
    fn secrets_are_written_as_authenticators_read_them() {
        let secret = Secret::new().expect("a secret");
        assert_eq!(secret.text().len(), 32);
        let url = secret.url("Ironcore Backup hub", &"alice@local".parse().expect("a user"));
        assert!(
            url.starts_with("otpauth://totp/Ironcore%20Backup%20hub:alice%40local?secret="),
            "{url}"
        );
        assert!(!format!("{secret:?}").contains(&secret.text()));
    }
}

//! What answers of destinations mean, by the same lines for every plugin: failures on the way, and an answer in a line.
//! Which statuses are worth another try is each plugin's to say.

use crate::{Failure, http};

/// The code of a destination that does not answer as it should.
pub const UNREACHABLE: &str = "delivery.unreachable";
/// The code of a destination that refused a message.
pub const REJECTED: &str = "delivery.rejected";
/// How much of an answer stands in a line, characters.
const MAX_DETAIL: usize = 200;

impl From<http::Error> for Failure {
    /// What it means that there is no answer. A secret can be set any moment, and until then no message gets through.
    fn from(error: http::Error) -> Self {
        use http::Error;
        match error {
            Error::Invalid(why) => Self::rejected("request.invalid", why),
            Error::AddressDenied(why) => Self::rejected("delivery.address", why),
            Error::Unreachable(why) | Error::Tls(why) => Self::unreachable(UNREACHABLE, why),
            Error::Timeout => Self::unreachable(UNREACHABLE, "no answer in time"),
            Error::SecretMissing(name) => {
                Self::unreachable("secret.missing", format!("the secret {name:?} has no value"))
            }
            Error::Custom((code, why)) => Self::retry(&code, why),
        }
    }
}

impl http::Response {
    /// Whether the status is one of 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The status, and the first words of the body.
    pub fn detail(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
        let start: String = words
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_DETAIL)
            .collect();
        if start.is_empty() {
            format!("HTTP {}", self.status)
        } else {
            format!("HTTP {}: {start}", self.status)
        }
    }

    /// This message could not be taken now; others may be. Obeys `retry-after`.
    pub fn deferred(&self) -> Failure {
        self.told(Failure::retry(UNREACHABLE, self.detail()))
    }

    /// The destination takes no message now. Obeys `retry-after`.
    pub fn unwell(&self) -> Failure {
        self.told(Failure::unreachable(UNREACHABLE, self.detail()))
    }

    /// This message was refused for good.
    pub fn refused(&self) -> Failure {
        self.told(Failure::rejected(REJECTED, self.detail()))
    }

    fn told(&self, failure: Failure) -> Failure {
        failure.with_status(self.status).not_before(self.retry_after_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureScope, Rejection, Retry};

    fn response(status: u16, body: &str) -> http::Response {
        http::Response {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            truncated: false,
            retry_after_ms: Some(7_000),
            attrs: Vec::new(),
        }
    }

    #[test]
    fn answers_are_told_in_a_line() {
        assert_eq!(response(204, " \n").detail(), "HTTP 204");
        assert_eq!(response(500, "not\n  now\u{7}").detail(), "HTTP 500: not now");
        let long = response(400, &"ä".repeat(300)).detail();
        assert_eq!(long.chars().count(), "HTTP 400: ".len() + MAX_DETAIL);
    }

    #[test]
    fn a_failure_says_whose_it_is_and_when_to_come_again() {
        let Failure::Retry(Retry {
            scope,
            after_ms,
            status,
            ..
        }) = response(503, "").unwell()
        else {
            panic!("it is tried again");
        };
        assert_eq!(
            (scope, after_ms, status),
            (FailureScope::Destination, Some(7_000), Some(503))
        );
        let Failure::Retry(Retry { scope, .. }) = response(425, "").deferred() else {
            panic!("it is tried again");
        };
        assert_eq!(scope, FailureScope::Message);
        let refused = response(400, "").refused();
        assert!(matches!(
            refused,
            Failure::Rejected(Rejection {
                gone: false,
                status: Some(400),
                ..
            })
        ));
    }

    #[test]
    fn without_an_answer_only_what_was_never_sent_is_given_up() {
        use http::Error;
        for error in [
            Error::Invalid("x".to_owned()),
            Error::AddressDenied("x".to_owned()),
        ] {
            assert!(matches!(Failure::from(error), Failure::Rejected(_)));
        }
        for error in [
            Error::Unreachable("x".to_owned()),
            Error::Tls("x".to_owned()),
            Error::Timeout,
            Error::SecretMissing("x".to_owned()),
        ] {
            let failure = Failure::from(error);
            assert!(matches!(
                failure,
                Failure::Retry(Retry {
                    scope: FailureScope::Destination,
                    ..
                })
            ));
        }
    }
}

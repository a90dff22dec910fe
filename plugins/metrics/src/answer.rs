//! What an answer of the target means for the message.

use ironcore_plugin::{Failure, Receipt, http};

const UNREACHABLE: &str = "delivery.unreachable";
const REJECTED: &str = "delivery.rejected";
/// How much of an answer is kept, characters.
const MAX_DETAIL: usize = 200;

/// Taken, worth another try, or refused for good: what is refused as such (400, 413, 422) never gets better. Whom it was
/// refused, or where there is nothing, can be mended on the other side, and figures are of use later too.
pub(crate) fn outcome(answer: Result<http::Response, http::Error>) -> Result<Receipt, Failure> {
    let response = answer.map_err(failure)?;
    let (status, detail) = (response.status, detail(&response));
    match status {
        200..=299 => Ok(Receipt::new(detail).with_status(status)),
        401 | 403 | 404 | 408 | 425 | 429 | 500..=599 => Err(Failure::unreachable(UNREACHABLE, detail)
            .with_status(status)
            .not_before(response.retry_after_ms)),
        _ => Err(Failure::rejected(REJECTED, detail).with_status(status)),
    }
}

fn failure(error: http::Error) -> Failure {
    use http::Error;
    match error {
        Error::Invalid(why) => Failure::rejected("request.invalid", why),
        Error::AddressDenied(why) => Failure::rejected("delivery.address", why),
        Error::Unreachable(why) | Error::Tls(why) => Failure::unreachable(UNREACHABLE, why),
        Error::Timeout => Failure::unreachable(UNREACHABLE, "no answer in time"),
        Error::SecretMissing(name) => {
            Failure::unreachable("secret.missing", format!("the secret {name:?} has no value"))
        }
        Error::Custom((code, why)) => Failure::retry(&code, why),
    }
}

/// The status, and the first words of the body.
fn detail(response: &http::Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = words
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_DETAIL)
        .collect();
    match start.as_str() {
        "" => format!("HTTP {}", response.status),
        start => format!("HTTP {}: {start}", response.status),
    }
}

//! What an HTTP answer means for the message.

use ironcore_plugin::{Failure, Receipt, http};

const UNREACHABLE: &str = "delivery.unreachable";
const REJECTED: &str = "delivery.rejected";
/// How much of an answer is kept, characters.
const MAX_DETAIL: usize = 200;

/// Delivered, worth another try, or refused for good. `success`: the statuses that mean success, when not every 2xx does.
pub(crate) fn outcome(
    answer: Result<http::Response, http::Error>,
    success: &[u16],
) -> Result<Receipt, Failure> {
    let response = answer.map_err(failure)?;
    let status = response.status;
    let detail = detail(&response);
    let delivered = match success {
        [] => (200..300).contains(&status),
        statuses => statuses.contains(&status),
    };
    match status {
        _ if delivered => {
            let receipt = Receipt::new(detail).with_status(status);
            let id = response.headers.iter().find(|(name, _)| name == "x-request-id");
            Ok(match id {
                Some((_, id)) => receipt.with_id(id.as_str()),
                None => receipt,
            })
        }
        410 => Err(gone(detail)),
        // Too early, took too long: about this request; too many: about the destination.
        408 | 425 => Err(Failure::retry(UNREACHABLE, detail)
            .with_status(status)
            .not_before(response.retry_after_ms)),
        429 | 500..=599 => Err(Failure::unreachable(UNREACHABLE, detail)
            .with_status(status)
            .not_before(response.retry_after_ms)),
        // Somebody else answers in the target's place: a portal, a proxy. That can be mended.
        200..=299 => Err(
            Failure::unreachable(REJECTED, format!("{detail}; this status is no success here"))
                .with_status(status),
        ),
        // Redirects are not followed: the address in the configuration is the one that was allowed.
        _ => Err(Failure::rejected(REJECTED, detail).with_status(status)),
    }
}

fn gone(detail: String) -> Failure {
    match Failure::rejected(REJECTED, detail).with_status(410) {
        Failure::Rejected(mut rejection) => {
            rejection.gone = true;
            Failure::Rejected(rejection)
        }
        other => other,
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
    if start.is_empty() {
        format!("HTTP {}", response.status)
    } else {
        format!("HTTP {}: {start}", response.status)
    }
}

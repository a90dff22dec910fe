//! What an HTTP answer means for the message.

use ironcore_plugin::{Failure, REJECTED, Receipt, Rejection, http};

/// Delivered, worth another try, or refused for good. `success`: the statuses that mean success, when not every 2xx does.
pub(crate) fn outcome(
    answer: Result<http::Response, http::Error>,
    success: &[u16],
) -> Result<Receipt, Failure> {
    let response = answer?;
    let status = response.status;
    let delivered = match success {
        [] => response.is_success(),
        statuses => statuses.contains(&status),
    };
    match status {
        _ if delivered => {
            let receipt = Receipt::new(response.detail()).with_status(status);
            let id = response.headers.iter().find(|(name, _)| name == "x-request-id");
            Ok(match id {
                Some((_, id)) => receipt.with_id(id.as_str()),
                None => receipt,
            })
        }
        410 => Err(gone(response.refused())),
        // Too early, took too long: about this request; too many: about the destination.
        408 | 425 => Err(response.deferred()),
        429 | 500..=599 => Err(response.unwell()),
        // Somebody else answers in the target's place: a portal, a proxy. That can be mended.
        200..=299 => {
            let why = format!("{}; this status is no success here", response.detail());
            Err(Failure::unreachable(REJECTED, why).with_status(status))
        }
        // The address in the configuration is the one that was allowed.
        300..=399 => {
            let why = format!("HTTP {status}: redirects are not followed; configure the final address");
            Err(Failure::rejected(REJECTED, why).with_status(status))
        }
        _ => Err(response.refused()),
    }
}

fn gone(failure: Failure) -> Failure {
    match failure {
        Failure::Rejected(rejection) => Failure::Rejected(Rejection {
            gone: true,
            ..rejection
        }),
        other => other,
    }
}

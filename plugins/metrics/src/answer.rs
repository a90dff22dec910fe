//! What an answer of the target means for the message.

use ironcore_plugin::{Failure, Receipt, http};

/// Taken, worth another try, or refused for good: what is refused as such (400, 413, 422) never gets better. Whom it was
/// refused, or where there is nothing, can be mended on the other side, and figures are of use later too.
pub(crate) fn outcome(answer: Result<http::Response, http::Error>) -> Result<Receipt, Failure> {
    let response = answer?;
    match response.status {
        200..=299 => Ok(Receipt::new(response.detail()).with_status(response.status)),
        401 | 403 | 404 | 408 | 425 | 429 | 500..=599 => Err(response.unwell()),
        _ => Err(response.refused()),
    }
}

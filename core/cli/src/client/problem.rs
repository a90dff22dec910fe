//! How refusals and failures of the hub are read: problem documents in words, and their codes.

use ironcore_api::wire::Problem;
use ironcore_types::ErrorCode;
use reqwest::StatusCode;

use crate::exit::Refused;

/// The error of an answer that is no success.
pub(super) fn problem(status: StatusCode, body: &[u8]) -> Refused {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Refused {
            code: problem.code,
            text: told(&problem),
        },
        Err(_) => {
            let code = match status {
                StatusCode::UNAUTHORIZED => ErrorCode::AuthRequired,
                StatusCode::FORBIDDEN => ErrorCode::AuthDenied,
                StatusCode::NOT_FOUND => ErrorCode::NotFound,
                _ => ErrorCode::Internal,
            };
            Refused {
                code,
                text: format!("the hub answered {status} [{code}]"),
            }
        }
    }
}

/// A problem document in words: the detail, then each fault; nothing twice. Faults of one kind share one code behind
/// the detail, which tells more than the document's own; when their codes differ, each has its own behind it.
fn told(problem: &Problem) -> String {
    let faults = problem.errors.as_slice();
    let shared = match faults.first().map(|fault| fault.code) {
        None => Some(problem.code),
        Some(first) => faults.iter().all(|fault| fault.code == first).then_some(first),
    };
    let mut text = problem.detail.trim_end().to_owned();
    if let Some(code) = shared {
        text.push_str(&format!(" [{code}]"));
    }
    // The detail of a request with a single fault can say all there is to say.
    if let [only] = faults
        && problem.detail.contains(only.detail.as_str())
    {
        return text;
    }
    for fault in faults {
        let place = [fault.object.as_deref().unwrap_or_default(), fault.key.as_str()];
        let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
        text.push_str("\n  ");
        if !place.is_empty() {
            text.push_str(&format!("{}: ", place.join(" ")));
        }
        text.push_str(fault.detail.trim_end());
        if shared.is_none() {
            text.push_str(&format!(" [{}]", fault.code));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_a_problem_document_has_a_code_too() {
        assert_eq!(
            problem(StatusCode::UNAUTHORIZED, b"no").code,
            ErrorCode::AuthRequired
        );
        assert_eq!(
            problem(StatusCode::BAD_GATEWAY, b"<html>").code,
            ErrorCode::Internal
        );
    }

    fn refused(code: &str, detail: &str, errors: serde_json::Value) -> String {
        let document = serde_json::json!({
            "type": format!("urn:ironcore-backup:error:{code}"),
            "title": "It is not valid",
            "status": 400,
            "code": code,
            "detail": detail,
            "request_id": "1",
            "errors": errors,
        });
        problem(StatusCode::BAD_REQUEST, document.to_string().as_bytes()).to_string()
    }

    #[test]
    fn a_fault_that_the_detail_tells_is_not_told_again() {
        let why = "\"bogus\" is not a task state: use one of queued, running";
        let detail = format!("The parameter status is not valid: {why}.");
        let fault = serde_json::json!([{"key": "status", "code": "request.invalid", "detail": why}]);
        assert_eq!(
            refused("request.invalid", &detail, fault),
            format!("{detail} [request.invalid]")
        );
        assert_eq!(
            refused("not-found", "There is no job x.", serde_json::json!([])),
            "There is no job x. [not-found]"
        );
    }

    #[test]
    fn each_fault_and_each_code_is_told_once() {
        let schedule = serde_json::json!(
            {"object": "job/a/b", "key": "schedule", "code": "schedule.invalid", "detail": "no hour 25"}
        );
        let path = serde_json::json!(
            {"object": "datastore/d", "key": "", "code": "config.invalid", "detail": "no path"}
        );
        let nameless = serde_json::json!({"key": "", "code": "request.invalid", "detail": "no JSON"});
        let told =
            |code: &str, faults: &[&serde_json::Value]| refused(code, "No.", serde_json::json!(faults));
        assert_eq!(
            told("config.invalid", &[&schedule]),
            "No. [schedule.invalid]\n  job/a/b schedule: no hour 25"
        );
        assert_eq!(
            told("config.invalid", &[&schedule, &path]),
            "No.\n  job/a/b schedule: no hour 25 [schedule.invalid]\n  datastore/d: no path [config.invalid]"
        );
        assert_eq!(
            told("request.invalid", &[&nameless, &nameless]),
            "No. [request.invalid]\n  no JSON\n  no JSON"
        );
    }
}

//! What an attempt means: from what the plugin answered, or how it failed, to a verdict on the message and a sign of
//! its destination. Plain functions.

use ironcore_plugin_host::{DeliverOutcome, FailureScope, PluginError, Reason};
use ironcore_types::ErrorCode;

use crate::circuit::Sign;
use crate::retry::Verdict;
use crate::sent;

/// The longest reason that is kept, bytes.
const REASON: usize = 1_000;

/// What an attempt means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// For the message.
    pub(crate) verdict: Verdict,
    /// For its destination.
    pub(crate) sign: Sign,
    /// The destination's status.
    pub(crate) status: Option<u16>,
    /// What the destination answered when it took the message.
    pub(crate) receipt: String,
    /// The plugin itself failed: how.
    pub(crate) failure: Option<(ErrorCode, String)>,
}

impl Meaning {
    fn new(verdict: Verdict, sign: Sign, status: Option<u16>) -> Self {
        Self {
            verdict,
            sign,
            status,
            receipt: String::new(),
            failure: None,
        }
    }

    /// The attempt could not even be made; trying again may help.
    pub(crate) fn again(code: ErrorCode, reason: impl Into<String>) -> Self {
        let verdict = Verdict::Again {
            after: None,
            code,
            reason: cut(reason.into(), REASON),
        };
        Self::new(verdict, Sign::Unknown, None)
    }

    /// The attempt is not to be made at all.
    pub(crate) fn rejected(code: ErrorCode, reason: impl Into<String>) -> Self {
        let verdict = Verdict::Rejected {
            code,
            reason: cut(reason.into(), REASON),
            gone: false,
        };
        Self::new(verdict, Sign::Unknown, None)
    }

    /// The same without the key of the message's link: plugins know the link, and their words are kept and told.
    pub(crate) fn without(mut self, link: Option<&str>) -> Self {
        let Some(link) = link else { return self };
        let clean = |text: &mut String| *text = sent::without(Some(link), std::mem::take(text));
        clean(&mut self.receipt);
        match &mut self.verdict {
            Verdict::Delivered => {}
            Verdict::Again { reason, .. }
            | Verdict::Later { reason, .. }
            | Verdict::Rejected { reason, .. } => clean(reason),
        }
        if let Some((_, reason)) = &mut self.failure {
            clean(reason);
        }
        self
    }

    /// The plugin failed and may do better next time; everybody should know.
    pub(crate) fn failed(code: ErrorCode, reason: impl Into<String>) -> Self {
        let reason = cut(reason.into(), REASON);
        let mut meaning = Self::again(code, reason.clone());
        meaning.failure = Some((code, reason));
        meaning
    }
}

/// What the plugin's answer means.
pub(crate) fn of_answer(answer: &DeliverOutcome) -> Meaning {
    match answer {
        DeliverOutcome::Delivered(receipt) => {
            let mut meaning = Meaning::new(Verdict::Delivered, Sign::Well, receipt.status);
            meaning.receipt = cut(
                match &receipt.id {
                    Some(id) if receipt.detail.is_empty() => id.clone(),
                    Some(id) => format!("{id}: {}", receipt.detail),
                    None => receipt.detail.clone(),
                },
                REASON,
            );
            meaning
        }
        DeliverOutcome::Retry {
            after,
            reason,
            scope,
            status,
        } => {
            let (code, reason) = known(reason, ErrorCode::DeliveryUnreachable);
            // Too many requests, or none now: one that says when to come again works.
            let later = after.filter(|_| matches!(status, Some(429 | 503)));
            let sign = match (scope, later) {
                (FailureScope::Destination, Some(after)) => Sign::Busy { after },
                (FailureScope::Destination, None) => Sign::Unwell { after: *after },
                (FailureScope::Message, _) => answered(*status),
            };
            let verdict = match later {
                Some(after) => Verdict::Later { after, code, reason },
                None => Verdict::Again {
                    after: *after,
                    code,
                    reason,
                },
            };
            Meaning::new(verdict, sign, *status)
        }
        DeliverOutcome::Rejected { reason, gone, status } => {
            let (code, reason) = known(reason, ErrorCode::DeliveryRejected);
            let gone = *gone;
            Meaning::new(
                Verdict::Rejected { code, reason, gone },
                answered(*status),
                *status,
            )
        }
    }
}

/// What it means that the plugin could not be called, or did not end as it should.
pub(crate) fn of_failure(error: &PluginError) -> Meaning {
    match error {
        // The handler's declaration is at fault, and may be put right before the next try.
        PluginError::Config { .. } | PluginError::NotExported { .. } => {
            Meaning::again(error.code(), error.to_string())
        }
        _ => Meaning::failed(error.code(), error.to_string()),
    }
}

/// A destination that answered something about one message works.
fn answered(status: Option<u16>) -> Sign {
    if status.is_some() {
        Sign::Well
    } else {
        Sign::Unknown
    }
}

/// The stable code of a plugin's reason; a word of the plugin's own goes into the text.
fn known(reason: &Reason, otherwise: ErrorCode) -> (ErrorCode, String) {
    match reason.code.parse() {
        Ok(code) => (code, cut(reason.message.clone(), REASON)),
        Err(_) if reason.code.is_empty() => (otherwise, cut(reason.message.clone(), REASON)),
        Err(_) => (
            otherwise,
            cut(format!("{}: {}", reason.code, reason.message), REASON),
        ),
    }
}

/// The text, or as much of its beginning as fits into `limit` bytes, with `…` at its end.
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = text.floor_char_boundary(limit.saturating_sub('…'.len_utf8()));
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ironcore_plugin_host::Receipt;

    use super::*;

    fn reason(code: &str) -> Reason {
        Reason {
            code: code.to_owned(),
            message: "it answered 503".to_owned(),
        }
    }

    #[test]
    fn one_that_says_when_to_come_again_is_busy_and_one_that_does_not_is_unwell() {
        let seven = Duration::from_secs(7);
        for (status, after, busy) in [
            (429, Some(seven), true),
            (503, Some(seven), true),
            (429, None, false),
            (503, None, false),
            (500, Some(seven), false),
            (421, Some(seven), false),
        ] {
            let meaning = of_answer(&DeliverOutcome::Retry {
                after,
                reason: reason("delivery.unreachable"),
                scope: FailureScope::Destination,
                status: Some(status),
            });
            let sign = match busy {
                true => Sign::Busy { after: seven },
                false => Sign::Unwell { after },
            };
            assert_eq!(meaning.sign, sign, "{status}");
            let later = matches!(meaning.verdict, Verdict::Later { .. });
            assert_eq!(later, busy, "{status}");
        }
    }

    #[test]
    fn the_plugins_scope_decides_about_the_lane() {
        let mut answer = DeliverOutcome::Retry {
            after: Some(Duration::from_secs(7)),
            reason: reason("delivery.unreachable"),
            scope: FailureScope::Destination,
            status: Some(502),
        };
        let meaning = of_answer(&answer);
        assert_eq!(
            meaning.sign,
            Sign::Unwell {
                after: Some(Duration::from_secs(7))
            }
        );
        assert_eq!(meaning.status, Some(502));
        if let DeliverOutcome::Retry { scope, .. } = &mut answer {
            *scope = FailureScope::Message;
        }
        assert_eq!(of_answer(&answer).sign, Sign::Well);
    }

    #[test]
    fn a_refused_message_says_that_its_destination_works_and_an_unasked_one_says_nothing() {
        let rejected = |status| DeliverOutcome::Rejected {
            reason: reason("too-long"),
            gone: false,
            status,
        };
        let meaning = of_answer(&rejected(Some(400)));
        assert_eq!(meaning.sign, Sign::Well);
        assert_eq!(
            meaning.verdict,
            Verdict::Rejected {
                code: ErrorCode::DeliveryRejected,
                reason: "too-long: it answered 503".to_owned(),
                gone: false,
            }
        );
        assert_eq!(of_answer(&rejected(None)).sign, Sign::Unknown);
    }

    #[test]
    fn a_trap_is_a_failed_attempt_that_is_told_and_a_bad_configuration_only_a_failed_attempt() {
        let timeout = PluginError::Timeout {
            plugin: "webhook".to_owned(),
            what: "time",
            limit: Duration::from_secs(2),
        };
        let meaning = of_failure(&timeout);
        assert!(matches!(
            meaning.verdict,
            Verdict::Again {
                code: ErrorCode::PluginTimeout,
                ..
            }
        ));
        assert_eq!(
            meaning.failure.as_ref().map(|failure| failure.0),
            Some(ErrorCode::PluginTimeout)
        );
        let config = PluginError::Config {
            plugin: "webhook".to_owned(),
            faults: Vec::new(),
        };
        assert_eq!(of_failure(&config).failure, None);
        assert!(matches!(of_failure(&config).verdict, Verdict::Again { .. }));
    }

    #[test]
    fn receipts_and_cuts_keep_whole_characters() {
        let receipt = Receipt {
            id: Some("42".to_owned()),
            status: Some(200),
            detail: "ok".to_owned(),
        };
        assert_eq!(of_answer(&DeliverOutcome::Delivered(receipt)).receipt, "42: ok");
        assert_eq!(cut("äöü".to_owned(), 5), "ä…");
        assert_eq!(cut("abc".to_owned(), 3), "abc");
    }
}

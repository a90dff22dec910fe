//! The record of one attempt: what was asked of the destination and what it answered, and what the plugin wrote. All of
//! it is redacted by whoever hands it in; here it is cut.

use std::time::Duration;

use ironcore_egress::{Failure, HttpResponse};
use ironcore_ledger::model::{Exchange, Sent};

use crate::outcome::cut;
use crate::recipients::Recipients;

/// What the plugin wrote is cut here, bytes.
pub(crate) const DETAIL: usize = 20_000;
/// The bodies of all answers together have no more, bytes.
const BODIES: usize = 20_000;
/// What was sent has together no more, bytes; of a message that was delivered, of which there are very many.
const SENT: usize = 20_000;
const SENT_DELIVERED: usize = 4_000;
/// More exchanges than this are not kept: the last ones are those that matter.
const EXCHANGES: usize = 20;

/// What is known of an attempt when it has ended.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// What the plugin wrote and what did not work, line by line.
    pub(crate) detail: String,
    /// What is wrong with templates, each with its place.
    pub(crate) templates: Vec<String>,
    /// What was asked and answered, in order.
    pub(crate) exchanges: Vec<Exchange>,
    /// Who took the mail and who refused it, in this attempt and before; none when no server said.
    pub(crate) recipients: Option<Recipients>,
}

impl Record {
    /// Adds a line, unless there is enough.
    pub(crate) fn note(&mut self, line: &str) {
        if self.detail.len() < DETAIL {
            self.detail.push_str(line.trim_end());
            self.detail.push('\n');
        }
    }

    /// Adds an answer.
    pub(crate) fn answered(&mut self, request: String, sent: Sent, answer: &HttpResponse) {
        let whole = answer.body_text();
        let body = cut(whole.clone(), BODIES);
        self.push(Exchange {
            request,
            sent: Some(sent),
            status: Some(answer.status),
            latency_us: micros(answer.latency),
            headers: answer.headers.clone(),
            truncated: answer.truncated || body != whole,
            body,
            error: None,
        });
    }

    /// Adds what a mail server said, about one recipient or all of them.
    pub(crate) fn said(
        &mut self,
        request: String,
        sent: Option<Sent>,
        status: Option<u16>,
        latency: Duration,
        words: String,
    ) {
        self.push(Exchange {
            request,
            sent,
            status,
            latency_us: micros(latency),
            headers: Vec::new(),
            body: cut(words, BODIES),
            truncated: false,
            error: None,
        });
    }

    /// Adds that a mail was not taken: with what the server answered, when it did.
    pub(crate) fn refused(&mut self, request: String, sent: Option<Sent>, failure: &Failure) {
        match failure.status {
            Some(_) => self.said(
                request,
                sent,
                failure.status,
                failure.latency,
                failure.reason.clone(),
            ),
            None => self.failed(request, sent, failure),
        }
    }

    /// Adds that there was no answer.
    pub(crate) fn failed(&mut self, request: String, sent: Option<Sent>, failure: &Failure) {
        self.push(Exchange {
            request,
            sent,
            status: failure.status,
            latency_us: micros(failure.latency),
            headers: Vec::new(),
            body: String::new(),
            truncated: false,
            error: Some(failure.reason.clone()),
        });
    }

    fn push(&mut self, exchange: Exchange) {
        if self.exchanges.len() == EXCHANGES {
            self.exchanges.remove(0);
        }
        self.exchanges.push(exchange);
        let mut bytes: usize = self.exchanges.iter().map(|one| one.body.len()).sum();
        for one in &mut self.exchanges {
            if bytes <= BODIES {
                break;
            }
            bytes -= one.body.len();
            one.truncated |= !one.body.is_empty();
            one.body.clear();
        }
        self.bound_sent(SENT);
    }

    /// The message was delivered: nobody asks long what was sent, and so less of it is kept.
    pub(crate) fn delivered(&mut self) {
        self.bound_sent(SENT_DELIVERED);
    }

    /// Cuts what was sent, the newest last: all of it has no more than so many bytes.
    fn bound_sent(&mut self, most: usize) {
        let mut room = most;
        for sent in self
            .exchanges
            .iter_mut()
            .rev()
            .filter_map(|one| one.sent.as_mut())
        {
            if sent.body.len() > room {
                sent.truncated = true;
                sent.body = match room {
                    0 => String::new(),
                    room => cut(std::mem::take(&mut sent.body), room),
                };
            }
            room = room.saturating_sub(sent.body.len());
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use ironcore_egress::FailureClass;
    use ironcore_types::ErrorCode;

    use super::*;

    fn answer(body: &str) -> HttpResponse {
        HttpResponse {
            status: 200,
            headers: vec![("server".to_owned(), "x".to_owned())],
            body: body.as_bytes().to_vec(),
            truncated: false,
            retry_after: None,
            latency: Duration::from_millis(12),
        }
    }

    #[test]
    fn the_last_answers_are_kept_within_a_bound() {
        let mut record = Record::default();
        for number in 0..30 {
            record.answered(format!("POST {number}"), sent(10), &answer(&"b".repeat(9_000)));
        }
        assert_eq!(record.exchanges.len(), EXCHANGES);
        let bytes: usize = record.exchanges.iter().map(|one| one.body.len()).sum();
        assert_eq!(bytes, 18_000);
        let last = record.exchanges.last().expect("an exchange");
        assert_eq!(
            (last.request.as_str(), last.truncated, last.latency_us),
            ("POST 29", false, 12_000)
        );
        assert!(record.exchanges[0].truncated && record.exchanges[0].body.is_empty());
    }

    #[test]
    fn bytes_that_are_no_text_do_not_grow_over_the_bound() {
        let mut record = Record::default();
        let binary = HttpResponse {
            body: vec![0xff; 20_000],
            ..answer("")
        };
        record.answered("POST x".to_owned(), Sent::default(), &binary);
        assert!(record.exchanges[0].body.len() <= BODIES && record.exchanges[0].truncated);
    }

    fn sent(bytes: usize) -> Sent {
        Sent {
            body: "s".repeat(bytes),
            ..Sent::default()
        }
    }

    #[test]
    fn of_what_was_sent_the_newest_is_kept_and_less_when_it_was_delivered() {
        let mut record = Record::default();
        for bytes in [12_000, 12_000, 6_000] {
            record.answered("POST x".to_owned(), sent(bytes), &answer("well"));
        }
        let kept = |record: &Record| -> Vec<(usize, bool)> {
            let all = record.exchanges.iter().flat_map(|one| &one.sent);
            all.map(|sent| (sent.body.len(), sent.truncated)).collect()
        };
        assert_eq!(kept(&record), [(2_000, true), (12_000, false), (6_000, false)]);
        record.delivered();
        assert_eq!(kept(&record), [(0, true), (0, true), (4_000, true)]);
        let mut small = Record::default();
        small.answered("POST x".to_owned(), sent(3_999), &answer("well"));
        small.delivered();
        assert_eq!(kept(&small), [(3_999, false)]);
    }

    #[test]
    fn a_mail_that_was_refused_was_answered_and_one_that_nobody_took_was_not() {
        let failure = |status| Failure {
            class: FailureClass::Message,
            retry: false,
            code: ErrorCode::DeliveryRejected,
            status,
            retry_after: None,
            latency: Duration::from_millis(3),
            reason: "no such user".to_owned(),
            secret: None,
        };
        let mut record = Record::default();
        record.refused("mail to a".to_owned(), None, &failure(Some(550)));
        record.refused("mail to b".to_owned(), None, &failure(None));
        let [answered, silent] = record.exchanges.as_slice() else {
            panic!("{record:?}");
        };
        assert_eq!(
            (answered.status, answered.body.as_str(), &answered.error),
            (Some(550), "no such user", &None)
        );
        assert_eq!(
            (silent.status, silent.body.as_str(), silent.error.as_deref()),
            (None, "", Some("no such user"))
        );
    }

    #[test]
    fn lines_end_when_there_is_enough() {
        let mut record = Record::default();
        for _ in 0..100 {
            record.note(&"l".repeat(1_000));
        }
        assert!(record.detail.len() < DETAIL + 1_002);
    }
}

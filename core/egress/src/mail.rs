//! A mail as its sender means it, checked against header injection and turned into the bytes of RFC 5322.
//!
//! How it travels is [`crate::smtp`]'s part; what it says, and its ids, come from the sender.

use std::time::{Duration, UNIX_EPOCH};

use ironcore_types::Timestamp;
use lettre::address::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Mailbox, Message, MultiPart, SinglePart};

use crate::failure::Failure;

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `Name <a@b.example>` or `a@b.example`; also the envelope's sender.
    pub from: String,
    /// One or many, in the same form.
    pub to: Vec<String>,
    /// Where answers go, when not to `from`.
    pub reply_to: Option<String>,
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same in HTML.
    pub html: Option<String>,
    /// The id, with or without `<>`: the same for every attempt, so that receivers drop duplicates.
    pub message_id: String,
    /// The id of the mail before this in its thread.
    pub in_reply_to: Option<String>,
    /// The ids of the thread, oldest first.
    pub references: Vec<String>,
    /// Further headers, such as `X-Ironcore-Project`. Those that this crate sets are refused.
    pub headers: Vec<(String, String)>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Texts that are as good as secrets, such as a link that lets somebody in: nothing that comes back holds them.
    pub hide: Vec<String>,
}

/// A file that travels with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its type, such as `text/plain; charset=utf-8`.
    pub content_type: String,
    /// Its bytes.
    pub data: Vec<u8>,
}

impl Mail {
    /// A plain mail to one recipient.
    pub fn new(
        from: impl Into<String>,
        to: impl Into<String>,
        subject: impl Into<String>,
        text: impl Into<String>,
        message_id: impl Into<String>,
    ) -> Self {
        Self {
            from: from.into(),
            to: vec![to.into()],
            reply_to: None,
            subject: subject.into(),
            text: text.into(),
            html: None,
            message_id: message_id.into(),
            in_reply_to: None,
            references: Vec::new(),
            headers: Vec::new(),
            attachments: Vec::new(),
            hide: Vec::new(),
        }
    }
}

/// A mail ready to travel.
pub(crate) struct Letter {
    pub(crate) message_id: String,
    pub(crate) from: Address,
    pub(crate) to: Vec<Address>,
    pub(crate) bytes: Vec<u8>,
}

const MAX_RECIPIENTS: usize = 100;

/// Set here or by the servers on the way: a second one would mislead readers or filters.
const RESERVED: [&str; 18] = [
    "auto-submitted",
    "bcc",
    "cc",
    "date",
    "delivered-to",
    "dkim-signature",
    "from",
    "in-reply-to",
    "message-id",
    "mime-version",
    "received",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
    "x-original-to",
];

impl Letter {
    /// Checks the mail and writes it down, dated `now`.
    pub(crate) fn new(mail: &Mail, now: Timestamp) -> Result<Self, Failure> {
        let from = mailbox("sender", &mail.from)?;
        let to: Vec<Mailbox> = mail
            .to
            .iter()
            .map(|t| mailbox("recipient", t))
            .collect::<Result<_, _>>()?;
        if to.is_empty() || to.len() > MAX_RECIPIENTS {
            return Err(Failure::invalid(format!(
                "a mail has 1 to {MAX_RECIPIENTS} recipients"
            )));
        }
        let message_id = id(&mail.message_id)?;
        one_line("subject", &mail.subject)?;
        let date = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or(0));
        let mut builder = Message::builder()
            .from(from.clone())
            .date(date)
            .subject(mail.subject.clone())
            .message_id(Some(message_id.clone()));
        for recipient in &to {
            builder = builder.to(recipient.clone());
        }
        if let Some(reply_to) = &mail.reply_to {
            builder = builder.reply_to(mailbox("reply address", reply_to)?);
        }
        if let Some(before) = &mail.in_reply_to {
            builder = builder.in_reply_to(id(before)?);
        }
        if !mail.references.is_empty() {
            let ids: Vec<String> = mail.references.iter().map(|r| id(r)).collect::<Result<_, _>>()?;
            builder = builder.references(ids.join(" "));
        }
        // RFC 3834: keeps vacation replies and other robots from answering.
        builder = builder.raw_header(header("Auto-Submitted", "auto-generated")?);
        for (name, value) in &mail.headers {
            let lower = name.to_ascii_lowercase();
            if RESERVED.contains(&lower.as_str())
                || lower.starts_with("content-")
                || lower.starts_with("resent-")
            {
                return Err(Failure::invalid(format!(
                    "the mail header {name:?} is not the sender's to set"
                )));
            }
            builder = builder.raw_header(header(name, value)?);
        }
        let message = body(builder, mail)?;
        Ok(Self {
            message_id,
            from: from.email,
            to: to.into_iter().map(|mailbox| mailbox.email).collect(),
            bytes: message.formatted(),
        })
    }
}

fn body(builder: lettre::message::MessageBuilder, mail: &Mail) -> Result<Message, Failure> {
    let built = if mail.attachments.is_empty() {
        match &mail.html {
            None => builder.singlepart(SinglePart::plain(mail.text.clone())),
            Some(html) => {
                builder.multipart(MultiPart::alternative_plain_html(mail.text.clone(), html.clone()))
            }
        }
    } else {
        let mut mixed = match &mail.html {
            None => MultiPart::mixed().singlepart(SinglePart::plain(mail.text.clone())),
            Some(html) => MultiPart::mixed()
                .multipart(MultiPart::alternative_plain_html(mail.text.clone(), html.clone())),
        };
        for file in &mail.attachments {
            one_line("name of an attachment", &file.name)?;
            let kind = ContentType::parse(&file.content_type)
                .map_err(|_| Failure::invalid(format!("{:?} is not a content type", file.content_type)))?;
            mixed = mixed.singlepart(Part::new(file.name.clone()).body(file.data.clone(), kind));
        }
        builder.multipart(mixed)
    };
    built.map_err(|error| Failure::invalid(format!("the mail is not valid: {error}")))
}

fn one_line(what: &str, text: &str) -> Result<(), Failure> {
    // What one mail reader takes for the end of a line, an attacker takes for the beginning of a header.
    if text
        .chars()
        .any(|c| (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        return Err(Failure::invalid(format!(
            "the {what} of the mail holds a line break or another control character"
        )));
    }
    Ok(())
}

fn mailbox(what: &str, text: &str) -> Result<Mailbox, Failure> {
    one_line(what, text)?;
    text.trim()
        .parse()
        .map_err(|_| Failure::invalid(format!("the {what} {text:?} is not a mail address")))
}

fn id(text: &str) -> Result<String, Failure> {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
    let fits = bare.len() <= 250
        && bare
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
        && bare
            .split_once('@')
            .is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
    if fits {
        Ok(format!("<{bare}>"))
    } else {
        Err(Failure::invalid(format!("{text:?} is not a message id")))
    }
}

fn header(name: &str, value: &str) -> Result<HeaderValue, Failure> {
    one_line("header", value)?;
    let wrong = || Failure::invalid(format!("{name:?} is not the name of a mail header"));
    let token =
        !name.is_empty() && name.len() <= 76 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !token {
        return Err(wrong());
    }
    let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|_| wrong())?;
    Ok(HeaderValue::new(name, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            html: Some("<p>Die Sicherung lief.</p>".into()),
            in_reply_to: Some("first@hub.example".into()),
            references: vec!["first@hub.example".into(), "<second@hub.example>".into()],
            headers: vec![("X-Ironcore-Project".into(), "demo".into())],
            ..Mail::new(
                "Hub <hub@hub.example>",
                "Änne <ae@x.example>",
                "Sicherung für „vm/1“",
                "lief\n.\nok",
                "m1@hub.example",
            )
        }
    }

    fn written(mail: &Mail) -> Result<String, Failure> {
        let now = "2026-05-21T00:00:00Z".parse().expect("time");
        Letter::new(mail, now).map(|l| String::from_utf8(l.bytes).expect("ascii"))
    }

    #[test]
    fn a_mail_has_its_headers_and_both_bodies() {
        let text = written(&mail()).expect("mail");
        for line in [
            "From: Hub <hub@hub.example>\r\n",
            "Date: Thu, 21 May 2026 00:00:00 +0000\r\n",
            "Message-ID: <m1@hub.example>\r\n",
            "In-Reply-To: <first@hub.example>\r\n",
            "References: <first@hub.example> <second@hub.example>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "X-Ironcore-Project: demo\r\n",
            "Content-Type: multipart/alternative;",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        assert!(text.is_ascii());
        let attached = Mail {
            attachments: vec![Attachment {
                name: "task.log".into(),
                content_type: "text/plain".into(),
                data: b"x".to_vec(),
            }],
            ..mail()
        };
        assert!(
            written(&attached)
                .expect("mail")
                .contains("filename=\"task.log\"")
        );
    }

    #[test]
    fn nothing_can_smuggle_a_header_in() {
        let evil = "x\r\nBcc: all@x.example";
        let header = |name: &str, value: &str| Mail {
            headers: vec![(name.into(), value.into())],
            ..mail()
        };
        for bad in [
            Mail {
                subject: evil.into(),
                ..mail()
            },
            Mail {
                from: format!("\"{evil}\" <a@b.example>"),
                ..mail()
            },
            Mail {
                to: vec![format!("a@b.example{evil}")],
                ..mail()
            },
            Mail { to: vec![], ..mail() },
            Mail {
                message_id: format!("a@b{evil}"),
                ..mail()
            },
            Mail {
                message_id: "no-at".into(),
                ..mail()
            },
            Mail {
                references: vec!["<a@b> <c@d>".into()],
                ..mail()
            },
            Mail {
                reply_to: Some("a@b.example\nX: y".into()),
                ..mail()
            },
            header("X-A", evil),
            header("X-A\r\nBcc", "y"),
            header("X A", "y"),
            header("Bcc", "y@x.example"),
            header("content-type", "text/html"),
            header("Subject", "other"),
        ] {
            let failure = written(&bad).expect_err("refused");
            assert_eq!(failure.code, ironcore_types::ErrorCode::RequestInvalid, "{bad:?}");
        }
    }
}

//! What plugins ask for, in egress's words, and egress's failures in the plugins' words. Plain functions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ironcore_egress as egress;
use ironcore_egress::{
    Failure, SecretName, SecretSlot, SignSpec, SmtpAuth, SmtpMechanism, SmtpServer, SmtpTls,
};
use ironcore_plugin_host::effects as host;
use ironcore_plugin_host::effects::{
    HttpCredential, HttpError, MailError, MailReply, Signature, Slot, TlsMode,
};
use ironcore_types::{ErrorCode, Timestamp};

use crate::addresses::{self, PLACE};
use crate::sent;

/// The request as egress wants it; `now` is the time that a signature says.
pub(crate) fn http(request: host::HttpRequest, now: Timestamp) -> Result<egress::HttpRequest, HttpError> {
    let mut slots = Vec::new();
    let url = url(request.url, &mut slots)?;
    let mut out = egress::HttpRequest::new(request.method, url);
    out.hide = addresses::plain(&out.url);
    out.hide.extend(sent::plain_credentials(&request.headers));
    for (name, slot) in request.headers {
        header(name, slot, "", &mut out.headers, &mut slots)?;
    }
    match request.credential {
        None => {}
        Some(HttpCredential::Bearer(slot)) => {
            header(
                "authorization".to_owned(),
                slot,
                "Bearer ",
                &mut out.headers,
                &mut slots,
            )?;
        }
        Some(HttpCredential::Basic(basic)) => {
            let Slot::Text(user) = basic.username else {
                return Err(HttpError::Invalid(
                    "the user name of a credential must be a text".to_owned(),
                ));
            };
            match basic.password {
                Slot::Text(password) => {
                    let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
                    out.headers.push(("authorization".to_owned(), value));
                }
                Slot::Secret(name) => slots.push(SecretSlot::Basic {
                    user,
                    secret: secret(&name)?,
                }),
                Slot::Wrapped { .. } => {
                    return Err(HttpError::Invalid(
                        "a password must be a secret without text around it".to_owned(),
                    ));
                }
            }
        }
    }
    out.body = request.body.unwrap_or_default();
    for place in request.body_slots {
        match place.value {
            Slot::Text(text) => out.body = put(&out.body, &place.pointer, text)?,
            Slot::Secret(name) => slots.push(SecretSlot::Body {
                pointer: place.pointer,
                secret: secret(&name)?,
            }),
            Slot::Wrapped { .. } => {
                return Err(HttpError::Invalid(
                    "a secret in a body cannot have text around it".to_owned(),
                ));
            }
        }
    }
    if let Some(Signature::StandardWebhook { keys, message_id }) = request.signature {
        let secrets = keys.iter().map(|name| secret(name)).collect::<Result<_, _>>()?;
        out.sign = Some(SignSpec {
            id: message_id,
            timestamp: now,
            secrets,
        });
    }
    if let Some(timeout) = request.timeout {
        out.timeout = timeout;
    }
    out.slots = slots;
    Ok(out)
}

fn secret(name: &str) -> Result<SecretName, HttpError> {
    SecretName::new(name).map_err(|_| HttpError::SecretMissing(name.to_owned()))
}

fn url(slot: Slot, slots: &mut Vec<SecretSlot>) -> Result<String, HttpError> {
    let (before, name, after) = match slot {
        Slot::Text(text) => return Ok(text),
        Slot::Secret(name) => (String::new(), name, String::new()),
        Slot::Wrapped {
            before,
            secret,
            after,
        } => (before, secret, after),
    };
    let secret = secret(&name)?;
    if before.is_empty() && after.is_empty() {
        slots.push(SecretSlot::Url { secret });
        return Ok(String::new());
    }
    let invalid =
        |why: &'static str| HttpError::Invalid(format!("the address with the secret {name:?} in it {why}"));
    let mut url =
        url::Url::parse(&format!("{before}{PLACE}{after}")).map_err(|_| invalid("is no address"))?;
    let segment = url
        .path_segments()
        .and_then(|mut segments| segments.position(|part| part == PLACE));
    if let Some(index) = segment {
        slots.push(SecretSlot::PathSegment { index, secret });
        return Ok(url.into());
    }
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if let Some((key, _)) = pairs.iter().find(|(_, value)| value == PLACE) {
        slots.push(SecretSlot::Query {
            name: key.clone(),
            secret,
        });
        url.set_query(None);
        let others: Vec<_> = pairs.iter().filter(|(_, value)| value != PLACE).collect();
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
        return Ok(url.into());
    }
    Err(invalid(
        "must have it as a whole part of the path or as the value of a query parameter",
    ))
}

fn header(
    name: String,
    slot: Slot,
    scheme: &str,
    headers: &mut Vec<(String, String)>,
    slots: &mut Vec<SecretSlot>,
) -> Result<(), HttpError> {
    let (before, key, after) = match slot {
        Slot::Text(text) => {
            headers.push((name, format!("{scheme}{text}")));
            return Ok(());
        }
        Slot::Secret(key) => (String::new(), key, String::new()),
        Slot::Wrapped {
            before,
            secret,
            after,
        } => (before, secret, after),
    };
    if !after.is_empty() {
        return Err(HttpError::Invalid(format!(
            "the header {name} cannot have text after its secret"
        )));
    }
    slots.push(SecretSlot::Header {
        name,
        prefix: format!("{scheme}{before}"),
        secret: secret(&key)?,
    });
    Ok(())
}

fn put(body: &[u8], pointer: &str, text: String) -> Result<Vec<u8>, HttpError> {
    let invalid = |why: String| HttpError::Invalid(format!("the body has no place {pointer:?}: {why}"));
    let mut json: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
    let place = json
        .pointer_mut(pointer)
        .ok_or_else(|| invalid("there is no such member".to_owned()))?;
    *place = serde_json::Value::String(text);
    serde_json::to_vec(&json).map_err(|error| invalid(error.to_string()))
}

/// Why there is no answer, in the plugins' words.
pub(crate) fn http_error(failure: Failure) -> HttpError {
    match failure.code {
        ErrorCode::DeliveryAddress => HttpError::AddressDenied(failure.reason),
        ErrorCode::SecretMissing => HttpError::SecretMissing(failure.secret.unwrap_or(failure.reason)),
        ErrorCode::RequestInvalid | ErrorCode::ConfigInvalid => HttpError::Invalid(failure.reason),
        ErrorCode::DeliveryUnreachable => HttpError::Unreachable(failure.reason),
        code => HttpError::Other {
            code: code.to_string(),
            message: failure.reason,
        },
    }
}

/// How many bytes of the task's log a mail wants to carry, when it wants any.
pub(crate) fn log_wanted(mail: &host::Mail) -> Option<usize> {
    let wanted = mail.attrs.iter().find(|(name, _)| name == "attach-log");
    wanted.and_then(|(_, bytes)| bytes.parse().ok())
}

/// The mail and its server as egress wants them.
pub(crate) fn mail(
    server: host::MailServer,
    mail: host::Mail,
) -> Result<(egress::Mail, SmtpServer), MailError> {
    let tls = match server.tls {
        TlsMode::StartTls => SmtpTls::StartTls,
        TlsMode::Implicit => SmtpTls::Implicit,
        TlsMode::None => SmtpTls::None,
    };
    let mechanism = match server.attrs.iter().find(|(name, _)| name == "mechanism") {
        None => None,
        Some((_, word)) => Some(match word.as_str() {
            "plain" => SmtpMechanism::Plain,
            "login" => SmtpMechanism::Login,
            other => {
                let why = format!("{other:?} is no way to log in: use plain or login");
                return Err(MailError::Invalid(why));
            }
        }),
    };
    let mut smtp = SmtpServer::new(server.host, server.port, tls);
    smtp.auth = match server.credential {
        None => None,
        Some(credential) => {
            let (Slot::Text(user), Slot::Secret(name)) = (credential.username, credential.password) else {
                let why = "a mail server wants a text as user name and a secret as password";
                return Err(MailError::Invalid(why.to_owned()));
            };
            let password = SecretName::new(&name).map_err(|_| MailError::SecretMissing(name))?;
            Some(SmtpAuth {
                user,
                password,
                mechanism,
            })
        }
    };
    let out = egress::Mail {
        from: mailbox(&mail.from),
        to: mail.to.iter().map(mailbox).collect(),
        reply_to: mail.reply_to.as_ref().map(mailbox),
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        message_id: mail.message_id,
        in_reply_to: mail.references.last().cloned(),
        references: mail.references,
        // Egress always says that mails are made by a machine, and refuses to hear it twice.
        headers: mail
            .headers
            .into_iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("auto-submitted"))
            .collect(),
        attachments: mail
            .attachments
            .into_iter()
            .map(|file| egress::Attachment {
                name: file.name,
                content_type: file.content_type,
                data: file.content,
            })
            .collect(),
        hide: Vec::new(),
    };
    Ok((out, smtp))
}

/// `"Name" <address>` by RFC 5322.
fn mailbox(mailbox: &host::Mailbox) -> String {
    match &mailbox.name {
        None => mailbox.address.clone(),
        Some(name) => {
            let name = name.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{name}\" <{}>", mailbox.address)
        }
    }
}

/// Why a mail was not taken, in the plugins' words.
pub(crate) fn mail_error(failure: Failure) -> MailError {
    let reply = |code| MailReply {
        code,
        text: failure.reason.clone(),
    };
    match (failure.code, failure.status) {
        (ErrorCode::DeliveryAddress, _) => MailError::AddressDenied(failure.reason),
        (ErrorCode::SecretMissing, _) => MailError::SecretMissing(failure.secret.unwrap_or(failure.reason)),
        (ErrorCode::RequestInvalid | ErrorCode::ConfigInvalid, _) => MailError::Invalid(failure.reason),
        (_, Some(530 | 534 | 535 | 538)) => MailError::Credential(failure.reason),
        (_, Some(code @ 500..600)) => MailError::Permanent(reply(code)),
        (_, Some(code @ 400..500)) => MailError::Temporary(reply(code)),
        (ErrorCode::DeliveryUnreachable, _) => MailError::Unreachable(failure.reason),
        (code, _) => MailError::Other {
            code: code.to_string(),
            message: failure.reason,
        },
    }
}

/// Whether a recipient refused the mail for good. What somebody can mend is none: a log-in, say.
pub(crate) fn is_refusal(failure: &Failure) -> bool {
    !failure.retry && matches!(mail_error(failure.clone()), MailError::Permanent(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: Slot) -> host::HttpRequest {
        host::HttpRequest {
            method: "POST".to_owned(),
            url,
            headers: Vec::new(),
            credential: None,
            body: None,
            body_slots: Vec::new(),
            signature: None,
            timeout: None,
            attrs: Vec::new(),
        }
    }

    fn wrapped(before: &str, after: &str) -> Slot {
        Slot::Wrapped {
            before: before.to_owned(),
            secret: "token".to_owned(),
            after: after.to_owned(),
        }
    }

    fn slots(url: Slot) -> (String, String) {
        let out = http(request(url), Timestamp::EPOCH).expect("valid");
        (out.url, format!("{:?}", out.slots))
    }

    #[test]
    fn secrets_in_addresses_go_into_slots_of_their_kind() {
        let (url, slot) = slots(Slot::Secret("hook".to_owned()));
        assert_eq!(url, "");
        assert!(slot.contains("Url"), "{slot}");
        let (_, slot) = slots(wrapped("https://chat.example/hooks/", "/send"));
        assert!(
            slot.contains("PathSegment") && slot.contains("index: 1"),
            "{slot}"
        );
        let (url, slot) = slots(wrapped("https://chat.example/send?a=b&key=", "&c=d"));
        assert_eq!(url, "https://chat.example/send?a=b&c=d");
        assert!(slot.contains("Query") && slot.contains("\"key\""), "{slot}");
        let out = http(request(wrapped("https://", ".example/")), Timestamp::EPOCH);
        assert!(matches!(out, Err(HttpError::Invalid(_))));
    }

    #[test]
    fn headers_credentials_and_bodies_keep_secrets_apart() {
        let mut wanted = request(Slot::Text("https://a.example/".to_owned()));
        wanted.headers = vec![
            ("x-plain".to_owned(), Slot::Text("1".to_owned())),
            ("x-key".to_owned(), wrapped("k ", "")),
        ];
        wanted.credential = Some(HttpCredential::Bearer(Slot::Secret("token".to_owned())));
        wanted.body = Some(b"{\"a\":{\"b\":null},\"c\":null}".to_vec());
        wanted.body_slots = vec![
            host::BodySlot {
                pointer: "/a/b".to_owned(),
                value: Slot::Text("x".to_owned()),
            },
            host::BodySlot {
                pointer: "/c".to_owned(),
                value: Slot::Secret("token".to_owned()),
            },
        ];
        let out = http(wanted.clone(), Timestamp::EPOCH).expect("valid");
        assert_eq!(out.headers, [("x-plain".to_owned(), "1".to_owned())]);
        assert!(out.hide.is_empty());
        assert_eq!(out.body, b"{\"a\":{\"b\":\"x\"},\"c\":null}");
        let slots = format!("{:?}", out.slots);
        assert!(
            slots.contains("\"Bearer \"") && slots.contains("\"k \"") && slots.contains("Body"),
            "{slots}"
        );
        wanted.headers = vec![("x-key".to_owned(), wrapped("", "tail"))];
        assert!(http(wanted, Timestamp::EPOCH).is_err());
    }

    #[test]
    fn what_is_said_in_plain_words_of_a_credential_is_looked_for_in_answers() {
        let mut wanted = request(Slot::Text(
            "https://a.example/h?token=abcd%2Fefgh&wait=true".to_owned(),
        ));
        let header = |name: &str, value: &str| (name.to_owned(), Slot::Text(value.to_owned()));
        wanted.headers = vec![
            header("x-gotify-key", "hunter2hunter2"),
            header("authorization", "Bearer hunter3hunter3"),
            header("x-team", "operations"),
            header("x-api-key", "short"),
        ];
        let out = http(wanted, Timestamp::EPOCH).expect("valid");
        assert_eq!(out.hide, ["abcd/efgh", "hunter2hunter2", "hunter3hunter3"]);
        let out = http(
            request(wrapped("https://a.example/h?plain=12345678&t=", "")),
            Timestamp::EPOCH,
        );
        assert_eq!(out.expect("valid").hide, ["12345678"]);
    }

    #[test]
    fn names_in_mailboxes_are_quoted() {
        let with = host::Mailbox {
            name: Some("Ops, \"night\"".to_owned()),
            address: "ops@a.example".to_owned(),
        };
        assert_eq!(mailbox(&with), "\"Ops, \\\"night\\\"\" <ops@a.example>");
    }
}

//! What a mail server's answer means for the message.

use ironcore_plugin::{Failure, REJECTED, UNREACHABLE, mail};

/// Whether it is worth trying again, and whose fault it is.
pub(crate) fn failure(error: mail::Error) -> Failure {
    use mail::Error;
    match error {
        Error::Invalid(why) => Failure::rejected(REJECTED, why),
        Error::AddressDenied(why) => Failure::rejected("delivery.address", why),
        Error::Unreachable(why) | Error::Tls(why) => Failure::unreachable(UNREACHABLE, why),
        Error::Timeout => Failure::unreachable(UNREACHABLE, "the mail server did not answer in time"),
        // Somebody can set the secret or the password; until then no message gets through.
        Error::Credential(why) => Failure::unreachable(REJECTED, format!("the log-in was refused: {why}")),
        Error::SecretMissing(name) => {
            Failure::unreachable("secret.missing", format!("the secret {name:?} has no value"))
        }
        // 421 is about the service, other 4xx about this mail or mailbox (RFC 5321, 4.2.2).
        Error::Temporary(reply) if reply.code == 421 => {
            Failure::unreachable(UNREACHABLE, said(&reply)).with_status(reply.code)
        }
        Error::Temporary(reply) => Failure::retry(UNREACHABLE, said(&reply)).with_status(reply.code),
        Error::Permanent(reply) => Failure::rejected(REJECTED, said(&reply)).with_status(reply.code),
        Error::Custom((code, why)) => Failure::retry(&code, why),
    }
}

fn said(reply: &mail::Reply) -> String {
    format!("the mail server says {} {}", reply.code, reply.text)
}

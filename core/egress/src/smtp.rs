//! Mails over SMTP: dial an allowed address, secure the connection, log in, hand over, tell what became of each
//! recipient.
//!
//! The protocol is lettre's. The order of steps and the pool are kept here, because a connection must never be used
//! again after a call that was given up midway, and because each recipient has an outcome of its own.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;

use crate::Shared;
use crate::failure::{Failure, FailureClass};
use crate::mail::{Letter, Mail};
use crate::pool::{Lease, PoolKey};
use crate::redact::Redactor;
use crate::resolve::ResolveError;
use crate::server::{MailReport, RecipientOutcome, SmtpAuth, SmtpMechanism, SmtpServer, SmtpTls};
use crate::slots;
use crate::tls;

/// For one address: connect, TLS and login.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const SERVICE_CLOSING: u16 = 421;

/// Hands a mail over; see [`crate::Egress::mail`].
pub(crate) async fn send(shared: &Shared, mail: &Mail, server: &SmtpServer) -> Result<MailReport, Failure> {
    let begun = shared.seams.moment();
    let mut redactor = Redactor::default();
    mail.hide.iter().for_each(|text| redactor.add(text));
    let timeout = server.timeout;
    let sent = match tokio::time::timeout(timeout, hand_over(shared, mail, server, &mut redactor)).await {
        Ok(sent) => sent,
        // Dropping the hand-over closed its connection.
        Err(_) => Err(Failure::lane(format!(
            "the mail server did not finish within {} s",
            timeout.as_secs_f64()
        ))),
    };
    let latency = shared.seams.moment().since(begun);
    let clean = |failure: Failure| Failure {
        reason: redactor.text(&failure.reason),
        latency,
        ..failure
    };
    let (letter, results) = sent.map_err(clean)?;
    let recipients = letter
        .to
        .iter()
        .zip(results)
        .map(|(address, result)| RecipientOutcome {
            address: address.to_string(),
            result: result.map(|answer| redactor.text(&answer)).map_err(clean),
        });
    Ok(MailReport {
        message_id: letter.message_id.clone(),
        recipients: recipients.collect(),
        latency,
    })
}

/// One for each recipient.
type Results = Vec<Result<String, Failure>>;

async fn hand_over(
    shared: &Shared,
    mail: &Mail,
    server: &SmtpServer,
    redactor: &mut Redactor,
) -> Result<(Letter, Results), Failure> {
    let letter = Letter::new(mail, shared.seams.now())?;
    let login = server
        .auth
        .as_ref()
        .map(|auth| Login::open(shared, auth, redactor))
        .transpose()?;
    let mut last = Failure::lane(format!("the mail server {} has no address", server.host));
    for address in addresses(shared, &server.host).await? {
        match at_address(shared, &letter, server, address, login.as_ref()).await {
            Ok(results) => return Ok((letter, results)),
            // Nothing was handed over; another address of the same server may be well.
            Err(failure) if failure.class == FailureClass::Lane => last = failure,
            Err(failure) => return Err(failure),
        }
    }
    Err(last)
}

async fn addresses(shared: &Shared, host: &str) -> Result<Vec<IpAddr>, Failure> {
    shared
        .resolver
        .addresses(host)
        .await
        .map_err(|error| match error {
            ResolveError::Refused(refused) => Failure::address(refused.to_string()),
            other => Failure::lane(other.to_string()),
        })
}

/// An error means that nothing was handed over.
async fn at_address(
    shared: &Shared,
    letter: &Letter,
    server: &SmtpServer,
    address: IpAddr,
    login: Option<&Login>,
) -> Result<Results, Failure> {
    if server.tls == SmtpTls::None && !address.to_canonical().is_loopback() && !shared.plain_smtp {
        let reason = format!("mail to {} without TLS is not allowed by this hub", server.host);
        return Err(Failure {
            code: ironcore_types::ErrorCode::ConfigInvalid,
            ..Failure::invalid(reason)
        });
    }
    let key = PoolKey::new(server, address, login.map(|l| l.password.expose_secret()));
    let tls = || shared.trust.smtp(&server.host, server.ca_pem.as_deref());
    let (mut lease, tls) = shared.pools.lease(key, tls).await?;
    while let Some(mut connection) = lease.take_idle(shared.seams.moment()) {
        match transact(&mut connection, letter).await {
            Transacted::Done { results, reusable } => {
                give_back(shared, &mut lease, connection, reusable);
                return Ok(results);
            }
            // The server has hung up on a connection that lay idle; that says nothing about its health.
            Transacted::Unsent(error) => tracing::debug!(%error, "an idle mail connection was gone"),
        }
    }
    let connecting = connect(server, SocketAddr::new(address, server.port), tls, login);
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
    let mut connection = connected
        .map_err(|_| Failure::lane(format!("the mail server {} did not greet in time", server.host)))??;
    match transact(&mut connection, letter).await {
        Transacted::Done { results, reusable } => {
            give_back(shared, &mut lease, connection, reusable);
            Ok(results)
        }
        Transacted::Unsent(error) => Err(classified(&error, "did not take the mail", true)),
    }
}

fn give_back(shared: &Shared, lease: &mut Lease, connection: AsyncSmtpConnection, reusable: bool) {
    if reusable && !connection.has_broken() {
        lease.give_back(connection, shared.seams.moment());
    }
}

async fn connect(
    server: &SmtpServer,
    address: SocketAddr,
    tls: TlsParameters,
    login: Option<&Login>,
) -> Result<AsyncSmtpConnection, Failure> {
    let hello = ClientId::default();
    let unreachable = |error: SmtpError| classified(&error, "could not be reached", true);
    let mut connection = if server.tls == SmtpTls::Implicit {
        let connecting = AsyncSmtpConnection::connect_tokio1(address, None, &hello, Some(tls.clone()), None);
        connecting.await.map_err(unreachable)?
    } else {
        let lane =
            |error: std::io::Error| Failure::lane(format!("the mail server could not be reached: {error}"));
        let stream = TcpStream::connect(address).await.map_err(lane)?;
        stream.set_nodelay(true).map_err(lane)?;
        let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello);
        greeting.await.map_err(unreachable)?
    };
    if server.tls == SmtpTls::StartTls {
        if !connection.can_starttls() {
            // An attacker on the way can take the offer out, so going on in plain is no choice.
            return Err(Failure::lane(
                "the mail server offers no STARTTLS, so nothing was sent",
            ));
        }
        let securing = connection.starttls(tls, &hello).await;
        securing.map_err(|error| classified(&error, "could not be reached over TLS", true))?;
    }
    if let Some(login) = login {
        let answer = connection.auth(&login.mechanisms, &login.credentials).await;
        answer.map_err(|error| classified(&error, "refused the login", true))?;
    }
    Ok(connection)
}

struct Login {
    credentials: Credentials,
    password: SecretString,
    mechanisms: Vec<Mechanism>,
}

impl Login {
    fn open(shared: &Shared, auth: &SmtpAuth, redactor: &mut Redactor) -> Result<Self, Failure> {
        use base64::Engine as _;
        let password = slots::open(&shared.secrets, &auth.password, redactor)?;
        let value = password.expose_secret();
        let plain = format!("\0{}\0{value}", auth.user);
        redactor.push(base64::engine::general_purpose::STANDARD.encode(plain));
        let mechanisms = match auth.mechanism {
            Some(SmtpMechanism::Plain) => vec![Mechanism::Plain],
            Some(SmtpMechanism::Login) => vec![Mechanism::Login],
            None => vec![Mechanism::Plain, Mechanism::Login],
        };
        let credentials = Credentials::new(auth.user.clone(), value.to_owned());
        Ok(Self {
            credentials,
            password,
            mechanisms,
        })
    }
}

enum Transacted {
    /// The server has answered about each recipient.
    Done { results: Results, reusable: bool },
    /// The connection failed before the mail began.
    Unsent(SmtpError),
}

async fn transact(connection: &mut AsyncSmtpConnection, letter: &Letter) -> Transacted {
    let everyone = |failure: Failure| vec![Err(failure); letter.to.len()];
    let parameters = match parameters(connection, letter) {
        Ok(parameters) => parameters,
        Err(failure) => {
            return Transacted::Done {
                results: everyone(failure),
                reusable: true,
            };
        }
    };
    match connection
        .command(MailFrom::new(Some(letter.from.clone()), parameters))
        .await
    {
        Ok(_) => {}
        Err(error) => {
            return match reply_code(&error) {
                None | Some(SERVICE_CLOSING) => Transacted::Unsent(error),
                Some(_) => {
                    let failure = classified(&error, "did not take the sender", false);
                    Transacted::Done {
                        results: everyone(failure),
                        reusable: reset(connection).await,
                    }
                }
            };
        }
    }
    let mut results: Vec<Option<Failure>> = Vec::with_capacity(letter.to.len());
    for recipient in &letter.to {
        let answer = connection.command(Rcpt::new(recipient.clone(), vec![])).await;
        let failure = answer
            .err()
            .map(|error| classified(&error, "did not take the recipient", false));
        if let Some(ended) = failure.as_ref().filter(|f| f.class == FailureClass::Lane) {
            return Transacted::Done {
                results: everyone(ended.clone()),
                reusable: false,
            };
        }
        results.push(failure);
    }
    if results.iter().all(Option::is_some) {
        let results = results.into_iter().flatten().map(Err).collect();
        return Transacted::Done {
            results,
            reusable: reset(connection).await,
        };
    }
    let taken = match connection.command(Data).await {
        Ok(_) => connection.message(&letter.bytes).await,
        Err(error) => Err(error),
    };
    let taken = taken
        .map(|response| answer(&response))
        .map_err(|error| classified(&error, "did not take the mail", false));
    let reusable = match &taken {
        Ok(_) => true,
        Err(failure) if failure.class == FailureClass::Lane => false,
        Err(_) => reset(connection).await,
    };
    let each = |failure: Option<Failure>| failure.map_or_else(|| taken.clone(), Err);
    Transacted::Done {
        results: results.into_iter().map(each).collect(),
        reusable,
    }
}

fn parameters(connection: &AsyncSmtpConnection, letter: &Letter) -> Result<Vec<MailParameter>, Failure> {
    let mut parameters = Vec::new();
    let ascii = |address: &lettre::Address| AsRef::<str>::as_ref(address).is_ascii();
    if !(ascii(&letter.from) && letter.to.iter().all(ascii)) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Failure::rejected(
                "the mail server takes no addresses outside ASCII",
            ));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !letter.bytes.is_ascii() {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

/// Whether the connection is fit for another mail.
async fn reset(connection: &mut AsyncSmtpConnection) -> bool {
    connection.command(Rset).await.is_ok()
}

fn answer(response: &Response) -> String {
    let lines: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), lines.join(" "))
        .chars()
        .take(500)
        .collect()
}

fn reply_code(error: &SmtpError) -> Option<u16> {
    error.status().map(u16::from)
}

/// What an error means. Before the mail began, a temporary refusal is about the server, not the mail.
fn classified(error: &SmtpError, what: &str, before_mail: bool) -> Failure {
    let text: String = tls::chain(error).chars().take(500).collect();
    let reason = format!("the mail server {what}: {text}");
    match reply_code(error) {
        Some(code @ 500..) => Failure::rejected(reason).with_status(code),
        Some(SERVICE_CLOSING) => Failure::lane(reason).with_status(SERVICE_CLOSING),
        Some(code) if before_mail => Failure::lane(reason).with_status(code),
        Some(code) => Failure::deferred(reason).with_status(code),
        None => Failure::lane(reason),
    }
}

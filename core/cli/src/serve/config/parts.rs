//! The tables of the configuration: TLS, what may leave the machine, plugins' grants, copies of the hub, the database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use ironcore_egress::{AllowList, ProxyOptions, SecretString};
use ironcore_ledger::Postgres;
use ironcore_types::Span;
use serde::{Deserialize, Serialize};

use super::invalid;
use crate::exit::Coded;

/// `[tls]`: the certificate that the API shows. Without files the hub makes one.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TlsSettings {
    /// PEM file with the certificate, and those between it and its authority.
    pub(crate) certificate: Option<PathBuf>,
    /// PEM file with its key.
    pub(crate) key: Option<PathBuf>,
    /// Names and addresses that a certificate of the hub's own making is for, beside this machine's.
    pub(crate) names: Vec<String>,
}

impl TlsSettings {
    /// The same wherever the process goes.
    pub(super) fn absolute(self) -> std::io::Result<Self> {
        let absolute = |path: Option<PathBuf>| path.map(std::path::absolute).transpose();
        Ok(Self {
            certificate: absolute(self.certificate)?,
            key: absolute(self.key)?,
            names: self.names,
        })
    }

    pub(super) fn check(&self) -> Result<(), Coded> {
        let wrong = match (&self.certificate, &self.key) {
            (Some(_), Some(_)) if !self.names.is_empty() => {
                "tls.names is for a certificate of the hub's own making; tls.certificate is for what it is for"
            }
            (Some(_), Some(_)) | (None, None) => return Ok(()),
            _ => "tls: certificate and key belong together; name both, or none for one that the hub makes",
        };
        Err(invalid(wrong.to_owned()))
    }
}

impl fmt::Display for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.certificate {
            Some(path) => write!(f, "{}", path.display()),
            None => f.write_str("a certificate of the hub's own making"),
        }
    }
}

/// What may leave the machine.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EgressSettings {
    /// Private addresses, networks and host names that handlers may reach nevertheless.
    pub(crate) allow: Vec<String>,
    /// PEM files with authorities to trust beside the usual ones.
    pub(crate) ca: Vec<PathBuf>,
    /// Allow SMTP without TLS to hosts that are not this machine.
    pub(crate) plain_smtp: bool,
    /// The proxy that HTTP requests take.
    pub(crate) proxy: Option<ProxySettings>,
}

/// `[egress.proxy]`: the proxy that HTTP requests take.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ProxySettings {
    /// Its address: scheme, host and port.
    pub(crate) url: String,
    /// The name that it wants.
    pub(crate) username: Option<String>,
    /// File with the password that it wants.
    pub(crate) password_file: Option<PathBuf>,
    /// Destinations that are reached without it.
    #[serde(default)]
    pub(crate) no_proxy: Vec<String>,
}

impl ProxySettings {
    /// Reads the password, and checks what can be checked without asking the proxy.
    pub(crate) fn options(&self) -> Result<ProxyOptions> {
        let direct = AllowList::parse(&self.no_proxy)
            .map_err(|error| invalid(format!("egress.proxy.no-proxy: {error}")))?;
        let login = match (&self.username, &self.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => Some((user.clone(), password(file)?)),
            _ => {
                let text = "egress.proxy: username and password-file belong together; name both or none";
                return Err(invalid(text.to_owned()).into());
            }
        };
        Ok(ProxyOptions {
            url: self.url.clone(),
            login,
            direct,
        })
    }
}

/// The password in a file of its owner.
fn password(file: &Path) -> Result<SecretString> {
    use std::os::unix::fs::PermissionsExt as _;
    let wrong = |why: &str| invalid(format!("egress.proxy.password-file: {} {why}", file.display()));
    let metadata = std::fs::metadata(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(wrong("can be read by others than its owner; set its mode to 0600").into());
    }
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(wrong("is empty").into()),
        password => Ok(SecretString::from(password.to_owned())),
    }
}

impl fmt::Display for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        match self.no_proxy.as_slice() {
            [] => Ok(()),
            direct => write!(f, ", but not to {}", direct.join(", ")),
        }
    }
}

/// What the operator grants to a plugin of the folder. Built-in plugins get what they ask for.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PluginSettings {
    /// Capabilities: http, mail, inbox, metrics, templates, kv, log.
    pub(crate) grant: Vec<String>,
}

/// `[backup]` as the file has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct BackupFile {
    folder: Option<PathBuf>,
    keep: Option<u32>,
    every: Option<Every>,
}

/// `[retention]` as the file has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RetentionFile {
    logs: Option<Every>,
    statistics: Option<Every>,
    attempts: Option<Every>,
    inbox: Option<Every>,
    incidents: Option<Every>,
}

/// For how long the hub keeps what it does not keep for ever; none for ever.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RetentionSettings {
    /// Logs of tasks, from their end.
    pub(crate) logs: Option<Span>,
    /// Statistics of tasks and how datastores filled.
    pub(crate) statistics: Option<Span>,
    /// What destinations answered to messages.
    pub(crate) attempts: Option<Span>,
    /// Entries of the inbox, from their event.
    pub(crate) inbox: Option<Span>,
    /// Incidents that are over.
    pub(crate) incidents: Option<Span>,
}

impl RetentionFile {
    pub(super) fn settings(self) -> Result<RetentionSettings, Coded> {
        let span = |key: &str, set: Option<Every>, days| match set {
            None => Ok(Some(Span::from_days(days))),
            Some(Every(Some(span))) if span < Span::from_days(1) => Err(invalid(format!(
                "retention.{key} = \"{span}\": use 1d or more, or never"
            ))),
            Some(Every(span)) => Ok(span),
        };
        Ok(RetentionSettings {
            logs: span("logs", self.logs, 90)?,
            statistics: span("statistics", self.statistics, 400)?,
            attempts: span("attempts", self.attempts, 90)?,
            inbox: span("inbox", self.inbox, 90)?,
            incidents: span("incidents", self.incidents, 400)?,
        })
    }
}

impl fmt::Display for RetentionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |span: Option<Span>| span.map_or_else(|| "for ever".to_owned(), |span| span.to_string());
        write!(
            f,
            "logs {}, statistics {}, answers to messages {}, inbox {}, incidents {}",
            shown(self.logs),
            shown(self.statistics),
            shown(self.attempts),
            shown(self.inbox),
            shown(self.incidents)
        )
    }
}

/// How often or how long, or never.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Every(Option<Span>);

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        let span: Span = text.parse().map_err(|error| format!("{error}; or never"))?;
        match span.duration().is_zero() {
            true => Err(format!("{text:?}: write never, or a span")),
            false => Ok(Self(Some(span))),
        }
    }
}

/// How copies of the hub's own state are made.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct BackupSettings {
    /// Where the archives lie.
    pub(crate) folder: PathBuf,
    /// How many stay.
    pub(crate) keep: u32,
    /// How often one is made by itself; none for never.
    pub(crate) every: Option<Span>,
}

impl BackupFile {
    pub(super) fn settings(self, data: &Path, database: &Database) -> Result<BackupSettings> {
        let is_server = matches!(database, Database::Postgres(..));
        // Hubs that share a database would each copy it; who looks after the server has ways of their own.
        let every = match self.every {
            Some(Every(every)) => every,
            None => Some(Span::from_days(1)).filter(|_| !is_server),
        };
        if let Some(every) = every
            && every.duration() < Duration::from_secs(60)
        {
            return Err(invalid(format!("backup.every = \"{every}\": use 1m or more, or never")).into());
        }
        let keep = self.keep.unwrap_or(7);
        if !(1..=1_000).contains(&keep) {
            return Err(invalid(format!("backup.keep = {keep}: use 1 to 1000")).into());
        }
        Ok(BackupSettings {
            folder: match self.folder {
                Some(folder) => std::path::absolute(folder)?,
                None => data.join("backups"),
            },
            keep,
            every,
        })
    }
}

impl fmt::Display for BackupSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.every {
            Some(every) => write!(f, "every {every}")?,
            None => f.write_str("by hand only")?,
        }
        write!(f, ", the newest {} stay in {}", self.keep, self.folder.display())
    }
}

/// The database of the hub's state. Shows no password.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// A file in the data folder.
    Sqlite,
    /// A server, with its address as it may be shown.
    Postgres(Box<Postgres>, String),
}

impl Database {
    /// `sqlite`, or the URL of a PostgreSQL database.
    pub(crate) fn parse(url: &str) -> Result<Self, Coded> {
        if url == "sqlite" {
            return Ok(Self::Sqlite);
        }
        let unfit = |error: &dyn fmt::Display| invalid(format!("database: {error}"));
        let postgres = Postgres::new(url).map_err(|error| unfit(&error))?;
        let mut shown = url::Url::parse(url).map_err(|error| unfit(&error))?;
        // A password may stand in the query too.
        shown.set_query(None);
        if shown.password().is_some() && shown.set_password(None).is_err() {
            return Err(invalid("database: the URL cannot be used".to_owned()));
        }
        Ok(Self::Postgres(Box::new(postgres), shown.to_string()))
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite => f.write_str("sqlite"),
            Self::Postgres(_, shown) => f.write_str(shown),
        }
    }
}

impl Serialize for Database {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

//! The hub's configuration: defaults, then the file, then the environment, then flags.
//!
//! It holds what concerns the process only; jobs, groups, datastores and tokens live in the ledger. The tables of the
//! file are in [`parts`].

mod login;
mod parts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ironcore_ledger::model::Service;
use ironcore_types::{ErrorCode, NodeName, PluginName, Span};
use serde::{Deserialize, Serialize};

use super::heartbeat::HeartbeatSettings;
use crate::exit::Coded;

pub(crate) use login::LoginSettings;
use parts::{BackupFile, RetentionFile};
pub(crate) use parts::{
    BackupSettings, Database, EgressSettings, PluginSettings, ProxySettings, RetentionSettings, TlsSettings,
};

/// What the file may hold. Unknown keys are refused with line and column.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    listen: Option<SocketAddr>,
    public_url: Option<url::Url>,
    data: Option<PathBuf>,
    node: Option<NodeName>,
    slots: Option<usize>,
    database: Option<String>,
    roles: Option<Vec<Service>>,
    plugins: Option<PathBuf>,
    templates: Option<PathBuf>,
    commands: Option<PathBuf>,
    paused_warning: Option<Span>,
    tls: Option<TlsSettings>,
    login: LoginSettings,
    egress: EgressSettings,
    heartbeat: Option<HeartbeatSettings>,
    backup: BackupFile,
    retention: RetentionFile,
    plugin: BTreeMap<PluginName, PluginSettings>,
}

/// The configuration in force.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// Where the API listens.
    pub(crate) listen: SocketAddr,
    /// The address by which people reach the dashboard, for links in messages; where the API listens when missing.
    pub(crate) public_url: Option<url::Url>,
    /// Folder for database, keys and secrets.
    pub(crate) data: PathBuf,
    /// This machine's name in UPIDs and status.
    pub(crate) node: NodeName,
    /// Tasks done at the same time.
    pub(crate) slots: usize,
    /// Where the hub's state is.
    pub(crate) database: Database,
    /// What this process does.
    pub(crate) roles: Vec<Service>,
    /// Folder with further plugins.
    pub(crate) plugins: Option<PathBuf>,
    /// Folder with templates that take the place of the built-in ones.
    pub(crate) templates: Option<PathBuf>,
    /// Folder with the programs that jobs may run before and after their tasks.
    pub(crate) commands: PathBuf,
    /// A scheduler that is paused for longer is told as a warning.
    pub(crate) paused_warning: Span,
    /// The certificate that the API shows; none for plain HTTP on this machine alone.
    pub(crate) tls: Option<TlsSettings>,
    /// What is asked of who signs in.
    pub(crate) login: LoginSettings,
    /// What may leave the machine.
    pub(crate) egress: EgressSettings,
    /// Whom to tell that the hub lives.
    pub(crate) heartbeat: Option<HeartbeatSettings>,
    /// Copies of the hub's own state.
    pub(crate) backup: BackupSettings,
    /// For how long things are kept.
    pub(crate) retention: RetentionSettings,
    /// Grants.
    pub(crate) plugin: BTreeMap<PluginName, PluginSettings>,
}

/// What environment and flags say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Overrides<'a> {
    /// `--config`.
    pub(crate) config: Option<&'a Path>,
    /// `--listen`.
    pub(crate) listen: Option<SocketAddr>,
    /// `--data`.
    pub(crate) data: Option<&'a Path>,
    /// `--role`; none to go by the file.
    pub(crate) roles: &'a [Service],
}

/// The file that is read when none is named.
pub(crate) const DEFAULT_CONFIG: &str = "/etc/ironcore-backup/hub.toml";
/// The database's URL, for those who want no password in the file.
pub(crate) const DATABASE: &str = "IRONCORE_DATABASE";
/// The data folder when none is named.
pub(crate) const DEFAULT_DATA: &str = "/var/lib/ironcore-backup";

pub(super) fn invalid(message: String) -> Coded {
    Coded {
        code: ErrorCode::ConfigInvalid,
        message,
    }
}

impl Settings {
    /// Reads and checks everything.
    pub(crate) fn load(overrides: Overrides<'_>) -> Result<Self> {
        let file = match overrides.config {
            Some(path) => read(path)?,
            None => match default_file() {
                Some(path) => read(path)?,
                None => File::default(),
            },
        };
        let data = overrides
            .data
            .map(Path::to_owned)
            .or(file.data)
            .unwrap_or_else(|| DEFAULT_DATA.into());
        let data = std::path::absolute(data)?;
        let database = match std::env::var(DATABASE).ok().or(file.database) {
            Some(url) => Database::parse(&url)?,
            None => Database::Sqlite,
        };
        let settings = Self {
            listen: overrides
                .listen
                .or(file.listen)
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8007))),
            public_url: file.public_url,
            node: match file.node {
                Some(node) => node,
                None => this_node()?,
            },
            slots: file.slots.unwrap_or(4),
            roles: match (overrides.roles, file.roles) {
                ([], Some(roles)) => roles,
                ([], None) => Service::ALL.to_vec(),
                (roles, _) => roles.to_vec(),
            },
            plugins: file.plugins,
            templates: file.templates,
            commands: match file.commands {
                Some(folder) => std::path::absolute(folder)?,
                None => data.join("commands"),
            },
            paused_warning: file.paused_warning.unwrap_or(Span::from_secs(3600)),
            tls: file.tls.map(TlsSettings::absolute).transpose()?,
            login: file.login,
            egress: file.egress,
            heartbeat: file.heartbeat,
            backup: file.backup.settings(&data, &database)?,
            retention: file.retention.settings()?,
            plugin: file.plugin,
            database,
            data,
        };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), Coded> {
        if let Some(tls) = &self.tls {
            tls.check()?;
        } else if !self.listen.ip().is_loopback() {
            return Err(invalid(format!(
                "listen = \"{}\": without TLS the API would show tokens to the network; add a table [tls], or listen on a \
                 loopback address and let a reverse proxy with TLS stand before it",
                self.listen
            )));
        }
        if self.roles.is_empty() {
            return Err(invalid(
                "roles = []: a hub that does nothing needs no process".to_owned(),
            ));
        }
        if matches!(self.database, Database::Sqlite) && self.roles.len() < Service::ALL.len() {
            return Err(invalid(
                "roles: only one process can use SQLite, so it has to do everything; with `database = \
                 \"postgres://…\"` several can share the work"
                    .to_owned(),
            ));
        }
        if !(1..=256).contains(&self.slots) {
            return Err(invalid(format!("slots = {}: use 1 to 256", self.slots)));
        }
        if let Some(url) = &self.public_url
            && !(matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none())
        {
            return Err(invalid(format!(
                "public-url = \"{url}\": use the address of the dashboard, such as https://backup.example"
            )));
        }
        for (name, folder) in [("plugins", &self.plugins), ("templates", &self.templates)] {
            if let Some(folder) = folder
                && !folder.is_dir()
            {
                return Err(invalid(format!(
                    "{name} = \"{}\": there is no such folder",
                    folder.display()
                )));
            }
        }
        self.login.demand()?;
        self.login.providers("")?;
        ironcore_egress::AllowList::parse(&self.egress.allow)
            .map_err(|error| invalid(format!("egress.allow: {error}")))?;
        if self.paused_warning < Span::from_secs(60) {
            let set = self.paused_warning;
            return Err(invalid(format!("paused-warning = \"{set}\": use 1m or more")));
        }
        match &self.heartbeat {
            Some(_) if self.roles.iter().all(|role| !works(*role)) => Err(invalid(
                "[heartbeat]: a process that neither schedules nor runs tasks (roles \"api\" and \"notify\" alone) sends none; \
                 set it where the scheduler or a worker runs"
                    .to_owned(),
            )),
            Some(heartbeat) => heartbeat.check(&self.egress.allow),
            None => Ok(()),
        }
    }
}

/// Whether a process of this role schedules or runs tasks, so that it has something to be missed for.
fn works(role: Service) -> bool {
    !matches!(role, Service::Api | Service::Notify)
}

/// The configuration file of this machine's hub, when there is one.
pub(crate) fn default_file() -> Option<&'static Path> {
    Some(Path::new(DEFAULT_CONFIG)).filter(|path| path.exists())
}

fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
    toml::from_str(&text).map_err(|error| invalid(format!("{}: {error}", path.display())).into())
}

/// The machine's host name, made fit for a slug.
fn this_node() -> Result<NodeName> {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy().to_lowercase();
    let short = name.split('.').next().unwrap_or("hub");
    let fit: String = short
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let fit = fit
        .trim_matches('-')
        .get(..fit.trim_matches('-').len().min(63))
        .unwrap_or("hub")
        .to_owned();
    Ok(NodeName::new(if fit.is_empty() {
        "hub".to_owned()
    } else {
        fit
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Settings> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("hub.toml");
        let mut file = std::fs::File::create(&path).expect("file");
        std::io::Write::write_all(&mut file, text.as_bytes()).expect("write");
        Settings::load(Overrides {
            config: Some(&path),
            ..Overrides::default()
        })
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let error = load("slots = 2\nlisten-on = \"x\"\n")
            .expect_err("refused")
            .to_string();
        assert!(error.contains("line 2, column 1"), "{error}");
        assert!(error.contains("listen-on"), "{error}");
        assert!(error.contains("[config.invalid]"), "{error}");
    }

    #[test]
    fn flags_come_before_the_file() {
        let settings = load("listen = \"127.0.0.1:9000\"\nnode = \"a\"\n").expect("valid");
        assert_eq!(settings.listen.port(), 9000);
        assert_eq!(settings.slots, 4);
    }

    #[test]
    fn a_second_factor_is_demanded_of_roles_or_of_all() {
        let demand = |text: &str| load(&format!("[login]\nsecond-factor-for = {text}\n"));
        let of = |text: &str| demand(text).expect("valid").login.demand().expect("a demand");
        assert!(of("[\"*\"]").all);
        let some = of("[\"admin\", \"pilot\"]");
        assert!(!some.all && some.roles.len() == 2);
        let error = demand("[\"not a role\"]").expect_err("refused").to_string();
        assert!(error.contains("login.second-factor-for"), "{error}");
    }

    #[test]
    fn copies_of_the_hub_can_be_switched_off() {
        let every = |text: &str| load(text).map(|settings| settings.backup.every);
        let day = Some(Span::from_days(1));
        assert_eq!(every("").expect("valid"), day);
        assert_eq!(
            every("[backup]\nevery = \"12h\"\n").expect("valid"),
            Some(Span::from_secs(43_200))
        );
        assert_eq!(every("[backup]\nevery = \"never\"\n").expect("valid"), None);
        for wrong in [
            "every = \"often\"",
            "every = \"0s\"",
            "every = \"1s\"",
            "keep = 0",
            "keep = 1001",
        ] {
            let error = load(&format!("[backup]\n{wrong}\n"))
                .expect_err("refused")
                .to_string();
            assert!(error.contains("config.invalid"), "{error}");
        }
        // Of hubs that share a database none copies it unless it is told to.
        let server = "database = \"postgres://hub@db.example/hub\"\n";
        assert_eq!(every(server).expect("valid"), None);
        let told = format!("{server}[backup]\nevery = \"2d\"\n");
        assert_eq!(every(&told).expect("valid"), Some(Span::from_days(2)));
    }

    #[test]
    fn folders_lie_in_the_data_folder_unless_they_are_named() {
        let settings = load("data = \"/srv/hub\"\n").expect("valid");
        assert_eq!(settings.commands, Path::new("/srv/hub/commands"));
        assert_eq!(settings.backup.folder, Path::new("/srv/hub/backups"));
        let settings = load("commands = \"/etc/hub/commands\"\n[backup]\nfolder = \"/mnt/b\"\n");
        let settings = settings.expect("valid");
        assert_eq!(settings.commands, Path::new("/etc/hub/commands"));
        assert_eq!(settings.backup.folder, Path::new("/mnt/b"));
    }

    #[test]
    fn an_open_listener_without_tls_is_refused() {
        let error = load("listen = \"0.0.0.0:8007\"\n")
            .expect_err("refused")
            .to_string();
        assert!(error.contains("loopback"), "{error}");
        for tls in [
            "",
            "names = [\"backup.example\"]",
            "certificate = \"a.pem\"\nkey = \"b.pem\"",
        ] {
            let settings = load(&format!("listen = \"0.0.0.0:8007\"\n[tls]\n{tls}\n")).expect("valid");
            assert!(
                settings
                    .tls
                    .expect("TLS")
                    .certificate
                    .is_none_or(|path| path.is_absolute())
            );
        }
        for wrong in [
            "certificate = \"a\"",
            "key = \"a\"",
            "certificate = \"a\"\nkey = \"b\"\nnames = [\"c\"]",
        ] {
            let error = load(&format!("[tls]\n{wrong}\n"))
                .expect_err("refused")
                .to_string();
            assert!(error.contains("config.invalid"), "{error}");
        }
    }
}

//! A real PostgreSQL for tests: a throw-away cluster on loopback, from Debian's package or any other whose programs
//! are found. It ends with the process that started it, however that ends.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail, ensure};

/// With `IRONCORE_TEST_DATABASE=postgres`, which has the tests run once more on PostgreSQL, the URL of a new database of
/// the shared cluster.
pub fn wanted_database() -> Result<Option<String>> {
    let wanted = std::env::var("IRONCORE_TEST_DATABASE").is_ok_and(|database| database == "postgres");
    wanted.then(|| Cluster::shared()?.database()).transpose()
}

/// A cluster of its own folder and port, which trusts everybody on this machine.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    durable: bool,
    databases: AtomicU32,
    /// Waits for its standard input to end, which ends with this process at the latest; then stops the server and
    /// removes the folder.
    watchdog: Child,
}

/// Whether a cluster survives a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// It survives crashes of the server alone: what tests need.
    Fast,
    /// As in production: what figures are measured on.
    Durable,
}

impl Cluster {
    /// The one cluster of this test process, started when first asked for.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start(Safety::Fast).map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow::anyhow!("PostgreSQL did not start: {error}"))
    }

    /// Makes and starts a cluster.
    pub fn start(safety: Safety) -> Result<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new()
            .prefix("ironcore-postgres-")
            .tempdir()?
            .keep();
        let made = Self::make(programs, &folder, safety);
        if made.is_err() {
            fs::remove_dir_all(&folder).ok();
        }
        made
    }

    fn make(programs: PathBuf, folder: &Path, safety: Safety) -> Result<Self> {
        if root() {
            run(Command::new("chown").arg("postgres:").arg(folder))?;
        }
        let data = folder.join("data");
        run(server(&programs, "initdb").arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]))?;
        let watchdog = watchdog(&programs, folder)?;
        let mut cluster = Self {
            programs,
            folder: folder.to_owned(),
            port: 0,
            durable: safety == Safety::Durable,
            databases: AtomicU32::new(0),
            watchdog,
        };
        // Between finding a free port and taking it, somebody else may take it.
        for _ in 0..5 {
            cluster.port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            if cluster.launch().is_ok() {
                return Ok(cluster);
            }
        }
        let log = fs::read_to_string(cluster.folder.join("log")).unwrap_or_default();
        bail!("the server does not start:\n{log}")
    }

    fn control(&self) -> Command {
        let mut command = server(&self.programs, "pg_ctl");
        command.arg("-D").arg(self.folder.join("data")).arg("-w");
        command
    }

    fn options(&self) -> String {
        let Self { port, folder, .. } = self;
        let fsync = if self.durable { "on" } else { "off" };
        format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=300 -c fsync={fsync}",
            folder.display()
        )
    }

    /// Starts the server again after [`stop`](Self::stop).
    pub fn launch(&self) -> Result<()> {
        run(self
            .control()
            .arg("-l")
            .arg(self.folder.join("log"))
            .args(["-o", &self.options(), "start"]))
    }

    /// Stops the server as a crash would: without a word to anybody, and without writing what memory holds.
    pub fn stop(&self) -> Result<()> {
        run(self.control().args(["-m", "immediate", "stop"]))
    }

    /// A crash, and a new start.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.launch()
    }

    /// The URL of an empty database that nobody else has.
    pub fn database(&self) -> Result<String> {
        let name = format!("ledger_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        run(Command::new(self.programs.join("createdb"))
            .args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres"])
            .arg(&name))?;
        Ok(format!("postgres://postgres@127.0.0.1:{port}/{name}"))
    }

    /// Lets the server offer TLS with this certificate (PEM). What trusts everybody still does without, too.
    pub fn encrypt(&self, certificate: &str, key: &str) -> Result<()> {
        let data = self.folder.join("data");
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            let mut file = File::options()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            file.write_all(text.as_bytes())?;
            if root() {
                run(Command::new("chown").arg("postgres:").arg(&path))?;
            }
        }
        let mut config = File::options().append(true).open(data.join("postgresql.conf"))?;
        config.write_all(b"\nssl = on\n")?;
        self.restart()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        if let Err(error) = self.watchdog.wait() {
            tracing::warn!(%error, "a throw-away cluster may be left");
        }
    }
}

/// What ends the cluster when this process ends, even by SIGKILL.
fn watchdog(programs: &Path, folder: &Path) -> io::Result<Child> {
    let stop = server(programs, "pg_ctl");
    let script = r#"trap "" INT TERM HUP; folder=$1; shift
        cat >/dev/null
        "$@" -D "$folder/data" -m immediate stop >/dev/null 2>&1
        rm -rf "$folder""#;
    Command::new("sh")
        .args(["-c", script, "watchdog"])
        .arg(folder)
        .arg(stop.get_program())
        .args(stop.get_args())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        // Ctrl-C is for the tests; this goes on until they are gone.
        .process_group(0)
        .spawn()
}

/// A program of the server, run as somebody whom it accepts: PostgreSQL refuses root.
fn server(programs: &Path, name: &str) -> Command {
    let program = programs.join(name);
    let mut command = if root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where the server's programs are: the newest of Debian's, or those in PATH.
fn programs() -> Result<PathBuf> {
    let version = |folder: &Path| {
        let name = folder.file_name()?.to_str()?;
        name.parse::<u32>().ok()
    };
    let folders = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = folders
        .map(|entry| entry.path())
        .filter(|folder| folder.join("bin/initdb").exists())
        .max_by_key(|folder| version(folder));
    if let Some(folder) = newest {
        return Ok(folder.join("bin"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder| folder.join("initdb").exists())
        .context("PostgreSQL's initdb is not there: install the package postgresql")
}

fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    // The server inherits what it is given and keeps it open: a pipe would not end before it does.
    let mut errors = tempfile::tempfile()?;
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.try_clone()?)
        .status()
        .with_context(|| shown.clone())?;
    let mut text = String::new();
    errors.rewind()?;
    errors.read_to_string(&mut text)?;
    ensure!(status.success(), "{shown}: {status}: {text}");
    Ok(())
}

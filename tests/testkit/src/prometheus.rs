//! Prometheus's own programs for tests: `promtool`, which judges figures, and a push gateway on loopback. `cargo xtask test`
//! puts them under `build/tools/bin`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// How long the push gateway has to come up.
const PATIENCE: Duration = Duration::from_secs(30);

fn tool(name: &str) -> Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = workspace.join("build/tools/bin").join(name);
    if !path.exists() {
        bail!(
            "{} is missing: run cargo xtask test, which puts it there",
            path.display()
        );
    }
    Ok(path)
}

/// Fails with what `promtool check metrics` complains of, warnings included.
pub fn check_metrics(text: &str) -> Result<()> {
    let mut child = Command::new(tool("promtool")?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("standard input")?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(
        output.status.success() && said.is_empty(),
        "{}: {said}",
        output.status
    );
    Ok(())
}

/// Fails with what `promtool` complains of in a configuration of Prometheus.
pub fn check_config(path: &Path) -> Result<()> {
    let output = Command::new(tool("promtool")?)
        .args(["check", "config", "--syntax-only"])
        .arg(path)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", output.status);
    Ok(())
}

/// A push gateway, killed when dropped.
#[derive(Debug)]
pub struct PushGateway {
    child: Child,
    address: SocketAddr,
}

impl PushGateway {
    /// Starts one, and waits until it answers.
    pub fn start() -> Result<Self> {
        let program = tool("prometheus-pushgateway")?;
        // Between finding a free port and taking it, somebody else may take it.
        for _ in 0..5 {
            let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
            let child = Command::new(&program)
                .arg(format!("--web.listen-address={address}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            let mut gateway = Self { child, address };
            if gateway.is_up()? {
                return Ok(gateway);
            }
        }
        bail!("the push gateway does not start")
    }

    /// Whether it answers; false when it ended instead.
    fn is_up(&mut self) -> Result<bool> {
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            if self.get("/-/ready").is_ok_and(|answer| answer.contains(" 200 ")) {
                return Ok(true);
            }
            ensure!(began.elapsed() < PATIENCE, "the push gateway does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(false)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it shows to Prometheus.
    pub fn metrics(&self) -> Result<String> {
        let answer = self.get("/metrics")?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
        ensure!(head.contains(" 200 "), "{head}");
        Ok(body.to_owned())
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for PushGateway {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

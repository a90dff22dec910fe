//! A real OpenID provider, which signs in whoever a test names.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// The program, which is run where its packages are.
const PROGRAM: &str = include_str!("../oidc/provider.mjs");

/// The provider; it is killed when dropped.
#[derive(Debug)]
pub struct OidcProvider {
    child: Child,
    port: u16,
    /// Held open: it ends when it cannot say what it has to say.
    output: Option<BufReader<ChildStdout>>,
}

impl OidcProvider {
    /// Starts one with a client that is sent back to `back`.
    pub fn start(client: &str, secret: &str, back: &str) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/oidc");
        ensure!(
            folder.join("node_modules").exists(),
            "build/oidc is missing: run cargo xtask test, which makes it"
        );
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new("node")
            .args(["--input-type=module", "-"])
            .args([&port.to_string(), client, secret, back])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("node cannot be started")?;
        let mut input = child.stdin.take().context("standard input")?;
        let mut output = BufReader::new(child.stdout.take().context("standard output")?);
        let mut provider = Self {
            child,
            port,
            output: None,
        };
        input.write_all(PROGRAM.as_bytes())?;
        drop(input);
        let mut line = String::new();
        while line.trim() != "listening" {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                bail!("the OpenID provider ended before it listened");
            }
        }
        provider.output = Some(output);
        Ok(provider)
    }

    /// What it calls itself.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on whoever comes is this account: its claims, `sub` among them.
    pub fn account(&self, claims: &Value) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let body = claims.to_string();
        write!(
            stream,
            "POST /account HTTP/1.1\r\nHost: provider\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Ok(())
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        self.output = None;
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait().map(|_| ())) {
            tracing::warn!(%error, "the test's OpenID provider could not be ended");
        }
    }
}

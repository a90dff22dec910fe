//! A mail server that answers as a test tells it, for what real servers do not do on demand. Running Python is
//! left to `python`.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;

use crate::python::Script;

/// A mail server that answers as told (PyPI `aiosmtpd`): neither TLS nor login.
pub struct ScriptedSmtp {
    script: Script,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Replies of the scripted server, each used once and in order; after them it accepts.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct SmtpPlan {
    /// To `MAIL FROM`.
    pub mail: Vec<String>,
    /// To `RCPT TO`, by address.
    pub rcpt: std::collections::BTreeMap<String, Vec<String>>,
    /// To the end of the data.
    pub data: Vec<String>,
}

const SCRIPTED: &str = r#"
import asyncio, json, sys
from aiosmtpd.smtp import SMTP
plan = json.loads(sys.argv[1])
class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if plan["mail"]:
            return plan["mail"].pop(0)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"
    async def handle_RCPT(self, server, session, envelope, address, options):
        if plan["rcpt"].get(address):
            return plan["rcpt"][address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        if plan["data"]:
            return plan["data"].pop(0)
        print(json.dumps({"peer": session.peer[1], "to": envelope.rcpt_tos,
                          "content": envelope.content.decode("utf-8", "replace")}), flush=True)
        return "250 stored"
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"#;

/// A mail that the scripted server took.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct TakenMail {
    /// The client's port: the same for mails over one connection.
    pub peer: u16,
    /// The recipients that were accepted.
    pub to: Vec<String>,
    /// The mail's text.
    pub content: String,
}

impl ScriptedSmtp {
    /// Starts the server.
    pub fn start(plan: &SmtpPlan) -> Result<Self> {
        let plan = serde_json::to_string(plan)?;
        let mut script = Script::start(SCRIPTED, &[&plan])?;
        let port: u16 = script.line()?.parse()?;
        Ok(Self {
            script,
            address: (Ipv4Addr::LOCALHOST, port).into(),
        })
    }

    /// Waits for the next mail that it takes.
    pub fn next_mail(&mut self) -> Result<TakenMail> {
        Ok(serde_json::from_str(&self.script.line()?)?)
    }
}

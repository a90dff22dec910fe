//! Signing in at a real OpenID provider, as a browser does.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::oidc::OidcProvider;
use serde_json::{Value, json};

/// Where people reach the hub, as far as the provider knows.
const HUB: &str = "http://hub.example";
const BACK: &str = "http://hub.example/api/v1/login/oidc/corp/callback";

struct Answer {
    status: String,
    head: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.head.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A browser that keeps cookies, each for its server.
#[derive(Default)]
struct Browser(HashMap<String, HashMap<String, String>>);

impl Browser {
    fn get(&mut self, url: &str) -> Result<Answer> {
        let (server, path) = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .context("a URL")?;
        let cookies = self.0.entry(server.to_owned()).or_default();
        let sent: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut stream = TcpStream::connect(server)?;
        write!(
            stream,
            "GET /{path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\nCookie: {}\r\n\r\n",
            sent.join("; ")
        )?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").context("an answer")?;
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .context("a status")?
            .to_owned();
        let head: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let answer = Answer {
            status,
            head,
            body: body.to_owned(),
        };
        for cookie in answer.all("set-cookie") {
            let (name, value) = cookie
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .context("a pair")?;
            cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(answer)
    }

    /// Begins at the hub, and is sent about until it is sent back; where to.
    fn there(&mut self, hub: &TestHub) -> Result<String> {
        let mut url = format!("{}/api/v1/login/oidc/corp", hub.url()?);
        for _ in 0..10 {
            let answer = self.get(&url)?;
            ensure!(
                answer.status == "303" || answer.status == "302",
                "{} {}",
                answer.status,
                answer.body
            );
            let next = answer.all("location").next().context("a way on")?.to_owned();
            let server = url.split('/').take(3).collect::<Vec<_>>().join("/");
            url = if next.starts_with('/') {
                server + &next
            } else {
                next
            };
            if url.starts_with(BACK) {
                return Ok(url.replacen(HUB, &hub.url()?, 1));
            }
        }
        bail!("it is sent about for ever: {url}")
    }

    /// There and back.
    fn sign_in(&mut self, hub: &TestHub) -> Result<Answer> {
        let back = self.there(hub)?;
        self.get(&back)
    }

    fn session(&mut self, hub: &TestHub) -> Result<Value> {
        let answer = self.get(&format!("{}/api/v1/session", hub.url()?))?;
        ensure!(answer.status == "200", "{} {}", answer.status, answer.body);
        Ok(serde_json::from_str(&answer.body)?)
    }
}

fn start(provider: &OidcProvider, more: &str) -> Result<TestHub> {
    let hub = TestHub::start(&format!(
        "public-url = \"{HUB}\"\n[[login.oidc]]\nrealm = \"corp\"\ntitle = \"Corp\"\nissuer = \"{}\"\nclient-id = \"hub\"\n\
         client-secret = \"oidc-corp\"\n{more}\n",
        provider.issuer()
    ))?;
    hub.secret("oidc-corp", "a secret of both")?;
    Ok(hub)
}

#[test]
fn who_a_provider_knows_signs_in_with_the_roles_of_its_groups() -> Result<()> {
    let provider = OidcProvider::start("hub", "a secret of both", BACK)?;
    let grants = "create-users = true\n[[login.oidc.grant]]\ngroup = \"ops\"\nrole = \"operator\"\n\
        [[login.oidc.grant]]\ngroup = \"audit\"\nrole = \"auditor\"";
    let hub = start(&provider, grants)?;
    let ways = Browser::default().get(&format!("{}/api/v1/login/ways", hub.url()?))?;
    ensure!(ways.body.contains("\"Corp\""), "{}", ways.body);
    let account = |sub: &str, groups: &[&str]| {
        provider.account(
            &json!({ "sub": sub, "preferred_username": "ada", "name": "Ada", "email": "ada@corp.example",
            "groups": groups }),
        )
    };
    account("1", &["ops", "others"])?;
    let mut browser = Browser::default();
    let answer = browser.sign_in(&hub)?;
    ensure!(
        answer.status == "200" && answer.body.contains("url=/"),
        "{} {}",
        answer.status,
        answer.body
    );
    let session = browser.session(&hub)?;
    ensure!(
        session["user"] == "ada@corp" && session["role"] == "operator",
        "{session}"
    );
    let shown: Value = hub.json(&["user", "show", "ada@corp"])?;
    ensure!(
        shown["email"] == "ada@corp.example" && shown["created_by"] == "oidc@system",
        "{shown}"
    );
    ensure!(shown["password_set"].is_null());

    // Roles follow the groups, but for those that people gave.
    hub.ok(&["project", "create", "office"])
        .or_else(|_| hub.ok(&["project", "add", "office"]))?;
    hub.ok(&["user", "grant", "ada@corp", "member", "--project", "office"])?;
    account("1", &["audit"])?;
    let mut later = Browser::default();
    ensure!(later.sign_in(&hub)?.status == "200");
    ensure!(later.session(&hub)?["role"] == "auditor");
    let gone = browser.get(&format!("{}/api/v1/session", hub.url()?))?;
    ensure!(
        gone.status == "401",
        "what it was signed in with as operator: {}",
        gone.body
    );
    let shown = hub.ok(&["user", "show", "ada@corp"])?;
    ensure!(
        shown.contains("member of office") && shown.contains("auditor") && !shown.contains("operator"),
        "{shown}"
    );

    // Somebody else who was given the name is not her.
    account("2", &["ops"])?;
    let other = Browser::default().sign_in(&hub)?;
    ensure!(other.status == "409", "{} {}", other.status, other.body);
    // Without a name of her own nobody is let in.
    provider.account(&json!({ "sub": "3", "preferred_username": "root@local!x" }))?;
    ensure!(Browser::default().sign_in(&hub)?.status == "401");
    let audit = hub.ok(&["audit", "list", "--user", "oidc@system"])?;
    ensure!(
        audit.contains("grant.taken") && audit.contains("user.created"),
        "{audit}"
    );
    ensure!(!hub.log().contains("a secret of both"));
    Ok(())
}

#[test]
fn a_login_ends_in_the_browser_in_which_it_began_and_once() -> Result<()> {
    let provider = OidcProvider::start("hub", "a secret of both", BACK)?;
    let hub = start(&provider, "")?;
    provider.account(&json!({ "sub": "1", "preferred_username": "ada" }))?;
    let mut browser = Browser::default();
    // Nobody made her, and the hub does not by itself.
    let answer = browser.sign_in(&hub)?;
    ensure!(
        answer.status == "401" && answer.body.contains("ask an administrator"),
        "{}",
        answer.body
    );
    hub.ok(&["user", "create", "ada@corp", "--no-password", "--role", "auditor"])?;
    let back = browser.there(&hub)?;
    // In another browser, and with another state, it is nobody's.
    ensure!(Browser::default().get(&back)?.status == "401");
    ensure!(browser.get(&back.replace("state=", "state=0"))?.status == "401");
    let answer = browser.get(&back)?;
    ensure!(answer.status == "200", "{} {}", answer.status, answer.body);
    let again = browser.get(&back)?;
    ensure!(again.status == "401", "{} {}", again.status, again.body);
    // A hub that does not know the secret learns nothing.
    hub.secret("oidc-corp", "another")?;
    let refused = Browser::default().sign_in(&hub)?;
    ensure!(
        refused.status == "502" && refused.body.contains("auth.provider"),
        "{} {}",
        refused.status,
        refused.body
    );
    let nowhere = browser.get(&format!("{}/api/v1/login/oidc/other", hub.url()?))?;
    ensure!(nowhere.status == "404");
    Ok(())
}

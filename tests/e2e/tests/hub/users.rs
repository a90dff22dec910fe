//! Users of a real hub: made on the command line, signed in as a browser does, and written down.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use serde_json::{Value, json};

use crate::fixture::{office, small_tree};

const PASSWORD: &str = "correct horse battery";

/// Sends a request without any library that would be kinder than a browser; head and body of the answer.
fn ask(hub: &TestHub, method: &str, path: &str, headers: &str, body: &str) -> Result<(String, String)> {
    let url = hub.url()?;
    let address = url.strip_prefix("http://").context("a plain address")?;
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    Ok((head.to_owned(), body.to_owned()))
}

#[test]
fn a_new_hub_is_set_up_once_by_who_can_read_its_data_folder() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut hub = TestHub::start("")?;
    let file = hub.folder().join("data/setup.token");
    ensure!(std::fs::metadata(&file)?.permissions().mode() & 0o777 == 0o600);
    let token = std::fs::read_to_string(&file)?.trim().to_owned();
    ensure!(hub.log().contains(&format!("/setup#{token}")), "{}", hub.log());
    hub.stop()?;
    hub.resume()?;
    ensure!(hub.log().matches(&token).count() == 1, "once: {}", hub.log());
    let file = file.display().to_string();
    let set_up = |user: &str| {
        hub.cli_with(
            &["setup", user, "--setup-token", &file],
            format!("{PASSWORD}\n").as_bytes(),
        )
    };
    let made = set_up("ada")?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    ensure!(!std::path::Path::new(&file).exists(), "it is of no use any more");
    let again = set_up("eve")?;
    ensure!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("setup.token"));
    let body = json!({ "token": token, "user": "eve", "password": PASSWORD }).to_string();
    let (head, said) = ask(&hub, "POST", "/api/v1/setup", "", &body)?;
    ensure!(
        head.starts_with("HTTP/1.1 409") && said.contains("is set up"),
        "{head} {said}"
    );
    let login = json!({ "user": "ada", "password": PASSWORD }).to_string();
    let (head, said) = ask(&hub, "POST", "/api/v1/login", "", &login)?;
    ensure!(
        head.starts_with("HTTP/1.1 200") && said.contains("\"admin\""),
        "{head} {said}"
    );
    let told = hub.ok(&["audit", "list"])?;
    ensure!(told.contains("setup@system") && !told.contains(&token), "{told}");
    hub.stop()?;
    hub.resume()?;
    ensure!(!std::path::Path::new(&file).exists() && hub.log().matches("/setup#").count() == 1);
    Ok(())
}

#[test]
fn the_local_administrator_stays_revoked() -> Result<()> {
    let mut hub = TestHub::start("")?;
    hub.keep_port()?;
    let list: Value = hub.json(&["token", "list"])?;
    let name = list["tokens"][0]["user"].as_str().context("a token")?.to_owned();
    hub.ok(&["token", "revoke", &name])?;
    hub.stop()?;
    hub.resume()?;
    let refused = hub.cli(&["token", "list"])?;
    ensure!(
        refused.status.code() == Some(4),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
    ensure!(hub.log().contains("was revoked, and stays so"), "{}", hub.log());
    hub.stop()?;
    std::fs::remove_file(hub.token_file())?;
    hub.resume()?;
    hub.ok(&["token", "list"])?;
    Ok(())
}

/// The code of a second factor at this moment, by another implementation than the hub's.
fn code(secret: &str) -> Result<String> {
    let program = "import base64, hashlib, hmac, struct, sys, time\n\
        key = base64.b32decode(sys.argv[1])\n\
        tag = hmac.new(key, struct.pack('>q', int(time.time()) // 30), hashlib.sha1).digest()\n\
        at = tag[-1] & 15\n\
        print('%06d' % ((struct.unpack('>I', tag[at:at + 4])[0] & 0x7fffffff) % 10 ** 6))";
    let made = Command::new("python3").args(["-c", program, secret]).output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Ok(String::from_utf8(made.stdout)?.trim().to_owned())
}

#[test]
fn a_second_factor_is_set_up_and_taken_away_on_the_command_line() -> Result<()> {
    let hub = TestHub::start("")?;
    let create = ["user", "create", "alice@local", "--role", "operator"];
    let made = hub.cli_with(&create, format!("{PASSWORD}\n").as_bytes())?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut child = hub.spawn(&["user", "second-factor", "set", "alice@local", "--output", "json"])?;
    let mut input = child.stdin.take().context("standard input")?;
    writeln!(input, "{PASSWORD}")?;
    let mut told = BufReader::new(child.stderr.take().context("standard error")?);
    let (mut said, mut secret) = (String::new(), None);
    while secret.is_none() && told.read_line(&mut said)? > 0 {
        let line = said.lines().last().unwrap_or_default().trim();
        secret = Some(line.to_owned()).filter(|line| line.len() == 32 && !line.contains(' '));
    }
    let secret = secret.with_context(|| format!("no secret: {said}"))?;
    writeln!(input, "{}", code(&secret)?)?;
    drop(input);
    let done = child.wait_with_output()?;
    ensure!(done.status.success(), "{said}");
    let codes: Value = serde_json::from_slice(&done.stdout)?;
    ensure!(
        codes["recovery_codes"].as_array().map(Vec::len) == Some(10),
        "{codes}"
    );

    let login = json!({ "user": "alice", "password": PASSWORD }).to_string();
    let (head, _) = ask(&hub, "POST", "/api/v1/login", "", &login)?;
    ensure!(
        head.starts_with("HTTP/1.1 202") && !head.contains("set-cookie"),
        "{head}"
    );
    let shown = hub.ok(&["user", "show", "alice@local"])?;
    ensure!(shown.contains("Second factor since"), "{shown}");
    hub.ok(&["user", "second-factor", "remove", "alice@local", "--yes"])?;
    let (head, _) = ask(&hub, "POST", "/api/v1/login", "", &login)?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
    let everything = hub.ok(&["audit", "list", "--output", "json"])? + &hub.log();
    ensure!(everything.contains("user.factor-removed") && !everything.contains(&secret));
    Ok(())
}

#[test]
fn a_user_is_made_signs_in_and_leaves_a_trace() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    let create = [
        "user",
        "create",
        "alice@local",
        "--name",
        "Alice",
        "--role",
        "member",
        "--project",
        "office",
    ];
    let short = hub.cli_with(&create, b"short\n")?;
    let said = String::from_utf8_lossy(&short.stderr);
    ensure!(
        !short.status.success() && said.contains("12 characters"),
        "{said}"
    );
    let made = hub.cli_with(&create, format!("{PASSWORD}\n").as_bytes())?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    hub.ok(&[
        "role",
        "set",
        "pilot",
        "--rights",
        "run-jobs,pause-jobs",
        "--comment",
        "flies",
    ])?;
    hub.ok(&["user", "grant", "alice@local", "pilot", "--project", "office"])?;
    let list = hub.ok(&["user", "list"])?;
    ensure!(
        list.contains("member of office, pilot of office") && !list.contains("argon2"),
        "{list}"
    );

    let login = json!({ "user": "alice", "password": PASSWORD }).to_string();
    let (head, body) = ask(&hub, "POST", "/api/v1/login", "", &login)?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{head} {body}");
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .and_then(|cookie| cookie.split(';').next())
        .context("a cookie")?;
    let csrf = serde_json::from_str::<Value>(&body)?["csrf_token"]
        .as_str()
        .context("a token")?
        .to_owned();
    let run = |headers: &str| ask(&hub, "POST", "/api/v1/jobs/office/files/run", headers, "{}");
    let (head, _) = run(&format!("Cookie: {cookie}\r\n"))?;
    ensure!(
        head.starts_with("HTTP/1.1 403"),
        "a page of somebody else's: {head}"
    );
    let (head, body) = run(&format!("Cookie: {cookie}\r\nX-CSRF-Token: {csrf}\r\n"))?;
    ensure!(head.starts_with("HTTP/1.1 20"), "{head} {body}");
    let tasks = hub.ok(&["task", "list", "--user", "alice@local", "--output", "json"])?;
    ensure!(tasks.contains("alice@local"), "{tasks}");

    // The password is changed by an administrator, which signs her out.
    let changed = hub.cli_with(&["user", "password", "alice@local"], b"another horse battery\n")?;
    ensure!(changed.status.success());
    let (head, _) = run(&format!("Cookie: {cookie}\r\nX-CSRF-Token: {csrf}\r\n"))?;
    ensure!(head.starts_with("HTTP/1.1 401"), "{head}");
    hub.ok(&["user", "take", "alice@local", "pilot", "--project", "office"])?;
    hub.ok(&["role", "remove", "pilot", "--yes"])?;
    hub.ok(&["user", "remove", "alice@local", "--yes"])?;
    let audit: Value = hub.json(&["audit", "list"])?;
    let entries = audit["entries"].as_array().context("entries")?;
    let actions: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    ensure!(
        actions
            == [
                "user.removed",
                "role.removed",
                "grant.taken",
                "user.changed",
                "grant.made",
                "role.created",
                "grant.made",
                "user.created"
            ],
        "{actions:?}"
    );
    ensure!(
        entries.iter().all(|entry| entry["address"] == "127.0.0.1"),
        "{audit}"
    );
    let told = hub.ok(&["audit", "list", "--object", "user/"])?;
    ensure!(
        told.contains("user.changed") && !told.contains("role.created"),
        "{told}"
    );
    // Neither the log nor the database's text knows what was typed.
    ensure!(!hub.log().contains(PASSWORD) && !audit.to_string().contains("horse"));
    Ok(())
}

//! The consumers of `examples/webhook-consumers` against requests that the hub signed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use ironcore_testkit::events::of_type;
use ironcore_testkit::python;
use ironcore_testkit::webhook::{Received, WebhookReceiver};
use ironcore_types::EventType;
use serde_json::{Value, json};

use crate::targets::clock_of_today;
use crate::world::World;

#[expect(unreachable_pub, reason = "in a consumer's own crate it can be reached")]
#[path = "../../../../examples/webhook-consumers/verify.rs"]
mod verify;
#[expect(unreachable_pub, reason = "in a consumer's own crate it can be reached")]
#[path = "../../../../examples/webhook-consumers/verify_ed25519.rs"]
mod verify_ed25519;

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The first key of RFC 8032, section 7.1.
const PRIVATE: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
/// The public key of the second.
const OTHER_PUBLIC: &str = "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
const OTHER: &str = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVy";

/// A request as a consumer sees it, and the time there.
struct Case {
    what: &'static str,
    secrets: Vec<&'static str>,
    request: Received,
    now: u64,
    valid: bool,
}

impl Case {
    fn json(&self) -> Value {
        let headers: serde_json::Map<String, Value> = self
            .request
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        json!({ "secrets": self.secrets, "headers": headers, "body": self.request.body, "now": self.now })
    }
}

/// The secrets that a consumer may have, and which of them signed.
struct Keys {
    first: &'static str,
    second: Option<&'static str>,
    other: &'static str,
}

const SHARED: Keys = Keys {
    first: NEW,
    second: Some(OLD),
    other: OTHER,
};
const ASYMMETRIC: Keys = Keys {
    first: PUBLIC,
    second: None,
    other: OTHER_PUBLIC,
};

/// A request that is signed with a private key and two shared ones, and what somebody could have made of it.
async fn cases(known: &Keys) -> Result<Vec<Case>> {
    let (first, other) = (known.first, known.other);
    let second = known.second.unwrap_or(first);
    let receiver = WebhookReceiver::start().await?;
    let keys = json!([{ "secret": "private" }, { "secret": "new" }, { "secret": "old" }]);
    let handler = json!([{
        "name": "hook", "plugin": "webhook", "config": { "url": receiver.url(), "signing-secret": keys },
    }]);
    let mut world = World::new(
        clock_of_today()?,
        &handler,
        &[("private", PRIVATE), ("old", OLD), ("new", NEW)],
    )
    .await?;
    world.start()?;
    world.tell(&of_type(EventType::TaskFailed)).await?;
    world.delivered(1).await?;
    world.stop().await?;
    let request = receiver.received().pop().context("a request")?;
    let now: u64 = request
        .header("webhook-timestamp")
        .context("a timestamp")?
        .parse()?;
    let case = |what, secrets: &[&'static str], valid| Case {
        what,
        secrets: secrets.to_vec(),
        request: request.clone(),
        now,
        valid,
    };
    let without = |name: &str| {
        let mut request = request.clone();
        request.headers.retain(|(known, _)| known != name);
        request
    };
    let mut longer = request.clone();
    longer.body.push(b' ');
    let mut renamed = without("webhook-id");
    renamed
        .headers
        .push(("webhook-id".to_owned(), "another".to_owned()));
    Ok(vec![
        case("the first key", &[first], true),
        case("the second key", &[second], true),
        case("one of two", &[other, second], true),
        case("another key", &[other], false),
        Case {
            request: longer,
            ..case("a changed body", &[first], false)
        },
        Case {
            request: renamed,
            ..case("another id", &[first], false)
        },
        Case {
            request: without("webhook-signature"),
            ..case("no signature", &[first], false)
        },
        Case {
            request: without("webhook-timestamp"),
            ..case("no timestamp", &[first], false)
        },
        Case {
            now: now + 299,
            ..case("nearly too old", &[first], true)
        },
        Case {
            now: now + 301,
            ..case("too old", &[first], false)
        },
        Case {
            now: now - 301,
            ..case("of the future", &[first], false)
        },
    ])
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/webhook-consumers")
        .join(name)
}

/// What a script answers to all cases: an id, or null for what it refuses.
fn check(language: &str, cases: &[Case], answers: &[Option<String>]) -> Result<()> {
    ensure!(answers.len() == cases.len(), "{language}: {answers:?}");
    for (case, answer) in cases.iter().zip(answers) {
        let wanted = case.valid.then(|| case.request.header("webhook-id")).flatten();
        ensure!(
            answer.as_deref() == wanted,
            "{language}, {}: {answer:?}",
            case.what
        );
    }
    Ok(())
}

fn input(file: &Path, cases: &[Case]) -> String {
    let cases: Vec<Value> = cases.iter().map(Case::json).collect();
    json!({ "file": file, "cases": cases }).to_string()
}

/// What a consumer in Python makes of the cases.
fn in_python(file: &str, cases: &[Case]) -> Result<()> {
    const SCRIPT: &str = "
import importlib.util, json, sys
given = json.load(sys.stdin)
spec = importlib.util.spec_from_file_location('verify', given['file'])
module = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(module)
def answer(case):
    try:
        return module.verify(case['secrets'], case['headers'], bytes(case['body']), now=case['now'])
    except ValueError:
        return None
print(json.dumps([answer(case) for case in given['cases']]))
";
    let answers = python::run(SCRIPT, input(&example(file), cases).as_bytes())?;
    check(
        file,
        cases,
        &serde_json::from_str::<Vec<Option<String>>>(&answers)?,
    )
}

/// What a consumer in JavaScript makes of the cases.
fn in_javascript(file: &str, cases: &[Case]) -> Result<()> {
    const SCRIPT: &str = "
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
const given = JSON.parse(readFileSync(0, 'utf8'));
const { verify } = await import(pathToFileURL(given.file));
const answer = ({ secrets, headers, body, now }) => {
  try { return verify(secrets, headers, Buffer.from(body), now); } catch { return null; }
};
console.log(JSON.stringify(given.cases.map(answer)));
";
    let mut node = Command::new("node")
        .args(["--input-type=module", "--eval", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("Node 20 is needed")?;
    let input = input(&example(file), cases);
    node.stdin
        .take()
        .context("standard input")?
        .write_all(input.as_bytes())?;
    let output = node.wait_with_output()?;
    ensure!(output.status.success(), "node: {}", output.status);
    check(
        file,
        cases,
        &serde_json::from_slice::<Vec<Option<String>>>(&output.stdout)?,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consumers_in_python_take_what_is_signed_and_nothing_else() -> Result<()> {
    in_python("verify.py", &cases(&SHARED).await?)?;
    in_python("verify_ed25519.py", &cases(&ASYMMETRIC).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consumers_in_javascript_take_what_is_signed_and_nothing_else() -> Result<()> {
    in_javascript("verify.mjs", &cases(&SHARED).await?)?;
    in_javascript("verify_ed25519.mjs", &cases(&ASYMMETRIC).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consumers_in_rust_take_what_is_signed_and_nothing_else() -> Result<()> {
    let shared = cases(&SHARED).await?;
    let answers: Vec<Option<String>> = shared
        .iter()
        .map(|case| {
            let header = |name: &str| case.request.header(name);
            let id = verify::verify(&case.secrets, header, &case.request.body, case.now);
            id.ok().map(str::to_owned)
        })
        .collect();
    check("verify.rs", &shared, &answers)?;
    let asymmetric = cases(&ASYMMETRIC).await?;
    let answers: Vec<Option<String>> = asymmetric
        .iter()
        .map(|case| {
            let header = |name: &str| case.request.header(name);
            let id = verify_ed25519::verify(&case.secrets, header, &case.request.body, case.now);
            id.ok().map(str::to_owned)
        })
        .collect();
    check("verify_ed25519.rs", &asymmetric, &answers)
}

//! Second factors: set up, asked for, used once, counted, removed. Codes are made by Python, not by the hub's own code.

use std::process::Command;

use axum::http::{Method, StatusCode};
use ironcore_ledger::model::Role;
use serde_json::{Value, json};

use crate::setup::{Answer, Hub};
use crate::users::{PASSWORD, alice, browse, kept, sign_in};

/// The code of a secret at a time.
fn code(secret: &str, seconds: i64) -> String {
    let program = "import base64, hashlib, hmac, struct, sys\n\
        key = base64.b32decode(sys.argv[1])\n\
        tag = hmac.new(key, struct.pack('>q', int(sys.argv[2]) // 30), hashlib.sha1).digest()\n\
        at = tag[-1] & 15\n\
        print('%06d' % ((struct.unpack('>I', tag[at:at + 4])[0] & 0x7fffffff) % 10 ** 6))";
    let made = Command::new("python3")
        .args(["-c", program, secret, &seconds.to_string()])
        .output()
        .expect("python3");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("text").trim().to_owned()
}

/// A hub where Alice has a second factor; its secret, her recovery codes, and what her browser has.
struct Set {
    hub: Hub,
    admin: String,
    secret: String,
    recovery: Vec<String>,
    browser: (String, String),
}

impl Set {
    async fn up() -> Self {
        let hub = Hub::start().await;
        let admin = hub.token(Role::Admin, None).await;
        alice(&hub, &admin).await;
        let browser = kept(&sign_in(&hub, "alice", PASSWORD).await);
        let mut set = Self {
            hub,
            admin,
            secret: String::new(),
            recovery: Vec::new(),
            browser,
        };
        set.own("", json!({ "password": "wrong horse battery" }))
            .await
            .expect(StatusCode::UNAUTHORIZED);
        let proposed = set.own("", json!({ "password": PASSWORD })).await;
        let proposed = proposed.expect(StatusCode::CREATED);
        proposed["secret"]
            .as_str()
            .expect("a secret")
            .clone_into(&mut set.secret);
        let url = proposed["url"].as_str().expect("a URL");
        assert!(url.contains(&format!("secret={}&", set.secret)), "{url}");
        // It is not asked for before a code of it was shown.
        assert_eq!(sign_in(&set.hub, "alice", PASSWORD).await.status, StatusCode::OK);
        set.own("/confirm", json!({ "code": "000000" }))
            .await
            .expect(StatusCode::UNAUTHORIZED);
        let confirmed = set.own("/confirm", json!({ "code": set.now() })).await;
        let confirmed = confirmed.expect(StatusCode::OK);
        let codes = confirmed["recovery_codes"].as_array().expect("codes");
        set.recovery = codes
            .iter()
            .filter_map(|code| Some(code.as_str()?.to_owned()))
            .collect();
        assert_eq!(set.recovery.len(), 10);
        set
    }

    fn now(&self) -> String {
        code(&self.secret, self.hub.seams.now().as_seconds())
    }

    async fn own(&self, path: &str, body: Value) -> Answer {
        let path = format!("/api/v1/session/second-factor{path}");
        let (cookie, csrf) = &self.browser;
        browse(&self.hub, Method::POST, &path, cookie, Some(csrf), Some(body)).await
    }

    /// Shows the password; what is gone on with.
    async fn step(&self) -> String {
        let answer = sign_in(&self.hub, "alice", PASSWORD).await;
        assert!(!answer.head.contains_key("set-cookie"), "not yet");
        let wanted = answer.expect(StatusCode::ACCEPTED);
        assert_eq!(wanted["set_up"], false);
        wanted["step"].as_str().expect("a step").to_owned()
    }

    async fn go_on(&self, step: &str, code: &str) -> Answer {
        go_on(&self.hub, step, code).await
    }
}

async fn go_on(hub: &Hub, step: &str, code: &str) -> Answer {
    let body = json!({ "step": step, "code": code });
    hub.ask(Method::POST, "/api/v1/login/second-factor", None, Some(body))
        .await
}

#[tokio::test]
async fn a_code_is_asked_for_and_used_once() {
    let set = Set::up().await;
    let step = set.step().await;
    // What was shown to set it up is used up.
    set.go_on(&step, &set.now())
        .await
        .expect(StatusCode::UNAUTHORIZED);
    set.hub.clock.forward(30);
    let (code, answer) = (set.now(), set.go_on(&step, &set.now()).await);
    let (cookie, _) = kept(&answer);
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let session = browse(&set.hub, Method::GET, "/api/v1/session", &cookie, None, None).await;
    assert_eq!(session.expect(StatusCode::OK)["user"], "alice@local");
    // Neither the step nor the code is good twice, and a step is no token.
    set.hub.clock.forward(30);
    set.go_on(&step, &set.now())
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let step = set.step().await;
    set.go_on(&step, &code).await.expect(StatusCode::UNAUTHORIZED);
    set.hub
        .get("/api/v1/session", &step)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    // A step is over after five minutes.
    set.hub.clock.forward(300);
    set.go_on(&step, &set.now())
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let shown = set.hub.get("/api/v1/users/alice@local", &set.admin).await;
    assert!(shown.expect(StatusCode::OK)["second_factor"].is_string());
    // Nothing of it is in what is written down or told.
    let audit = set
        .hub
        .get("/api/v1/audit", &set.admin)
        .await
        .expect(StatusCode::OK)
        .to_string();
    let events = set
        .hub
        .get("/api/v1/events", &set.admin)
        .await
        .expect(StatusCode::OK)
        .to_string();
    assert!(
        audit.contains("user.factor-set") && events.contains("has set up a second factor"),
        "{events}"
    );
    for text in [&audit, &events] {
        assert!(
            !text.contains(&set.secret) && !text.contains(&set.recovery[0]),
            "{text}"
        );
    }
}

#[tokio::test]
async fn wrong_codes_lock_the_name_whatever_password_is_shown() {
    let set = Set::up().await;
    let step = set.step().await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(set.go_on(&step, "000000").await.status.as_u16());
    }
    // That the password is right begins the count anew no more than a code that was never good.
    let step = set.step().await;
    for code in ["abcd-efgh-ijkl-mnop", "000000"] {
        statuses.push(set.go_on(&step, code).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 429]);
    set.hub.clock.forward(30);
    set.go_on(&step, &set.now())
        .await
        .expect(StatusCode::TOO_MANY_REQUESTS);
    sign_in(&set.hub, "alice", PASSWORD)
        .await
        .expect(StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_recovery_code_stands_in_once() {
    let set = Set::up().await;
    let step = set.step().await;
    let typed = set.recovery[3].to_uppercase().replace('-', " ");
    assert_eq!(set.go_on(&step, &typed).await.status, StatusCode::OK);
    let (cookie, _) = &set.browser;
    let own = browse(
        &set.hub,
        Method::GET,
        "/api/v1/session/second-factor",
        cookie,
        None,
        None,
    )
    .await;
    let own = own.expect(StatusCode::OK);
    assert_eq!(
        (&own["recovery_codes"], &own["demanded"]),
        (&json!(9), &json!(false))
    );
    let step = set.step().await;
    set.go_on(&step, &typed).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(set.go_on(&step, &set.recovery[4]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn it_is_removed_with_password_and_code_or_by_an_administrator() {
    let set = Set::up().await;
    set.hub.clock.forward(30);
    let path = "/remove";
    let with = |password: &str, code: &str| json!({ "password": password, "code": code });
    set.own(path, with("wrong horse battery", &set.now()))
        .await
        .expect(StatusCode::UNAUTHORIZED);
    set.own(path, with(PASSWORD, "000000"))
        .await
        .expect(StatusCode::UNAUTHORIZED);
    set.own("", json!({ "password": PASSWORD }))
        .await
        .expect(StatusCode::CONFLICT);
    let gone = set.own(path, with(PASSWORD, &set.now())).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    set.own("", json!({ "password": PASSWORD }))
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&set.hub, "alice", PASSWORD).await.status, StatusCode::OK);

    let set = Set::up().await;
    let path = "/api/v1/users/alice@local/second-factor";
    let member = set.hub.token(Role::Member, Some("demo")).await;
    set.hub
        .ask(Method::DELETE, path, Some(&member), None)
        .await
        .expect(StatusCode::FORBIDDEN);
    let taken = set.hub.ask(Method::DELETE, path, Some(&set.admin), None).await;
    assert_eq!(taken.status, StatusCode::NO_CONTENT);
    assert_eq!(sign_in(&set.hub, "alice", PASSWORD).await.status, StatusCode::OK);
    let audit = set
        .hub
        .get("/api/v1/audit?limit=1", &set.admin)
        .await
        .expect(StatusCode::OK);
    assert_eq!(audit["entries"][0]["action"], "user.factor-removed");
}

#[tokio::test]
async fn who_has_to_have_one_sets_it_up_on_the_way_in() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let carol = json!({ "user": "carol@local", "password": PASSWORD, "grants": [{ "role": "auditor" }] });
    hub.post("/api/v1/users", &admin, carol)
        .await
        .expect(StatusCode::CREATED);
    let wanted = sign_in(&hub, "carol", PASSWORD)
        .await
        .expect(StatusCode::ACCEPTED);
    assert_eq!(wanted["set_up"], true);
    let step = wanted["step"].as_str().expect("a step");
    go_on(&hub, step, "123456").await.expect(StatusCode::UNAUTHORIZED);
    let new = "/api/v1/login/second-factor/new";
    let body = Some(json!({ "step": step }));
    let proposed = hub
        .ask(Method::POST, new, None, body.clone())
        .await
        .expect(StatusCode::CREATED);
    let secret = proposed["secret"].as_str().expect("a secret");
    let answer = go_on(&hub, step, &code(secret, hub.seams.now().as_seconds())).await;
    let (cookie, csrf) = kept(&answer);
    assert_eq!(
        answer.expect(StatusCode::OK)["recovery_codes"]
            .as_array()
            .map(Vec::len),
        Some(10)
    );
    hub.ask(Method::POST, new, None, body)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    hub.clock.forward(30);
    let body = json!({ "password": PASSWORD, "code": code(secret, hub.seams.now().as_seconds()) });
    let path = "/api/v1/session/second-factor/remove";
    browse(&hub, Method::POST, path, &cookie, Some(&csrf), Some(body))
        .await
        .expect(StatusCode::CONFLICT);

    // Who got such a role later does not act by it without one.
    alice(&hub, &admin).await;
    let (cookie, csrf) = kept(&sign_in(&hub, "alice", PASSWORD).await);
    hub.post(
        "/api/v1/users/alice@local/grants",
        &admin,
        json!({ "role": "auditor" }),
    )
    .await
    .expect(StatusCode::CREATED);
    let role = Some(json!({ "role": "auditor" }));
    browse(
        &hub,
        Method::POST,
        "/api/v1/session/switch",
        &cookie,
        Some(&csrf),
        role,
    )
    .await
    .problem(StatusCode::FORBIDDEN, "auth.second-factor");
}

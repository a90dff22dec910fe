//! Users and what they may do; signing in, and what a cookie is good for.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use ironcore_ledger::model::Role;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::setup::{Answer, Hub, SET_UP};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Alice, a member of `demo` and an operator of the hub.
pub(crate) async fn alice(hub: &Hub, admin: &str) {
    let alice = json!({
        "user": "alice@local", "name": "Alice", "password": PASSWORD,
        "grants": [{ "role": "member", "project": "demo" }, { "role": "operator" }],
    });
    let made = hub
        .post("/api/v1/users", admin, alice)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(made["grants"].as_array().map(Vec::len), Some(2), "{made}");
    assert!(!made.to_string().contains("argon"), "{made}");
}

pub(crate) async fn sign_in(hub: &Hub, user: &str, password: &str) -> Answer {
    let body = json!({ "user": user, "password": password });
    hub.ask(Method::POST, "/api/v1/login", None, Some(body)).await
}

/// What the browser keeps of an answer, and the token that pages send.
pub(crate) fn kept(answer: &Answer) -> (String, String) {
    let cookie = answer.head[header::SET_COOKIE].to_str().expect("text");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let body: Value = serde_json::from_str(&answer.text).expect("JSON");
    (cookie, body["csrf_token"].as_str().expect("a token").to_owned())
}

/// Asks as a browser does; `csrf` is what the hub's own pages send.
pub(crate) async fn browse(
    hub: &Hub,
    method: Method,
    path: &str,
    cookie: &str,
    csrf: Option<&str>,
    body: Option<Value>,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, cookie);
    if let Some(csrf) = csrf {
        request = request.header("X-CSRF-Token", csrf);
    }
    let body = match body {
        None => Body::empty(),
        Some(value) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(value.to_string())
        }
    };
    hub.answer(request.body(body).expect("a request")).await
}

#[tokio::test]
async fn a_user_signs_in_acts_by_one_role_and_signs_out() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    alice(&hub, &admin).await;
    let answer = sign_in(&hub, "alice", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let set = answer.head[header::SET_COOKIE].to_str().expect("text");
    assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
    let (cookie, csrf) = kept(&answer);
    assert!(
        !answer.text.contains(cookie.split('=').nth(1).expect("a secret")),
        "no script reads it"
    );

    // On the hub first, for that role is the stronger one.
    let path = "/api/v1/session";
    let session = browse(&hub, Method::GET, path, &cookie, None, None)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&session["user"], &session["role"]),
        (&json!("alice@local"), &json!("operator"))
    );
    let shown = browse(&hub, Method::GET, "/api/v1/login", &cookie, None, None)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        shown["csrf_token"],
        json!(csrf),
        "a page that is loaded again knows it"
    );

    // What changes something needs what only the hub's own pages know.
    let pause = "/api/v1/scheduler/pause";
    for wrong in [None, Some("x"), Some("")] {
        browse(&hub, Method::POST, pause, &cookie, wrong, None)
            .await
            .expect(StatusCode::FORBIDDEN);
    }
    browse(&hub, Method::POST, pause, &cookie, Some(&csrf), None)
        .await
        .expect(StatusCode::OK);

    let grants = browse(&hub, Method::GET, "/api/v1/session/grants", &cookie, None, None).await;
    assert_eq!(grants.expect(StatusCode::OK).as_array().map(Vec::len), Some(2));
    let switch = async |role: Value| {
        browse(
            &hub,
            Method::POST,
            "/api/v1/session/switch",
            &cookie,
            Some(&csrf),
            Some(role),
        )
        .await
    };
    switch(json!({ "role": "admin" }))
        .await
        .expect(StatusCode::NOT_FOUND);
    let member = json!({ "role": "member", "project": "demo" });
    assert_eq!(switch(member).await.status, StatusCode::NO_CONTENT);
    let session = browse(&hub, Method::GET, path, &cookie, None, None)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&session["role"], &session["project"]),
        (&json!("member"), &json!("demo"))
    );
    browse(&hub, Method::POST, pause, &cookie, Some(&csrf), None)
        .await
        .expect(StatusCode::FORBIDDEN);
    browse(
        &hub,
        Method::GET,
        "/api/v1/jobs/zebra/zebra-job",
        &cookie,
        None,
        None,
    )
    .await
    .expect(StatusCode::NOT_FOUND);

    let out = browse(&hub, Method::POST, "/api/v1/logout", &cookie, Some(&csrf), None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(
        out.head[header::SET_COOKIE]
            .to_str()
            .expect("text")
            .contains("Max-Age=0")
    );
    browse(&hub, Method::GET, path, &cookie, None, None)
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_passwords_tell_nothing_and_lock_the_name() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    alice(&hub, &admin).await;
    // Whether there is such a user shows neither in the words nor later in the lock.
    let mut said = Vec::new();
    for user in ["alice@local", "mallory@local"] {
        let mut words = Vec::new();
        for _ in 0..6 {
            let answer = sign_in(&hub, user, "incorrect horse battery").await;
            let body: Value = serde_json::from_str(&answer.text).expect("JSON");
            let detail = body["detail"].as_str().expect("words").replace(user, "USER");
            words.push((answer.status, detail));
        }
        said.push(words);
    }
    assert_eq!(said[0], said[1]);
    let statuses: Vec<u16> = said[0].iter().map(|(status, _)| status.as_u16()).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 429, 429]);
    hub.clock.forward(100);
    let locked = sign_in(&hub, "alice", PASSWORD).await;
    assert_eq!(
        locked.head[header::RETRY_AFTER],
        "800",
        "as long as the lock lasts"
    );
    locked.expect(StatusCode::TOO_MANY_REQUESTS);
    let events = hub
        .get("/api/v1/events", &admin)
        .await
        .expect(StatusCode::OK)
        .to_string();
    assert!(
        events.contains("Log-in as alice@local") && !events.contains("mallory"),
        "{events}"
    );
    let shown = hub
        .get("/api/v1/users/alice@local", &admin)
        .await
        .expect(StatusCode::OK);
    assert!(shown["locked_until"].is_string(), "{shown}");
    hub.clock.forward(15 * 60);
    assert_eq!(sign_in(&hub, "alice", PASSWORD).await.status, StatusCode::OK);
    // Tokens, and who may do nothing, do not sign in.
    sign_in(&hub, "alice@local!laptop", PASSWORD)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let nobody = json!({ "user": "nobody@local", "password": PASSWORD });
    hub.post("/api/v1/users", &admin, nobody)
        .await
        .expect(StatusCode::CREATED);
    sign_in(&hub, "nobody", PASSWORD)
        .await
        .expect(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn passwords_are_changed_by_their_users_and_by_administrators() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    alice(&hub, &admin).await;
    for weak in ["short", "alice-alice-alice", "aaaaaaaaaaaaaaaa"] {
        let body = json!({ "password": weak });
        hub.ask(
            Method::PATCH,
            "/api/v1/users/alice@local",
            Some(&admin),
            Some(body),
        )
        .await
        .expect(StatusCode::BAD_REQUEST);
    }
    let (cookie, csrf) = kept(&sign_in(&hub, "alice", PASSWORD).await);
    let own = async |old: &str, new: &str| {
        let body = json!({ "old": old, "new": new });
        browse(
            &hub,
            Method::POST,
            "/api/v1/session/password",
            &cookie,
            Some(&csrf),
            Some(body),
        )
        .await
        .status
    };
    assert_eq!(
        own("wrong", "another horse battery").await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(own(PASSWORD, "short").await, StatusCode::BAD_REQUEST);
    assert_eq!(
        own(PASSWORD, "another horse battery").await,
        StatusCode::NO_CONTENT
    );
    browse(&hub, Method::GET, "/api/v1/session", &cookie, None, None)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    sign_in(&hub, "alice", PASSWORD)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let (cookie, _) = kept(&sign_in(&hub, "alice", "another horse battery").await);
    let off = json!({ "enabled": false });
    hub.ask(
        Method::PATCH,
        "/api/v1/users/alice@local",
        Some(&admin),
        Some(off),
    )
    .await
    .expect(StatusCode::OK);
    browse(&hub, Method::GET, "/api/v1/session", &cookie, None, None)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    sign_in(&hub, "alice", "another horse battery")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    // A token neither signs out nor has a password.
    hub.post("/api/v1/logout", &admin, json!({}))
        .await
        .expect(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn who_may_do_what_is_changed_by_administrators_alone_and_written_down() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    alice(&hub, &admin).await;
    for (role, project, reads) in [
        (Role::Operator, None, false),
        (Role::Auditor, None, true),
        (Role::Admin, Some("demo"), false),
        (Role::Member, Some("demo"), false),
    ] {
        let secret = hub.token(role, project).await;
        for path in [
            "/api/v1/users",
            "/api/v1/users/alice@local",
            "/api/v1/roles",
            "/api/v1/audit",
        ] {
            let seen = hub.get(path, &secret).await.status == StatusCode::OK;
            assert_eq!(seen, reads, "{role} {project:?} {path}");
        }
        let role = json!({ "rights": ["configure"] });
        let put = hub
            .ask(Method::PUT, "/api/v1/roles/mine", Some(&secret), Some(role))
            .await;
        put.expect(StatusCode::FORBIDDEN);
        let grant = hub
            .post(
                "/api/v1/users/alice@local/grants",
                &secret,
                json!({ "role": "admin" }),
            )
            .await;
        grant.expect(StatusCode::FORBIDDEN);
    }
    let role = json!({ "rights": ["run-jobs", "pause-jobs"], "comment": "flies" });
    let put = async |name: &str, role: Value| {
        hub.ask(
            Method::PUT,
            &format!("/api/v1/roles/{name}"),
            Some(&admin),
            Some(role),
        )
        .await
    };
    put("pilot", role.clone()).await.expect(StatusCode::OK);
    put("admin", role).await.expect(StatusCode::CONFLICT);
    put("x", json!({ "rights": ["fly"] }))
        .await
        .expect(StatusCode::BAD_REQUEST);
    let grant = json!({ "role": "pilot", "project": "demo" });
    hub.post("/api/v1/users/alice@local/grants", &admin, grant)
        .await
        .expect(StatusCode::CREATED);
    let taken = "/api/v1/users/alice@local/grants?role=operator";
    let taken = hub.ask(Method::DELETE, taken, Some(&admin), None).await;
    assert_eq!(taken.status, StatusCode::NO_CONTENT, "{}", taken.text);

    let mut request = Request::builder()
        .method(Method::DELETE)
        .uri("/api/v1/users/alice@local");
    let headers: &mut HeaderMap = request.headers_mut().expect("headers");
    headers.insert(
        header::AUTHORIZATION,
        format!("Bearer {admin}").parse().expect("a header"),
    );
    headers.insert("x-request-id", "ticket-42".parse().expect("a header"));
    let gone = hub.answer(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    let audit = hub
        .get("/api/v1/audit?object=user/&limit=2", &admin)
        .await
        .expect(StatusCode::OK);
    let newest = &audit["entries"][0];
    assert_eq!(
        (
            &newest["action"],
            &newest["object"],
            &newest["request"],
            &newest["user"]
        ),
        (
            &json!("user.removed"),
            &json!("user/alice@local"),
            &json!("ticket-42"),
            &json!("admin@local!hub")
        )
    );
    assert_eq!(newest["before"]["name"], "Alice");
    assert_eq!(audit["entries"][1]["action"], "grant.taken");
    let cursor = audit["next"].as_str().expect("more");
    let rest = hub
        .get(&format!("/api/v1/audit?object=user/&cursor={cursor}"), &admin)
        .await
        .expect(StatusCode::OK);
    let actions: Vec<&str> = rest["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    assert_eq!(
        actions,
        ["grant.made", "grant.made", "grant.made", "user.created"]
    );
    assert!(!rest.to_string().contains("argon"), "{rest}");
}

#[tokio::test]
async fn the_first_administrator_is_made_once() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let set_up = async |token: &str, user: &str, password: &str| {
        let body = json!({ "token": token, "user": user, "name": "Ada", "password": password });
        hub.ask(Method::POST, "/api/v1/setup", None, Some(body)).await
    };
    // Who merely works here is no administrator.
    alice(&hub, &admin).await;
    set_up("wrong", "ada", PASSWORD)
        .await
        .problem(StatusCode::UNAUTHORIZED, "auth.required");
    set_up(SET_UP, "ada", "short")
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
    set_up(SET_UP, "root", PASSWORD)
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
    assert_eq!(hub.set_up_calls.load(Ordering::SeqCst), 0);
    let made = set_up(SET_UP, "ada", PASSWORD).await.expect(StatusCode::CREATED);
    assert_eq!(
        (&made["user"], &made["grants"][0]["role"]),
        (&json!("ada@local"), &json!("admin"))
    );
    assert_eq!(hub.set_up_calls.load(Ordering::SeqCst), 1);
    let signed_in = sign_in(&hub, "ada", PASSWORD).await.expect(StatusCode::OK);
    assert_eq!(signed_in["session"]["role"], "admin");
    for token in [SET_UP, "wrong"] {
        let refused = set_up(token, "eve", PASSWORD).await;
        let problem = refused.problem(StatusCode::CONFLICT, "conflict");
        assert!(
            problem["detail"].as_str().expect("words").contains("is set up"),
            "{problem}"
        );
    }
    let audit = hub
        .get("/api/v1/audit?object=user/ada@local", &admin)
        .await
        .expect(StatusCode::OK);
    let by: Vec<&str> = audit["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|entry| entry["user"].as_str())
        .collect();
    assert_eq!(by, ["setup@system", "setup@system"], "made, and granted the role");
    assert!(!audit.to_string().contains(SET_UP));
}

#[tokio::test]
async fn a_password_in_the_wrong_field_is_not_kept() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let typed = "correct-horse-battery";
    for _ in 0..5 {
        sign_in(&hub, typed, "x").await;
    }
    sign_in(&hub, typed, "x")
        .await
        .expect(StatusCode::TOO_MANY_REQUESTS);
    let events = hub
        .get("/api/v1/events", &admin)
        .await
        .expect(StatusCode::OK)
        .to_string();
    assert!(
        events.contains("auth.locked-out") && !events.contains("horse"),
        "{events}"
    );
    let file = std::fs::read(hub.folder.join("ledger.db")).expect("the ledger");
    let log = std::fs::read(hub.folder.join("ledger.db-wal")).unwrap_or_default();
    for bytes in [file, log] {
        assert!(!bytes.windows(typed.len()).any(|part| part == typed.as_bytes()));
    }
}

#[tokio::test]
async fn a_token_that_may_less_than_its_role_says_so() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    alice(&hub, &admin).await;
    let make = async |name: &str, role: &str, project: Option<&str>| {
        let body = json!({ "user": name, "role": role, "project": project });
        let made = hub
            .post("/api/v1/tokens", &admin, body)
            .await
            .expect(StatusCode::CREATED);
        (
            made["usable"] == true,
            made["withheld"].as_array().map_or(0, Vec::len),
        )
    };
    assert_eq!(make("alice@local!same", "operator", None).await, (true, 0));
    assert_eq!(make("alice@local!less", "member", Some("demo")).await, (true, 0));
    let (usable, withheld) = make("alice@local!more", "admin", None).await;
    assert!(usable && withheld > 0);
    assert_eq!(
        make("robot@local!all", "admin", None).await,
        (true, 0),
        "of nobody's"
    );
    let nobody = json!({ "user": "nobody@local" });
    hub.post("/api/v1/users", &admin, nobody)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(make("nobody@local!none", "auditor", None).await, (false, 0));
}

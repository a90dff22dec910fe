//! Incidents: who sees them, who may say that they see to one, and the page behind the link.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use ironcore_ledger::model::Role;
use ironcore_notify::links::LinkKey;
use serde_json::json;

use crate::access::foreign;
use crate::setup::{Answer, Hub};

#[tokio::test]
async fn incidents_show_to_their_project_and_to_the_hub() {
    let hub = Hub::start().await;
    let id = foreign(&hub).await.incident;
    let admin = hub.token(Role::Admin, None).await;
    let own = hub.token(Role::Member, Some("zebra")).await;
    let path = format!("/api/v1/incidents/{id}");
    let all = hub
        .get("/api/v1/incidents?state=open", &admin)
        .await
        .expect(StatusCode::OK);
    assert_eq!(all["count"], 2, "of the project and of the hub: {all}");
    let list = hub.get("/api/v1/incidents", &own).await.expect(StatusCode::OK);
    assert_eq!(list["count"], 1);
    let listed = &list["incidents"][0];
    assert_eq!((&listed["id"], &listed["state"]), (&json!(id), &json!("open")));
    assert_eq!((&listed["events"], &listed["failing"]), (&json!(1), &json!(1)));
    let shown = hub.get(&path, &own).await.expect(StatusCode::OK);
    assert_eq!(shown["members"][0]["member"], "job/zebra/zebra-job");
    assert_eq!(shown["notices"][0]["handler"], "hook");
    let event = shown["events"][0]["event"]["id"]
        .as_str()
        .expect("an event")
        .to_owned();
    let of_event = hub.get(&format!("/api/v1/incidents?event={event}"), &own).await;
    assert_eq!(of_event.expect(StatusCode::OK)["count"], 1);
    let none = hub
        .get("/api/v1/incidents?state=ended,acknowledged", &admin)
        .await;
    assert_eq!(none.expect(StatusCode::OK)["count"], 0);
    hub.get("/api/v1/incidents?state=bad", &admin)
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
}

#[tokio::test]
async fn who_may_work_may_acknowledge() {
    let hub = Hub::start().await;
    let id = foreign(&hub).await.incident;
    let path = format!("/api/v1/incidents/{id}/acknowledge");
    let auditor = hub.token(Role::Auditor, Some("zebra")).await;
    hub.post(&path, &auditor, json!({}))
        .await
        .problem(StatusCode::FORBIDDEN, "auth.denied");
    let member = hub.token(Role::Member, Some("zebra")).await;
    let long = json!({ "comment": "x".repeat(1_001) });
    hub.post(&path, &member, long)
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
    let done = hub
        .post(&path, &member, json!({ "comment": " on it " }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&done["state"], &done["acknowledged"]["comment"]),
        (&json!("acknowledged"), &json!("on it"))
    );
    let admin = hub.token(Role::Admin, None).await;
    let again = hub.post(&path, &admin, json!({})).await.expect(StatusCode::OK);
    assert_eq!(
        again["acknowledged"], done["acknowledged"],
        "who came first stays"
    );
}

#[tokio::test]
async fn who_may_acknowledge_may_close() {
    let hub = Hub::start().await;
    let id = foreign(&hub).await.incident;
    let path = format!("/api/v1/incidents/{id}/close");
    let auditor = hub.token(Role::Auditor, Some("zebra")).await;
    hub.post(&path, &auditor, json!({}))
        .await
        .problem(StatusCode::FORBIDDEN, "auth.denied");
    let member = hub.token(Role::Member, Some("zebra")).await;
    let long = json!({ "comment": "x".repeat(1_001) });
    hub.post(&path, &member, long)
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
    let done = hub
        .post(&path, &member, json!({ "comment": " it is gone " }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&done["state"], &done["ending"], &done["failing"]),
        (&json!("ended"), &json!("closed"), &json!(0))
    );
    assert_eq!(done["closed"]["comment"], "it is gone");
    let shown = hub.get(&format!("/api/v1/incidents/{id}"), &member).await;
    let shown = shown.expect(StatusCode::OK);
    assert_eq!(shown["incident"], done);
    assert_eq!(shown["members"][0]["failing"], false);
    hub.post(&path, &member, json!({}))
        .await
        .problem(StatusCode::CONFLICT, "conflict");
}

async fn page(hub: &Hub, method: Method, path: &str, form: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .expect("a request");
    hub.answer(request).await
}

#[tokio::test]
async fn a_link_acknowledges_when_its_button_is_pressed() {
    let hub = Hub::start().await;
    let id = foreign(&hub).await.incident;
    let handler = "zebra/zebra-group/hook".parse().expect("a handler");
    let token = LinkKey::derived(b"links").token(id, &handler, hub.seams.now());
    let path = format!("/acknowledge/{token}");
    let looked = page(&hub, Method::GET, &path, "").await;
    assert_eq!(looked.status, StatusCode::OK);
    assert!(
        looked.text.contains("zebra fails") && looked.text.contains("<button"),
        "{}",
        looked.text
    );
    let state = async || {
        hub.ledger
            .incident(id)
            .await
            .expect("ledger")
            .expect("there")
            .state()
            .as_str()
    };
    assert_eq!(state().await, "open", "looking changes nothing");

    let other = LinkKey::derived(b"others").token(id, &handler, hub.seams.now());
    for wrong in [
        format!("/acknowledge/{other}"),
        format!("{path}A"),
        "/acknowledge/x".to_owned(),
    ] {
        let refused = page(&hub, Method::POST, &wrong, "name=Eve").await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{wrong}");
        assert!(!refused.text.contains("zebra"), "{}", refused.text);
    }
    assert_eq!(state().await, "open");

    let pressed = page(&hub, Method::POST, &path, "name=%3Cb%3EAda&comment=").await;
    assert_eq!(pressed.status, StatusCode::OK);
    assert!(
        pressed.text.contains("hook@zebra-group!link: by &lt;b&gt;Ada"),
        "{}",
        pressed.text
    );
    assert_eq!(state().await, "acknowledged");
    let again = page(&hub, Method::POST, &path, "name=Eve").await;
    assert!(
        again.text.contains("Ada") && !again.text.contains("Eve"),
        "{}",
        again.text
    );

    hub.clock.forward(8 * 86_400);
    let late = page(&hub, Method::GET, &path, "").await;
    assert!(
        late.status == StatusCode::NOT_FOUND && late.text.contains("too old"),
        "{}",
        late.text
    );
}

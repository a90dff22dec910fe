//! The webhook plugin's work without WebAssembly, to measure what running plugins costs: the same body, the same
//! signature, the same services.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ironcore_notify::Deliver;
use ironcore_plugin_host::effects::{HttpRequest, Signature, Slot};
use ironcore_plugin_host::{
    CallReport, DeliverOutcome, Delivered, Delivery, HostServices, PluginError, Reason, Receipt,
};
use serde_json::{Value, json};

pub(crate) struct NativeWebhook;

impl Deliver for NativeWebhook {
    fn deliver(
        &self,
        delivery: Delivery,
        services: Arc<dyn HostServices>,
    ) -> BoxFuture<'_, Result<Delivered, PluginError>> {
        async move {
            let outcome = match services.http(request(&delivery)).await {
                Ok(answer) if (200..300).contains(&answer.status) => DeliverOutcome::Delivered(Receipt {
                    status: Some(answer.status),
                    ..Receipt::default()
                }),
                other => DeliverOutcome::Rejected {
                    reason: Reason {
                        code: "delivery.rejected".to_owned(),
                        message: format!("{other:?}"),
                    },
                    gone: false,
                    status: None,
                },
            };
            Ok(Delivered {
                outcome,
                kv: Vec::new(),
                inbox: Vec::new(),
                report: CallReport::default(),
            })
        }
        .boxed()
    }
}

fn request(delivery: &Delivery) -> HttpRequest {
    let text = |name: &str| {
        delivery
            .config
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let secret = delivery
        .config
        .get("signing-secret")
        .and_then(|secret| secret.get("secret"));
    HttpRequest {
        method: "POST".to_owned(),
        url: Slot::Text(text("url")),
        headers: vec![
            (
                "content-type".to_owned(),
                Slot::Text("application/cloudevents+json; charset=utf-8".to_owned()),
            ),
            (
                "idempotency-key".to_owned(),
                Slot::Text(delivery.message.to_string()),
            ),
        ],
        credential: None,
        body: Some(body(delivery).to_string().into_bytes()),
        body_slots: Vec::new(),
        signature: Some(Signature::StandardWebhook {
            keys: secret
                .and_then(Value::as_str)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            message_id: delivery.message.to_string(),
        }),
        timeout: Some(Duration::from_secs(5)),
        attrs: Vec::new(),
    }
}

fn body(delivery: &Delivery) -> Value {
    let mut event = serde_json::to_value(delivery.events.last()).unwrap_or_default();
    if let Some(data) = event.get_mut("data").and_then(Value::as_object_mut) {
        data.insert("tips".to_owned(), json!(delivery.tips));
        data.insert(
            "links".to_owned(),
            json!({
                "dashboard": delivery.links.dashboard, "task": delivery.links.task, "log": delivery.links.log,
            }),
        );
        data.insert(
            "message".to_owned(),
            json!({ "id": delivery.message.to_string(), "thread": delivery.thread }),
        );
    }
    event
}

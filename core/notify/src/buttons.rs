//! What people can do about an event with one click: what tips and the inbox plugin offer, and what every hub can do
//! about a task that failed or a snapshot that is not known to be well. Doing it is left to `actions`.

use ironcore_ledger::model::InboxEntry;
use ironcore_types::event::{Tip, TipAction};
use ironcore_types::notification::ActionKind;
use ironcore_types::{Event, EventType, Severity, VerifyResult};

/// Takes an event on: no task, no change of a job.
pub const ACKNOWLEDGE: &str = "acknowledge";

/// Everything that can be done about an event, each once, and nothing that this hub cannot do. Acknowledging is not
/// among it: see [`wants_acknowledgement`].
pub fn offers(event: &Event, tips: &[Tip], entry: Option<&InboxEntry>) -> Vec<TipAction> {
    let shown = entry.and_then(|entry| entry.attrs.get("buttons"));
    // What a plugin wrote in another form is no button.
    let shown: Vec<TipAction> = shown
        .and_then(|buttons| serde_json::from_value(buttons.clone()).ok())
        .unwrap_or_default();
    let all = tips.iter().flat_map(|tip| tip.actions.clone()).chain(shown);
    let mut offers: Vec<TipAction> = Vec::new();
    for offer in all.chain(own(event)) {
        let known = |other: &TipAction| other.kind == offer.kind && other.target == offer.target;
        if ActionKind::of(&offer.kind).is_some() && !offers.iter().any(known) {
            offers.push(offer);
        }
    }
    offers
}

/// Whether somebody should take it on: problems, and nothing that went well.
pub fn wants_acknowledgement(event: &Event) -> bool {
    event.data.severity >= Severity::Warning
}

/// What needs no advice.
fn own(event: &Event) -> Vec<TipAction> {
    let mut offers = Vec::new();
    let mut offer = |kind: &str, target: String, label: &str| {
        offers.push(TipAction {
            kind: kind.to_owned(),
            target,
            label: label.to_owned(),
        });
    };
    let ended = matches!(
        event.event_type,
        EventType::TaskFailed | EventType::TaskCancelled | EventType::TaskWarning
    );
    if let Some(task) = event.data.task.as_ref().filter(|_| ended) {
        offer("retry", task.upid.to_string(), "Try again");
    }
    let verified = event.data.verification.as_ref().map(|report| report.result);
    let doubtful = event.event_type == EventType::SnapshotStale
        || verified.is_some_and(|result| result != VerifyResult::Ok);
    if let Some(snapshot) = event.data.snapshot.as_ref().filter(|_| doubtful) {
        offer("verify", snapshot.to_string(), "Verify again");
    }
    offers
}

#[cfg(test)]
mod tests {
    use ironcore_types::EventData;
    use serde_json::json;

    use super::*;

    fn event(kind: &str, more: serde_json::Value) -> Event {
        let mut data = serde_json::to_value(EventData::new(None, Severity::Error, "x")).expect("JSON");
        for (key, value) in more.as_object().expect("an object") {
            data[key] = value.clone();
        }
        serde_json::from_value(json!({
            "specversion": "1.0", "id": "0196f0c2-5f3a-7c11-9d5e-2b7c1a9e4d01", "source": "urn:hub",
            "type": kind, "subject": null, "time": "2026-05-21T02:03:05Z",
            "datacontenttype": "application/json", "dataschema": "urn:ironcore-backup:event:v1", "data": data,
        }))
        .expect("an event")
    }

    fn tip(kind: &str, target: &str) -> Tip {
        serde_json::from_value(json!({
            "title": "t", "why": "w", "steps": [], "link": null, "plugin": "remediation",
            "actions": [{ "kind": kind, "target": target, "label": "Do it" }],
        }))
        .expect("a tip")
    }

    #[test]
    fn each_thing_to_do_has_one_button_and_what_the_hub_cannot_do_has_none() {
        let snapshot = "ibs-primary:vm/12345/2026-05-21T00:00:00Z";
        let stale = event("ironcore.snapshot.stale", json!({ "snapshot": snapshot }));
        let entry: InboxEntry = serde_json::from_value(json!({
            "event": stale.id, "title": "t", "text": "x", "severity": null, "link": null,
            "attrs": { "buttons": [
                { "kind": "gc", "target": "ibs-primary", "label": "Collect" },
                { "kind": "format", "target": "ibs-primary", "label": "No" },
            ] },
        }))
        .expect("an entry");
        let found = offers(
            &stale,
            &[tip("verify", snapshot), tip("verify", "ibs-primary")],
            Some(&entry),
        );
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.kind.as_str(), one.target.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("verify", snapshot),
                ("verify", "ibs-primary"),
                ("gc", "ibs-primary")
            ]
        );
        assert_eq!(
            offers(&stale, &[], None)[0].label,
            "Verify again",
            "without any plugin, too"
        );
    }

    #[test]
    fn good_news_has_no_buttons() {
        let good = event("ironcore.system.started", json!({ "severity": "info" }));
        assert!(offers(&good, &[], None).is_empty() && !wants_acknowledgement(&good));
        assert!(wants_acknowledgement(&event(
            "ironcore.datastore.space-low",
            json!({ "severity": "warning" })
        )));
    }
}

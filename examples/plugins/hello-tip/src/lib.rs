//! A plugin to start from: a tip for every finished task, and deliveries that go to the hub's log.

use ironcore_plugin::{Delivery, Event, Failure, Host, LogLevel, Plugin, Receipt, Tip};
use serde::Deserialize;

/// The configuration, as `plugin.toml` describes it.
#[derive(Deserialize)]
struct Config {
    greeting: String,
}

/// The plugin.
pub struct HelloTip;

impl Plugin for HelloTip {
    fn deliver(host: &impl Host, delivery: &Delivery) -> Result<Receipt, Failure> {
        let config: Config = delivery.config_as()?;
        let line = format!("{} {}", config.greeting, delivery.event()?.title);
        host.log(LogLevel::Info, &line);
        Ok(Receipt::new(line))
    }

    fn advise(_host: &impl Host, event: &Event) -> Vec<Tip> {
        let Some(task) = event.data().task.filter(|_| event.kind() != "task.queued") else {
            return Vec::new();
        };
        vec![
            Tip::new(
                "Hello from outside the hub",
                format!("The task {} is {}.", task.upid, task.state),
            )
            .step("Copy this plugin, and let it say something useful."),
        ]
    }
}

ironcore_plugin::export!(HelloTip);

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_plugin::{Call, FakeHost};
    use serde_json::json;

    fn event() -> Event {
        let data = json!({ "title": "done", "task": { "upid": "UPID:x:", "state": "ok" } });
        Event::sample("ironcore.task.completed", &data)
    }

    #[test]
    fn it_greets() {
        let host = FakeHost::new();
        let delivery = Delivery::sample(event(), &json!({ "greeting": "Hello:" }));
        assert_eq!(
            HelloTip::deliver(&host, &delivery).expect("said").detail,
            "Hello: done"
        );
        assert_eq!(
            host.calls(),
            [Call::Log(LogLevel::Info, "Hello: done".to_owned())]
        );
    }

    #[test]
    fn it_has_a_tip_for_tasks() {
        assert_eq!(HelloTip::advise(&FakeHost::new(), &event()).len(), 1);
        let other = Event::sample("ironcore.system.started", &json!({ "title": "x" }));
        assert!(HelloTip::advise(&FakeHost::new(), &other).is_empty());
    }
}

//! Does what plugins must not do, as its configuration says: for trying out a hub's limits.

use std::hint::black_box;
use std::time::Duration;

use ironcore_plugin::{
    Delivery, Event, Failure, Host, LogLevel, Plugin, Receipt, Slot, Tip, http, inbox, kv,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Config {
    /// Without one it does what the title of the event says.
    #[serde(default)]
    mode: String,
    use_secret: Option<String>,
}

/// The plugin.
pub struct Misbehave;

impl Plugin for Misbehave {
    fn deliver(host: &impl Host, delivery: &Delivery) -> Result<Receipt, Failure> {
        let config: Config = delivery.config_as()?;
        let mode = match config.mode.as_str() {
            "" => &delivery.event()?.title,
            mode => mode,
        };
        match mode {
            "loop" => spin(),
            "memory" => hoard(),
            "panic" => panic!("no luck"),
            "overflow" => Ok(Receipt::new(dig(1).to_string())),
            "exit" => std::process::exit(3),
            "flood" => flood(host),
            "sleep" => {
                std::thread::sleep(Duration::from_secs(3600));
                Ok(Receipt::new("slept"))
            }
            "request" => request(host, config.use_secret),
            "kv" => fill(host),
            _ => behave(host, delivery),
        }
    }

    fn advise(_host: &impl Host, event: &Event) -> Vec<Tip> {
        match event.title.as_str() {
            "loop" => spin(),
            "panic" => panic!("no advice"),
            title => vec![Tip::new("Behave", title)],
        }
    }
}

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

fn hoard() -> ! {
    let mut all = Vec::new();
    loop {
        all.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn dig(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    black_box(dig(depth + 1)) + black_box(frame)[0]
}

fn flood(host: &impl Host) -> Result<Receipt, Failure> {
    for n in 0..5_000 {
        println!("printed {n} {}", "x".repeat(500));
        host.log(LogLevel::Info, &format!("logged {n}\nnot a second line"));
    }
    Ok(Receipt::new("x".repeat(1 << 20)))
}

fn request(host: &impl Host, secret: Option<String>) -> Result<Receipt, Failure> {
    let answer = host.http(&http::Request {
        method: "POST".to_owned(),
        url: Slot::Text("https://a.example/".to_owned()),
        headers: secret
            .map(|secret| ("x-token".to_owned(), Slot::Secret(secret)))
            .into_iter()
            .collect(),
        credential: None,
        body: Some(b"{}".to_vec()),
        body_slots: Vec::new(),
        signature: None,
        timeout_ms: None,
        attrs: Vec::new(),
    });
    match answer {
        Ok(response) => Ok(Receipt::new("answered").with_status(response.status)),
        Err(error) => Err(Failure::rejected("delivery.rejected", format!("{error:?}"))),
    }
}

fn fill(host: &impl Host) -> Result<Receipt, Failure> {
    let value = vec![0_u8; 60 << 10];
    for n in 0..100 {
        match host.kv_set(&format!("key {n}"), &value) {
            Ok(()) => {}
            Err(kv::Error::Quota) => return Ok(Receipt::new(format!("full after {n}"))),
            Err(error) => return Err(Failure::retry("internal", format!("{error:?}"))),
        }
    }
    Err(Failure::retry("internal", "never full"))
}

fn behave(host: &impl Host, delivery: &Delivery) -> Result<Receipt, Failure> {
    let fail = |error: kv::Error| Failure::retry("internal", format!("{error:?}"));
    println!("hello from the guest");
    let before = host
        .kv_get("count")
        .map_err(fail)?
        .map_or(0, |bytes| bytes.first().copied().unwrap_or(0));
    host.kv_set("count", &[before + 1]).map_err(fail)?;
    let after = host.kv_get("count").map_err(fail)?;
    host.kv_delete("old").map_err(fail)?;
    let event = delivery.event()?;
    let entry = inbox::Entry {
        title: event.title.clone(),
        body: "**body**".to_owned(),
        severity: event.severity,
        links: vec![
            inbox::Link {
                label: "good".to_owned(),
                url: "https://a.example/".to_owned(),
            },
            inbox::Link {
                label: "bad".to_owned(),
                url: "javascript:alert(1)".to_owned(),
            },
        ],
        buttons: Vec::new(),
        attrs: Vec::new(),
    };
    host.inbox(&event.id, &entry)
        .map_err(|error| Failure::retry("internal", format!("{error:?}")))?;
    let unknown = host.inbox("no event", &entry).is_err();
    let environment = std::env::vars().count() + std::env::args().count();
    let files = std::fs::read_dir("/").is_ok() || std::fs::write("/tmp/x", "x").is_ok();
    host.log(
        LogLevel::Info,
        &format!("{after:?} unknown={unknown} environment={environment} files={files}"),
    );
    Ok(Receipt::new("behaved").with_status(200))
}

ironcore_plugin::export!(Misbehave);

//! Receivers that behave like the targets of the built-in webhook templates: they refuse what the target's schema (in
//! `schemas/webhooks`) does not allow or what is too long, let through only as many requests as the target does, and
//! answer with the target's own statuses.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ironcore_types::Timestamp;
use ironcore_types::seams::Clock;
use jsonschema::{Keyword, ValidationError, Validator};
use serde_json::Value;

use crate::webhook::{Answer, Received};

/// The targets, by the name of template and schema.
pub const TARGETS: [&str; 11] = [
    "generic",
    "slack",
    "teams",
    "discord",
    "pagerduty",
    "jira",
    "servicenow",
    "mattermost",
    "jsm",
    "ntfy",
    "gotify",
];

/// What a target is like beside its schema.
struct Habits {
    taken: (u16, &'static str),
    refused: (u16, &'static str),
    /// The status for a body that is too large, when it is another.
    too_large: Option<u16>,
    /// So many requests in so long.
    rate: Option<(usize, Duration)>,
    /// A header without which nobody gets in, and how its value begins.
    pass: Option<(&'static str, &'static str)>,
}

fn habits(name: &str) -> Option<Habits> {
    let plain = |taken, refused| Habits {
        taken,
        refused,
        too_large: None,
        rate: None,
        pass: None,
    };
    let rate = |count, seconds| Some((count, Duration::from_secs(seconds)));
    Some(match name {
        "generic" => plain((204, ""), (422, "")),
        "slack" => Habits {
            rate: rate(1, 1),
            ..plain((200, "ok"), (400, "invalid_blocks"))
        },
        "teams" => Habits {
            too_large: Some(413),
            rate: rate(4, 1),
            ..plain((202, ""), (400, "Bad payload"))
        },
        "discord" => Habits {
            rate: rate(5, 2),
            ..plain(
                (204, ""),
                (400, r#"{"code":50035,"message":"Invalid Form Body"}"#),
            )
        },
        "pagerduty" => Habits {
            too_large: Some(413),
            rate: rate(120, 60),
            ..plain(
                (202, r#"{"status":"success","message":"Event processed"}"#),
                (
                    400,
                    r#"{"status":"invalid event","message":"Event object is invalid"}"#,
                ),
            )
        },
        "jira" => Habits {
            pass: Some(("authorization", "Basic ")),
            ..plain(
                (201, r#"{"id":"10000","key":"OPS-1"}"#),
                (400, r#"{"errorMessages":[],"errors":{}}"#),
            )
        },
        "servicenow" => Habits {
            pass: Some(("authorization", "Basic ")),
            ..plain(
                (201, r#"{"result":{"number":"INC0010001"}}"#),
                (400, r#"{"status":"failure"}"#),
            )
        },
        "mattermost" => plain((200, "ok"), (400, "")),
        "jsm" => Habits {
            pass: Some(("authorization", "GenieKey ")),
            ..plain((202, r#"{"result":"Request will be processed"}"#), (422, ""))
        },
        "ntfy" => Habits {
            too_large: Some(413),
            rate: rate(60, 300),
            ..plain((200, r#"{"event":"message"}"#), (400, ""))
        },
        "gotify" => Habits {
            pass: Some(("x-gotify-key", "")),
            ..plain((200, r#"{"id":1}"#), (400, ""))
        },
        _ => return None,
    })
}

/// One of [`TARGETS`], with a memory of what came.
pub struct Target {
    habits: Habits,
    validator: Validator,
    most_bytes: Option<usize>,
    clock: Arc<dyn Clock>,
    taken: Mutex<VecDeque<Timestamp>>,
}

impl Target {
    /// A target by its name, whose rate goes by `clock`.
    pub fn new(name: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let habits = habits(name).with_context(|| format!("{name:?} is no target"))?;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/webhooks/{name}.json"));
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let schema: Value = serde_json::from_str(&text)?;
        if !schema["$comment"]
            .as_str()
            .is_some_and(|source| name == "generic" || source.contains("https://"))
        {
            bail!("{} does not say what it was made after", path.display());
        }
        let most_bytes = schema["x-max-body-bytes"]
            .as_u64()
            .and_then(|most| usize::try_from(most).ok());
        let validator = jsonschema::options()
            .with_keyword("x-max-utf16", |_, most, _| Ok(longest(most, utf16)))
            .with_keyword("x-max-bytes", |_, most, _| {
                Ok(longest(most, |value| value.as_str().map_or(0, str::len)))
            })
            .with_keyword("x-max-sum-utf16", |_, most, _| Ok(longest(most, sum)))
            .with_keyword("x-max-json-utf16", |_, most, _| {
                Ok(longest(most, |value| units(&value.to_string())))
            })
            .build(&schema)
            .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        Ok(Self {
            habits,
            validator,
            most_bytes,
            clock,
            taken: Mutex::default(),
        })
    }

    /// The status that a request ends with when it is taken.
    pub fn success(&self) -> u16 {
        self.habits.taken.0
    }

    /// How many requests are let through in how long.
    pub fn rate(&self) -> Option<(usize, Duration)> {
        self.habits.rate
    }

    /// The header that lets in, when there must be one.
    pub fn pass(&self) -> Option<(&'static str, String)> {
        self.habits
            .pass
            .map(|(name, begins)| (name, format!("{begins}opensesame")))
    }

    /// What is wrong with a body; nothing when the target would take it.
    pub fn faults(&self, body: &[u8]) -> Vec<String> {
        let json: Value = match serde_json::from_slice(body) {
            Ok(json) => json,
            Err(error) => return vec![format!("it is not JSON: {error}")],
        };
        let large = self.most_bytes.filter(|most| body.len() > *most);
        let large = large.map(|most| format!("{} bytes are more than {most}", body.len()));
        let fault = |error: ValidationError<'_>| {
            let at = error.instance_path().to_string();
            let why: String = error.to_string().chars().take(400).collect();
            format!("{at}: {why}")
        };
        self.validator
            .iter_errors(&json)
            .map(fault)
            .chain(large)
            .collect()
    }

    /// What the target answers.
    pub fn answer(&self, request: &Received) -> Answer {
        if let Some((name, begins)) = self.habits.pass
            && !request
                .header(name)
                .is_some_and(|value| value.starts_with(begins))
        {
            return Answer::status(401);
        }
        let json = request
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/json"));
        if request.method != "POST" || !json {
            return Answer::status(405);
        }
        if let Some(wait) = self.wait() {
            return Answer::status(429).header("retry-after", &wait.as_secs().max(1).to_string());
        }
        if let Some(status) = self.habits.too_large
            && self.most_bytes.is_some_and(|most| request.body.len() > most)
        {
            return Answer::status(status);
        }
        let (status, body) = match self.faults(&request.body).as_slice() {
            [] => self.habits.taken,
            _ => self.habits.refused,
        };
        Answer::status(status).body(body)
    }

    /// How long to wait until a request is let through; none when this one is.
    fn wait(&self) -> Option<Duration> {
        let (count, span) = self.habits.rate?;
        let now = self.clock.now();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.front().is_some_and(|first| now.since(*first) >= span) {
            taken.pop_front();
        }
        match taken.front() {
            Some(first) if taken.len() >= count => Some(span.saturating_sub(now.since(*first))),
            _ => {
                taken.push_back(now);
                None
            }
        }
    }
}

/// A keyword of ours: how long something may be, in units that JSON Schema does not count.
struct Longest {
    most: usize,
    measure: fn(&Value) -> usize,
}

fn longest(most: &Value, measure: fn(&Value) -> usize) -> Box<dyn for<'i> Keyword<'i>> {
    let most = most
        .as_u64()
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(0);
    Box::new(Longest { most, measure })
}

impl<'i> Keyword<'i> for Longest {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        let long = (self.measure)(instance);
        if long <= self.most {
            return Ok(());
        }
        Err(ValidationError::custom(format!(
            "its length is {long}, more than {}",
            self.most
        )))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        (self.measure)(instance) <= self.most
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn utf16(value: &Value) -> usize {
    value.as_str().map_or(0, units)
}

/// The words of Discord's embeds that count together.
fn sum(embeds: &Value) -> usize {
    let embeds = embeds.as_array().map_or(&[][..], Vec::as_slice);
    let of = |embed: &Value| {
        let fields = embed["fields"].as_array().map_or(&[][..], Vec::as_slice);
        let fields: usize = fields
            .iter()
            .map(|field| utf16(&field["name"]) + utf16(&field["value"]))
            .sum();
        utf16(&embed["title"]) + utf16(&embed["description"]) + fields + utf16(&embed["footer"]["text"])
    };
    embeds.iter().map(of).sum()
}

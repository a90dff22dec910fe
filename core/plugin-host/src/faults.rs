//! What is wrong with a configuration, in words for whoever wrote it. Values are not shown: one may be a secret in a wrong
//! place.

use std::fmt;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

/// How the name of a secret is written.
const SECRET: &str = "a secret: { secret = \"NAME\" }";

/// One fault of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The key, such as `server.port`; empty when the whole is at fault.
    pub path: String,
    /// What is wrong, without the value: it may be a secret in a wrong place.
    pub message: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// A fault for each key that is wrong.
pub(crate) fn of(schema: &Value, error: &ValidationError<'_>) -> Vec<ConfigFault> {
    let at = dotted(error.instance_path().as_str());
    let below = |name: &str| {
        if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}.{name}")
        }
    };
    let fault = |path: String, message: String| ConfigFault { path, message };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| fault(below(name), "this key is not known".to_owned()))
            .collect(),
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![fault(below(name), "this key is required".to_owned())]
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            none_fits(schema, error, context, at)
        }
        ValidationErrorKind::Pattern { pattern } if lacks_scheme(pattern, error.instance()) => {
            vec![fault(at, "it must begin with http:// or https://".to_owned())]
        }
        _ => vec![fault(at, error.masked().to_string())],
    }
}

/// What is wrong with a value that is none of several things: what those say that are for a value of its kind, else what it
/// may be.
fn none_fits(
    schema: &Value,
    error: &ValidationError<'_>,
    context: &[Vec<ValidationError<'static>>],
    at: String,
) -> Vec<ConfigFault> {
    let is_other_kind = |one: &ValidationError<'_>| {
        matches!(one.kind(), ValidationErrorKind::Type { .. }) && one.instance_path() == error.instance_path()
    };
    let meant = context.iter().filter(|said| !said.iter().any(is_other_kind));
    let mut faults: Vec<ConfigFault> = meant.flatten().flat_map(|one| of(schema, one)).collect();
    let choices = schema
        .pointer(error.schema_path().as_str())
        .and_then(Value::as_array);
    let choices = choices.into_iter().flatten().map(|choice| target(schema, choice));
    let mut words: Vec<&str> = choices.filter_map(kind).collect();
    if faults.is_empty() && words.is_empty() {
        let message = error.masked().to_string();
        return vec![ConfigFault { path: at, message }];
    }
    if faults.is_empty() {
        let message = format!("it must be {}", words.join(" or "));
        return vec![ConfigFault { path: at, message }];
    }
    // What is no table may have been meant as the secret itself.
    words.retain(|word| *word == SECRET && !error.instance().is_object());
    for fault in faults.iter_mut().filter(|fault| fault.path == at) {
        fault
            .message
            .extend(words.iter().map(|word| format!("; or name {word}")));
    }
    faults
}

/// The schema that one refers to within the same document, or itself.
fn target<'s>(schema: &'s Value, one: &'s Value) -> &'s Value {
    let pointer = one.get("$ref").and_then(Value::as_str);
    let pointer = pointer.and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| schema.pointer(pointer)).unwrap_or(one)
}

/// What a schema is for, in words.
fn kind(schema: &Value) -> Option<&'static str> {
    if schema.pointer("/properties/secret").is_some() {
        return Some(SECRET);
    }
    Some(match schema.get("type")?.as_str()? {
        "string" => "a text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "array" => "a list",
        "object" => "a table",
        _ => return None,
    })
}

/// Whether the pattern is one of addresses of the web, and the value does not even begin like one.
fn lacks_scheme(pattern: &str, value: &Value) -> bool {
    let begins = |text: &str| text.starts_with("http://") || text.starts_with("https://");
    pattern.starts_with("^https?://") && value.as_str().is_some_and(|text| !begins(text))
}

fn dotted(pointer: &str) -> String {
    pointer
        .trim_start_matches('/')
        .replace('/', ".")
        .replace("~1", "/")
        .replace("~0", "~")
}

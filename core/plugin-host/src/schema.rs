//! The JSON Schema of a plugin's configuration: checking, and what the hub's own keywords mark.
//!
//! `x-destination` marks what makes up the destination, `x-secret` where names of secrets stand, and the reference
//! `urn:ironcore-backup:secret` is the schema of such a name.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};

use crate::faults::{self, ConfigFault};

/// The reference to the schema of a secret's name.
const SECRET_REF: &str = "urn:ironcore-backup:secret";
/// References within a schema are followed this deep.
const DEPTH: usize = 32;

/// A compiled schema.
pub(crate) struct ConfigSchema {
    schema: Value,
    validator: jsonschema::Validator,
}

impl fmt::Debug for ConfigSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.schema, f)
    }
}

impl ConfigSchema {
    /// Compiles a schema; the error says in words what is wrong with it.
    pub(crate) fn new(mut schema: Value) -> Result<Self, String> {
        put_secret_schema(&mut schema);
        let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
        Ok(Self { schema, validator })
    }

    /// The schema, with the hub's own references filled in.
    pub(crate) fn json(&self) -> &Value {
        &self.schema
    }

    /// Every fault of a configuration; none when it is valid.
    pub(crate) fn check(&self, config: &Map<String, Value>) -> Vec<ConfigFault> {
        let instance = Value::Object(config.clone());
        let mut faults: Vec<ConfigFault> = self
            .validator
            .iter_errors(&instance)
            .flat_map(|e| faults::of(&self.schema, &e))
            .collect();
        faults.sort_by(|a, b| a.path.cmp(&b.path));
        faults
    }

    /// What the destination is, as one text that is equal for equal destinations.
    pub(crate) fn destination(&self, config: &Map<String, Value>) -> String {
        let mut parts = BTreeSet::new();
        self.marked("x-destination", config, &mut |path, value| {
            parts.insert(format!("{path}={value}"));
        });
        parts.into_iter().collect::<Vec<_>>().join(";")
    }

    /// The names of the secrets that a configuration uses.
    pub(crate) fn secrets(&self, config: &Map<String, Value>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.marked("x-secret", config, &mut |_, value| {
            if let Some(name) = value.get("secret").and_then(Value::as_str) {
                names.insert(name.to_owned());
            }
        });
        names
    }

    fn marked(&self, mark: &str, config: &Map<String, Value>, visit: &mut dyn FnMut(&str, &Value)) {
        let config = Value::Object(config.clone());
        Walk {
            root: &self.schema,
            mark,
            visit,
        }
        .walk(&self.schema, &config, "", 0);
    }
}

struct Walk<'a> {
    root: &'a Value,
    mark: &'a str,
    visit: &'a mut dyn FnMut(&str, &Value),
}

impl Walk<'_> {
    fn walk(&mut self, schema: &Value, value: &Value, path: &str, depth: usize) {
        if depth > DEPTH {
            return;
        }
        if schema.get(self.mark) == Some(&Value::Bool(true)) {
            (self.visit)(path, value);
        }
        if let Some(pointer) = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|r| r.strip_prefix('#'))
            && let Some(target) = self.root.pointer(pointer)
        {
            self.walk(target, value, path, depth + 1);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for branch in schema
                .get(keyword)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                self.walk(branch, value, path, depth + 1);
            }
        }
        match value {
            Value::Object(members) => {
                let properties = schema.get("properties");
                for (name, member) in members {
                    let known = properties.and_then(|p| p.get(name));
                    if let Some(inner) = known.or_else(|| schema.get("additionalProperties")) {
                        let path = if path.is_empty() {
                            name.clone()
                        } else {
                            format!("{path}.{name}")
                        };
                        self.walk(inner, member, &path, depth + 1);
                    }
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    if let Some(inner) = schema.get("items") {
                        self.walk(inner, item, &format!("{path}.{at}"), depth + 1);
                    }
                }
            }
            _ => {}
        }
    }
}

fn put_secret_schema(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("$ref").and_then(Value::as_str) == Some(SECRET_REF) {
                members.remove("$ref");
                members.insert("type".to_owned(), json!("object"));
                members.insert("additionalProperties".to_owned(), json!(false));
                members.insert("required".to_owned(), json!(["secret"]));
                members.insert(
                    "properties".to_owned(),
                    json!({
                        "secret": { "type": "string", "minLength": 1, "maxLength": 128 },
                        "before": { "type": "string" },
                        "after": { "type": "string" },
                    }),
                );
                return;
            }
            members.values_mut().for_each(put_secret_schema);
        }
        Value::Array(items) => items.iter_mut().for_each(put_secret_schema),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> ConfigSchema {
        ConfigSchema::new(json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["url"],
            "properties": {
                "url": { "anyOf": [{ "type": "string" }, { "$ref": SECRET_REF }], "x-destination": true, "x-secret": true },
                "port": { "type": "integer", "maximum": 65535, "x-destination": true },
                "keys": { "type": "array", "items": { "$ref": SECRET_REF, "x-secret": true } },
                "headers": { "type": "object", "additionalProperties": {
                    "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/secret" }]
                } },
            },
            "$defs": { "secret": { "$ref": SECRET_REF, "x-secret": true } },
        }))
        .expect("schema")
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("object")
    }

    fn faults(value: Value) -> Vec<String> {
        schema()
            .check(&object(value))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn faults_name_the_key() {
        assert_eq!(
            faults(json!({ "url": "https://a.example" })),
            Vec::<String>::new()
        );
        assert_eq!(
            faults(json!({ "url": "x", "colour": 1 })),
            ["colour: this key is not known"]
        );
        assert_eq!(faults(json!({})), ["url: this key is required"]);
        assert_eq!(
            faults(json!({ "url": "x", "keys": [{ "secret": "a", "b": 1 }] })),
            ["keys.0.b: this key is not known"]
        );
        let port = faults(json!({ "url": "x", "port": 70000 }));
        assert!(
            port[0].starts_with("port: ") && !port[0].contains("70000"),
            "{port:?}"
        );
    }

    #[test]
    fn a_value_that_is_none_of_several_things_is_told_what_it_may_be() {
        let schema = ConfigSchema::new(json!({
            "properties": {
                "url": { "anyOf": [{ "type": "string", "pattern": "^https?://", "maxLength": 30 }, { "$ref": SECRET_REF }] },
                "keys": { "anyOf": [{ "$ref": "#/$defs/key" }, { "type": "array", "items": { "$ref": "#/$defs/key" } }] },
                "log": { "anyOf": [{ "type": "boolean" }, { "type": "integer", "minimum": 1 }] },
            },
            "$defs": { "key": { "$ref": SECRET_REF } },
        }))
        .expect("schema");
        for (config, wanted) in [
            (
                json!({ "url": "ftp://x" }),
                "url: it must begin with http:// or https://; or name a secret: { secret = \"NAME\" }",
            ),
            (
                json!({ "url": 7 }),
                "url: it must be a text or a secret: { secret = \"NAME\" }",
            ),
            (
                json!({ "url": { "secret": "x", "y": 1 } }),
                "url.y: this key is not known",
            ),
            (json!({ "url": {} }), "url.secret: this key is required"),
            (
                json!({ "url": "https://a.example/hooks/hunter2hunter2" }),
                "url: value is longer than 30 characters; or name a secret: { secret = \"NAME\" }",
            ),
            (
                json!({ "keys": "hunter2" }),
                "keys: it must be a secret: { secret = \"NAME\" } or a list",
            ),
            (
                json!({ "keys": [{ "secret": "a", "b": 1 }] }),
                "keys.0.b: this key is not known",
            ),
            (
                json!({ "log": "yes" }),
                "log: it must be true or false or a whole number",
            ),
            (json!({ "log": 0 }), "log: value is less than the minimum of 1"),
        ] {
            let faults: Vec<String> = schema
                .check(&object(config))
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(faults, [wanted]);
        }
    }

    #[test]
    fn wrong_values_are_not_shown() {
        let shown = faults(json!({ "url": "x", "keys": ["hunter2"] })).join(" ");
        assert!(
            shown.starts_with("keys.0: ") && !shown.contains("hunter2"),
            "{shown}"
        );
    }

    #[test]
    fn destinations_are_equal_for_equal_marked_values() {
        let a = schema().destination(&object(json!({ "url": "x", "port": 1, "keys": [] })));
        let b = schema().destination(&object(json!({ "port": 1, "url": "x", "headers": { "a": "b" } })));
        assert_eq!(a, b);
        assert_eq!(a, "port=1;url=\"x\"");
        assert_ne!(a, schema().destination(&object(json!({ "url": "y", "port": 1 }))));
    }

    #[test]
    fn secrets_are_found_where_the_schema_marks_them() {
        let config = object(json!({
            "url": { "secret": "hook-url" },
            "keys": [{ "secret": "k1" }, { "secret": "k2" }],
            "headers": { "authorization": { "secret": "token", "before": "Bearer " }, "x": "secret" },
        }));
        assert_eq!(schema().check(&config), []);
        assert_eq!(
            schema().secrets(&config).into_iter().collect::<Vec<_>>(),
            ["hook-url", "k1", "k2", "token"]
        );
    }

    #[test]
    fn schemas_that_look_outside_are_refused() {
        assert!(ConfigSchema::new(json!({ "$ref": "https://a.example/schema.json" })).is_err());
        assert!(ConfigSchema::new(json!({ "type": "nonsense" })).is_err());
    }
}

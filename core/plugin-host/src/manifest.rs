//! The manifest of a plugin: `plugin.toml`, read from a custom section before anything is instantiated.

use ironcore_types::PluginName;
use serde::Deserialize;
use serde_json::Value;
use wasmparser::{Encoding, Parser, Payload};

use crate::error::PluginError;
use crate::grants::{Capability, Grants};

/// The name of the custom section.
pub const SECTION: &str = "ironcore:manifest";
/// The longest manifest that is read, bytes.
const MAX_MANIFEST: usize = 256 << 10;

/// A version of the contract that this hub has an adapter for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// `sdk/wit/v0.1`.
    V0_1,
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Handlers name the plugin by it.
    pub name: PluginName,
    /// The plugin's own version.
    pub version: String,
    /// Which contract it was built for.
    pub contract: Contract,
    /// For people.
    pub description: String,
    /// Whether it delivers messages.
    pub delivers: bool,
    /// Whether it gives advice.
    pub advises: bool,
    /// What it wants.
    pub wants: Grants,
    /// How much memory it wants, bytes.
    pub memory: Option<u64>,
    /// How much time on the processor it wants for a call, milliseconds.
    pub time_ms: Option<u64>,
    /// JSON Schema of a handler's configuration.
    pub schema: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: PluginName,
    version: String,
    contract: String,
    #[serde(default)]
    description: String,
    exports: Vec<RawExport>,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    limits: RawLimits,
    schema: Option<Value>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum RawExport {
    Deliver,
    Advise,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct RawLimits {
    memory_mib: Option<u32>,
    time_ms: Option<u32>,
}

impl Manifest {
    /// Reads the text of a `plugin.toml`.
    ///
    /// # Errors
    /// `plugin.load` when it is not valid, `plugin.capability` when it wants something that nobody knows.
    pub fn parse(text: &str) -> Result<Self, PluginError> {
        let bad = |why: String| PluginError::Manifest(format!("the manifest is not valid: {why}"));
        let raw: Raw = toml::from_str(text).map_err(|error| bad(error.to_string().trim().to_owned()))?;
        let contract = match raw.contract.as_str() {
            "0.1" => Contract::V0_1,
            other => {
                return Err(bad(format!(
                    "the contract {other:?} is not known; this hub knows 0.1"
                )));
            }
        };
        if raw.exports.is_empty() {
            return Err(bad("`exports` names neither `deliver` nor `advise`".to_owned()));
        }
        if raw.version.is_empty() || raw.version.len() > 64 {
            return Err(bad("`version` must have 1 to 64 characters".to_owned()));
        }
        let mut wants = Vec::new();
        for word in &raw.capabilities {
            let capability: Capability = word.parse().map_err(|error| PluginError::Capability {
                plugin: raw.name.to_string(),
                why: format!("{error}"),
            })?;
            wants.push(capability);
        }
        Ok(Self {
            name: raw.name,
            version: raw.version,
            contract,
            description: raw.description,
            delivers: raw.exports.contains(&RawExport::Deliver),
            advises: raw.exports.contains(&RawExport::Advise),
            wants: wants.into_iter().collect(),
            memory: raw.limits.memory_mib.map(|mib| u64::from(mib) << 20),
            time_ms: raw.limits.time_ms.map(u64::from),
            schema: raw
                .schema
                .unwrap_or_else(|| serde_json::json!({ "type": "object", "additionalProperties": false })),
        })
    }

    /// Finds and reads the manifest in the bytes of a component.
    ///
    /// # Errors
    /// `plugin.load` when the bytes are no component or hold no valid manifest, and as [`Manifest::parse`].
    pub fn read(wasm: &[u8]) -> Result<Self, PluginError> {
        let bad = |why: &str| PluginError::Manifest(why.to_owned());
        let mut found: Option<&[u8]> = None;
        let mut outermost = true;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload =
                payload.map_err(|error| PluginError::Manifest(format!("no WebAssembly: {error}")))?;
            match payload {
                Payload::Version { encoding, .. } => {
                    if outermost && encoding == Encoding::Module {
                        return Err(bad("a core module, not a component: build for wasm32-wasip2"));
                    }
                    outermost = false;
                }
                Payload::CustomSection(section)
                    if section.name() == SECTION && found.replace(section.data()).is_some() =>
                {
                    return Err(bad("more than one manifest: are two plugins linked into one?"));
                }
                _ => {}
            }
        }
        let bytes =
            found.ok_or_else(|| bad("no manifest: the custom section `ironcore:manifest` is missing"))?;
        if bytes.len() > MAX_MANIFEST {
            return Err(bad("the manifest is too long"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| bad("the manifest is no UTF-8"))?;
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_types::ErrorCode;

    const GOOD: &str = r#"
        name = "email"
        version = "0.1.0"
        contract = "0.1"
        exports = ["deliver"]
        capabilities = ["mail", "templates"]
        [limits]
        memory-mib = 16
        [schema]
        type = "object"
        properties.host = { type = "string", x-destination = true }
    "#;

    #[test]
    fn a_manifest_is_read() {
        let manifest = Manifest::parse(GOOD).expect("manifest");
        assert_eq!(manifest.name.as_str(), "email");
        assert!(manifest.delivers && !manifest.advises);
        assert!(manifest.wants.allows(Capability::Mail) && !manifest.wants.allows(Capability::Http));
        assert_eq!(manifest.memory, Some(16 << 20));
        assert_eq!(manifest.schema["properties"]["host"]["x-destination"], true);
    }

    #[test]
    fn unknown_things_are_refused() {
        let wants = Manifest::parse(&GOOD.replace("\"mail\"", "\"files\"")).expect_err("capability");
        assert_eq!(wants.code(), ErrorCode::PluginCapability);
        assert!(
            wants.to_string().contains("\"files\" is not a capability"),
            "{wants}"
        );
        for (from, to) in [
            ("version = ", "colour = 1\nversion = "),
            ("contract = \"0.1\"", "contract = \"7\""),
            ("[\"deliver\"]", "[]"),
            ("\"email\"", "\"No Slug\""),
            ("memory-mib", "memory"),
        ] {
            let error = Manifest::parse(&GOOD.replace(from, to)).expect_err(to);
            assert_eq!(error.code(), ErrorCode::PluginLoad, "{error}");
        }
    }

    #[test]
    fn bytes_without_a_manifest_are_refused() {
        for (bytes, says) in [
            (&b"hello"[..], "no WebAssembly"),
            (b"\0asm\x01\0\0\0", "core module"),
            (b"\0asm\x0d\0\x01\0", "no manifest"),
        ] {
            let error = Manifest::read(bytes).expect_err(says);
            assert_eq!(error.code(), ErrorCode::PluginLoad);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}

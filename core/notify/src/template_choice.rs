//! The templates that handlers ask for, checked when they are declared: whether there are such, and whether the handler
//! has what they need. A template says the latter in a comment, such as `{{!-- needs values.topic --}}`.

use ironcore_plugin_host::{Capability, Plugin};
use ironcore_types::ErrorCode;
use ironcore_types::objects::Handler;
use serde_json::{Map, Value};

use crate::plugins::HandlerFault;
use crate::templates::Templates;

/// The files that the built-in plugins ask for by the name of a template.
const FILES: [(&str, &[&str]); 2] = [
    (
        "email",
        &[
            "email/NAME/subject.txt",
            "email/NAME/body.txt",
            "email/NAME/body.html",
        ],
    ),
    ("webhook", &["webhook/NAME.json"]),
];
/// Stands for the name.
const NAME: &str = "NAME";

/// What is wrong with the template that a handler asks for. What plugins of others do with a name is theirs alone.
pub(crate) fn faults(
    handler: &Handler,
    plugin: &Plugin,
    builtin: bool,
    templates: &Templates,
) -> Vec<HandlerFault> {
    let Some(name) = &handler.template else {
        return Vec::new();
    };
    let fault = |path: String, code, message| HandlerFault {
        handler: Some(handler.name.clone()),
        path,
        code,
        message,
    };
    if !plugin.manifest().wants.allows(Capability::Templates) {
        let message = format!("the plugin {} uses no templates", plugin.name());
        return vec![fault("template".to_owned(), ErrorCode::PluginConfig, message)];
    }
    let known = FILES
        .iter()
        .find(|(plugin_name, _)| builtin && *plugin_name == plugin.name().as_str());
    let Some((_, patterns)) = known else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let mut missing = Vec::new();
    for pattern in *patterns {
        let file = pattern.replace(NAME, name);
        match templates.needs(&file) {
            None => missing.push(file),
            Some(needs) => {
                let lacking = needs.into_iter().filter(|key| !has(&handler.config, key));
                faults.extend(lacking.map(|key| {
                    let message = format!("the template {name} needs it");
                    fault(format!("config.{key}"), ErrorCode::PluginConfig, message)
                }));
            }
        }
    }
    if !missing.is_empty() {
        let names = chosen(templates, patterns[0]);
        let others = match names.as_slice() {
            [] => "there are none of this kind yet".to_owned(),
            names => format!("there are {}", names.join(", ")),
        };
        let message = format!(
            "there is no file {} among the templates; {others}",
            missing.join(", ")
        );
        faults.push(fault("template".to_owned(), ErrorCode::TemplateInvalid, message));
    }
    faults
}

/// Whether the configuration has the key `MEMBER.KEY`. Keys may hold points, members do not.
fn has(config: &Map<String, Value>, key: &str) -> bool {
    match key.split_once('.') {
        Some((member, key)) => config.get(member).is_some_and(|member| member.get(key).is_some()),
        None => config.contains_key(key),
    }
}

/// The names that there are files for.
fn chosen(templates: &Templates, pattern: &str) -> Vec<String> {
    let (before, after) = pattern.split_once(NAME).unwrap_or((pattern, ""));
    let names = templates.names().into_iter();
    names
        .filter_map(|file| Some(file.strip_prefix(before)?.strip_suffix(after)?.to_owned()))
        .filter(|name| !name.contains('/'))
        .collect()
}

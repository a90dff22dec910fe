//! Handlebars templates: the built-in ones, and an admin's folder that overrides any file of them.
//!
//! A template is named by its path with the extension, such as `email/body.html`; partials are templates like others.
//! Values are escaped for HTML in `.html` templates and written as they are elsewhere, where the `json` helper writes
//! JSON. A value that the context does not have is an error, not an empty text.
//!
//! Nothing here is for the stack of a guest: the parser of templates looks how much of its thread's stack is left, takes
//! another stack for none, and then reads no template at all, the built-in ones neither.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use handlebars::{Context, Handlebars, RenderErrorReason};
use ironcore_types::{ErrorCode, Seams, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::{template_fit, template_helpers, template_nesting, template_place};

#[derive(rust_embed::RustEmbed)]
#[folder = "../../templates"]
struct Builtin;

/// How long a look at the admin's folder counts.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// An override larger than this is refused, bytes.
const LARGEST: u64 = 1 << 20;

/// Why nothing was rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is no template of this name.
    #[error("there is no template {name:?}; it was looked for {looked}")]
    NotFound {
        /// Its name.
        name: String,
        /// Where it was looked for, in words.
        looked: String,
    },
    /// The template cannot be read, or not with these values.
    #[error("{}: {message}", template_place::named(file, *line, *column))]
    Invalid {
        /// Its file, or `built-in/NAME`.
        file: String,
        /// From 1; 0 when not known.
        line: u32,
        /// From 1; 0 when not known.
        column: u32,
        /// What is wrong.
        message: String,
    },
}

impl TemplateError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::TemplateInvalid
    }
}

/// All templates, cheap to clone.
#[derive(Clone)]
pub struct Templates {
    shared: Arc<Shared>,
}

struct Shared {
    admin: Option<PathBuf>,
    /// The admin's folder where these stand for those of it, with one in the place of another.
    instead_of: Option<PathBuf>,
    seams: Seams,
    state: Mutex<State>,
    /// The built-in templates alone, for when an override does not work; none where nothing is overridden.
    builtin: Option<Arc<Set>>,
}

/// What a template made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// Why the admin's own template did not make it, when the built-in one had to.
    pub fallback: Option<TemplateError>,
}

struct State {
    looked: Timestamp,
    files: BTreeMap<String, Stamp>,
    set: Arc<Set>,
}

/// What tells that a file is another than before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    modified: Option<std::time::SystemTime>,
    length: u64,
}

struct Set {
    html: Handlebars<'static>,
    plain: Handlebars<'static>,
    files: BTreeMap<String, String>,
    sources: BTreeMap<String, String>,
    broken: BTreeMap<String, TemplateError>,
    needs: BTreeMap<String, Vec<String>>,
    /// What each includes.
    includes: BTreeMap<String, Vec<String>>,
    /// Whether any of them is not a built-in one.
    overridden: bool,
}

impl Templates {
    /// The built-in templates, and those of `admin` before them. A file there that is no template is an error only
    /// when it is rendered; [`Templates::faults`] tells beforehand. How messages go out all the same is in
    /// [`Templates::render_anyhow`].
    pub fn new(admin: Option<PathBuf>, seams: Seams) -> Self {
        let files = admin.as_deref().map(scan).unwrap_or_default();
        let builtin = admin.is_some().then(|| Arc::new(Set::compile(&BTreeMap::new())));
        let state = State {
            looked: seams.now(),
            set: Set::of(&files, builtin.as_ref()),
            files,
        };
        Self {
            shared: Arc::new(Shared {
                admin,
                instead_of: None,
                seams,
                state: Mutex::new(state),
                builtin,
            }),
        }
    }

    /// These templates as they are now, with this text in the place of one of them: to see what it makes. Nothing takes
    /// its place when it does not work.
    pub fn with(&self, name: &str, text: &str) -> Result<Self, TemplateError> {
        let (looked, files) = {
            let _current = self.current();
            let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.looked, state.files.clone())
        };
        let mut set = Set::compile(&files);
        set.broken.remove(name);
        set.overridden = true;
        set.add(name, name.to_owned(), text);
        set.leave_out_endless();
        if let Some(error) = set.broken.get(name) {
            return Err(error.clone());
        }
        let state = State {
            looked,
            files,
            set: Arc::new(set),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                admin: None,
                instead_of: self.shared.admin.clone(),
                seams: self.shared.seams.clone(),
                state: Mutex::new(state),
                builtin: None,
            }),
        })
    }

    /// As [`render`](Self::render); but where the admin's own templates do not work, the built-in one makes the text, if
    /// there is one of that name: a message must not wait for a template to be mended. What a `.json` template of the
    /// admin makes must be JSON.
    pub fn render_anyhow(&self, name: &str, context: Value) -> Result<Rendered, TemplateError> {
        let (set, context) = (self.current(), Context::from(context));
        let made = self.made(&set, name, &context);
        let error = match made.and_then(|text| set.check(name, text, &context)) {
            Ok(text) => {
                return Ok(Rendered { text, fallback: None });
            }
            Err(error) => error,
        };
        let builtin = self.shared.builtin.as_ref();
        let spare = builtin.filter(|builtin| set.overridden && builtin.files.contains_key(name));
        let text = spare.and_then(|builtin| builtin.registry(name).render_with_context(name, &context).ok());
        match text {
            Some(text) => Ok(Rendered {
                text,
                fallback: Some(error),
            }),
            None => Err(error),
        }
    }

    /// Renders the template `name` with `context`. Changes in the admin's folder count within a second.
    pub fn render(&self, name: &str, context: &impl Serialize) -> Result<String, TemplateError> {
        let set = self.current();
        let context = Context::wraps(context).map_err(|error| self.render_error(&set, name, &error))?;
        self.made(&set, name, &context)
    }

    /// What the template makes.
    fn made(&self, set: &Set, name: &str, context: &Context) -> Result<String, TemplateError> {
        if let Some(error) = set.broken.get(name) {
            return Err(error.clone());
        }
        let registry = set.registry(name);
        if !registry.has_template(name) {
            return Err(self.not_found(name));
        }
        registry
            .render_with_context(name, context)
            .map_err(|error| self.render_error(set, name, &error))
    }

    /// What a template says that it needs of the configuration of a handler, as keys; none when there is no such template.
    pub(crate) fn needs(&self, name: &str) -> Option<Vec<String>> {
        let set = self.current();
        let file = set.files.contains_key(name);
        file.then(|| set.needs.get(name).cloned().unwrap_or_default())
    }

    /// The names of all templates.
    pub fn names(&self) -> Vec<String> {
        let set = self.current();
        set.files.keys().cloned().collect()
    }

    /// Everything that is wrong with templates as they stand.
    pub fn faults(&self) -> Vec<TemplateError> {
        self.current().broken.values().cloned().collect()
    }

    fn current(&self) -> Arc<Set> {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = &self.shared.admin {
            let now = self.shared.seams.now();
            if now.since(state.looked) >= LOOK_AGAIN || now < state.looked {
                state.looked = now;
                let files = scan(folder);
                if files != state.files {
                    tracing::info!(folder = %folder.display(), files = files.len(), "templates have changed");
                    state.set = Set::of(&files, self.shared.builtin.as_ref());
                    state.files = files;
                }
            }
        }
        Arc::clone(&state.set)
    }

    fn not_found(&self, name: &str) -> TemplateError {
        let looked = match self.shared.admin.as_ref().or(self.shared.instead_of.as_ref()) {
            Some(folder) => format!(
                "at {} and among the built-in templates",
                folder.join(name).display()
            ),
            None => "among the built-in templates; there is no folder for others".to_owned(),
        };
        TemplateError::NotFound {
            name: name.to_owned(),
            looked,
        }
    }

    fn render_error(&self, set: &Set, name: &str, error: &handlebars::RenderError) -> TemplateError {
        if let RenderErrorReason::PartialNotFound(partial) = error.reason()
            && let Some(broken) = set.broken.get(partial)
        {
            return broken.clone();
        }
        let at = error.template_name.as_deref().unwrap_or(name);
        let message = match error.reason() {
            RenderErrorReason::MissingVariable(Some(path)) => format!("there is no value {path}"),
            RenderErrorReason::PartialNotFound(partial) => self.not_found(partial).to_string(),
            reason => reason.to_string(),
        };
        TemplateError::Invalid {
            file: set.files.get(at).cloned().unwrap_or_else(|| at.to_owned()),
            line: number(error.line_no),
            column: number(error.column_no),
            message,
        }
    }
}

impl Set {
    /// The templates with these files before them: the built-in ones as they were compiled already where there are none.
    fn of(files: &BTreeMap<String, Stamp>, builtin: Option<&Arc<Self>>) -> Arc<Self> {
        match builtin {
            Some(builtin) if files.is_empty() => Arc::clone(builtin),
            _ => Arc::new(Self::compile(files)),
        }
    }

    /// What must be JSON is JSON.
    fn check(&self, name: &str, text: String, context: &Context) -> Result<String, TemplateError> {
        let json = Path::new(name).extension().is_some_and(|found| found == "json");
        if !json || !self.overridden {
            return Ok(text);
        }
        let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text) else {
            return Ok(text);
        };
        let source = |template: &str| self.sources.get(template).map(String::as_str);
        let place = template_place::of(self.registry(name), name, context, &text, &error, source);
        // Without a place in the template, that in the text is all there is.
        let (template, line, column) = place.unwrap_or_else(|| (name.to_owned(), 0, 0));
        Err(TemplateError::Invalid {
            file: self.files.get(&template).cloned().unwrap_or(template),
            line,
            column,
            message: template_place::no_json(&error),
        })
    }

    fn compile(overrides: &BTreeMap<String, Stamp>) -> Self {
        let mut set = Self {
            html: registry(true),
            plain: registry(false),
            files: BTreeMap::new(),
            sources: BTreeMap::new(),
            broken: BTreeMap::new(),
            needs: BTreeMap::new(),
            includes: BTreeMap::new(),
            overridden: !overrides.is_empty(),
        };
        for name in Builtin::iter() {
            if is_template(Path::new(name.as_ref()))
                && !overrides.contains_key(name.as_ref())
                && let Some(file) = Builtin::get(&name)
            {
                set.add(
                    &name,
                    format!("built-in/{name}"),
                    &String::from_utf8_lossy(&file.data),
                );
            }
        }
        for (name, stamp) in overrides {
            let file = stamp.path.display().to_string();
            match read(stamp) {
                Ok(text) => set.add(name, file, &text),
                Err(message) => {
                    let error = TemplateError::Invalid {
                        file: file.clone(),
                        line: 0,
                        column: 0,
                        message,
                    };
                    set.files.insert(name.clone(), file);
                    set.broken.insert(name.clone(), error);
                }
            }
        }
        set.leave_out_endless();
        set
    }

    /// Takes out what would never come to an end.
    fn leave_out_endless(&mut self) {
        for (name, message) in template_nesting::endless(&self.includes) {
            self.leave_out(&name, (0, 0), message);
        }
    }

    fn leave_out(&mut self, name: &str, (line, column): (usize, usize), message: String) {
        let fault = TemplateError::Invalid {
            file: self.files.get(name).cloned().unwrap_or_else(|| name.to_owned()),
            line: number(Some(line)),
            column: number(Some(column)),
            message,
        };
        tracing::warn!("{fault}");
        self.html.unregister_template(name);
        self.plain.unregister_template(name);
        self.includes.remove(name);
        self.broken.insert(name.to_owned(), fault);
    }

    fn registry(&self, name: &str) -> &Handlebars<'static> {
        if is_html(name) { &self.html } else { &self.plain }
    }

    fn add(&mut self, name: &str, file: String, text: &str) {
        self.files.insert(name.to_owned(), file);
        self.sources.insert(name.to_owned(), text.to_owned());
        self.needs.insert(name.to_owned(), needs(text));
        if let Some((line, message)) = template_nesting::too_deep(text) {
            return self.leave_out(name, (line, 0), message);
        }
        let added = self
            .html
            .register_template_string(name, text)
            .and_then(|()| self.plain.register_template_string(name, text));
        if let Err(error) = added {
            let place = error.pos().unwrap_or_default();
            return self.leave_out(name, place, error.reason().to_string());
        }
        match self.plain.get_template(name).map(template_nesting::included) {
            Some(Ok(names)) => {
                self.includes.insert(name.to_owned(), names);
            }
            Some(Err(why)) => self.leave_out(name, (0, 0), why.to_owned()),
            None => {}
        }
    }
}

/// What stands in comments such as `{{!-- needs values.topic --}}`.
fn needs(text: &str) -> Vec<String> {
    let comments = text
        .split("{{!")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next());
    let words = comments.filter_map(|comment| comment.trim_matches('-').trim().strip_prefix("needs "));
    let keys = words.flat_map(str::split_whitespace);
    keys.map(str::to_owned).collect()
}

fn registry(html: bool) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.set_prevent_indent(true);
    if !html {
        registry.register_escape_fn(handlebars::no_escape);
    }
    template_helpers::register(&mut registry);
    template_fit::register(&mut registry);
    registry
}

/// Other files, such as a README, may lie beside templates.
fn is_template(path: &Path) -> bool {
    path.extension()
        .is_some_and(|found| ["html", "txt", "json"].iter().any(|known| found == *known))
}

fn is_html(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "html")
}

fn number(value: Option<usize>) -> u32 {
    value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
}

fn read(stamp: &Stamp) -> Result<String, String> {
    if stamp.length > LARGEST {
        return Err(format!(
            "it is larger than {} KiB, which no template should be",
            LARGEST >> 10
        ));
    }
    std::fs::read_to_string(&stamp.path).map_err(|error| format!("it cannot be read: {error}"))
}

/// The template files of a folder, by name. A folder that cannot be read has none.
fn scan(folder: &Path) -> BTreeMap<String, Stamp> {
    let mut found = BTreeMap::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(next) = todo.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(meta) = std::fs::metadata(&path) else {
                continue;
            };
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            // Nesting deeper than any built-in name would only be a loop of links.
            if hidden || path.components().count() > folder.components().count() + 8 {
                continue;
            } else if meta.is_dir() {
                todo.push(path);
            } else if is_template(&path)
                && let Ok(relative) = path.strip_prefix(folder)
            {
                let parts: Vec<_> = relative
                    .components()
                    .map(|part| part.as_os_str().to_string_lossy())
                    .collect();
                let stamp = Stamp {
                    modified: meta.modified().ok(),
                    length: meta.len(),
                    path: path.clone(),
                };
                found.insert(parts.join("/"), stamp);
            }
        }
    }
    found
}

#[cfg(test)]
#[path = "templates_tests.rs"]
mod tests;

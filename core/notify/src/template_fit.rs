//! The helpers of templates that make texts fit their receiver and show an event at a glance: `cut`, `line`, `text`,
//! `key`, `address`, `pick`, `default`, `first`, `worst`, `more`, `elapsed`, `facts`, `topic` and `outcome`.
//!
//! How they do it is in [`fit`](crate::fit) and [`event_view`](crate::event_view).

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason, Renderable as _, ScopedJson, StringOutput,
};
use serde_json::{Value, json};

use crate::event_view;
use crate::fit::{self, Markup, Unit};
use crate::template_helpers::{NOTHING, kind, other, parameter};

/// Makes the helpers known to a registry.
pub(crate) fn register(registry: &mut Handlebars<'static>) {
    let values: [(&'static str, Make); 12] = [
        ("cut", |helper| fitted(helper, "cut", fit::cut)),
        ("line", |helper| fitted(helper, "line", fit::line)),
        ("address", address),
        ("pick", pick),
        ("default", default),
        ("first", first),
        ("worst", worst),
        ("more", more),
        ("elapsed", elapsed),
        ("facts", |helper| {
            Ok(event_view::facts(parameter(helper, "facts")?))
        }),
        ("topic", |helper| {
            Ok(match parameter(helper, "topic")? {
                Value::Array(events) => event_view::topic_of(events).into(),
                event => event_view::topic(event).into(),
            })
        }),
        ("outcome", |helper| {
            // Of an incident, when one is given: what is over is, whatever its last event was.
            let incident = helper.param(1).map(|param| &param.value()["resolved"]);
            Ok(match incident.and_then(Value::as_bool) {
                Some(true) => "recovered".into(),
                Some(false) => "problem".into(),
                None => match parameter(helper, "outcome")? {
                    Value::Array(events) => event_view::outcome_of(events).into(),
                    event => event_view::outcome(event).into(),
                },
            })
        }),
    ];
    for (name, make) in values {
        registry.register_helper(name, Box::new(Made(make)));
    }
    registry.register_helper("text", Box::new(text));
    registry.register_helper("key", Box::new(key));
}

type Make = fn(&Helper<'_>) -> Result<Value, RenderError>;

/// A helper that makes a value, to be written or to be given to another helper.
struct Made(Make);

impl HelperDef for Made {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        (self.0)(helper).map(ScopedJson::Derived)
    }
}

/// `cut VALUE MOST`, `line VALUE MOST`: with `unit=` and `markup=` when it is not plain text counted in UTF-16.
fn fitted(
    helper: &Helper<'_>,
    name: &'static str,
    fit: fn(&str, usize, Unit, Markup) -> String,
) -> Result<Value, RenderError> {
    let text = match parameter(helper, name)? {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
        value => return Err(other(format!("{name} takes a text, not {}", kind(value)))),
    };
    let markup = match helper.hash_get("markup").map(|markup| markup.value()) {
        None => Markup::None,
        Some(value) => value.as_str().and_then(Markup::read).ok_or_else(|| {
            other(format!(
                "{name} knows the markup slack, discord, teams and mattermost, not {value}"
            ))
        })?,
    };
    let fitted = fit(&text, number(helper, name, 1)?, unit(helper, name)?, markup);
    // Receivers refuse empty texts, and people wonder at them.
    Ok(if fitted.is_empty() {
        NOTHING.into()
    } else {
        fitted.into()
    })
}

fn unit(helper: &Helper<'_>, name: &str) -> Result<Unit, RenderError> {
    match helper.hash_get("unit").map(|unit| unit.value()) {
        None => Ok(Unit::Utf16),
        Some(value) => value
            .as_str()
            .and_then(Unit::read)
            .ok_or_else(|| other(format!("{name} counts utf16, characters or bytes, not {value}"))),
    }
}

fn number(helper: &Helper<'_>, name: &'static str, at: usize) -> Result<usize, RenderError> {
    helper
        .param(at)
        .and_then(|value| value.value().as_u64())
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| other(format!("{name} takes a number after its value")))
}

/// `address VALUE MOST`: the address, or null when it is none that can be followed.
fn address(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let most = number(helper, "address", 1)?;
    let address = parameter(helper, "address")?
        .as_str()
        .and_then(|text| fit::address(text, most));
    Ok(address.into())
}

/// `pick VALUE one=… two=… other=…`: the one that is named like the value.
fn pick(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let value = parameter(helper, "pick")?;
    let picked = value.as_str().and_then(|name| helper.hash_get(name));
    match picked.or_else(|| helper.hash_get("other")) {
        Some(picked) => Ok(picked.value().clone()),
        None => Err(other(format!("pick has nothing for {value}, and no `other`"))),
    }
}

/// `default VALUE ANOTHER`: the other when there is no such value, or null.
fn default(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let wanted = helper
        .param(0)
        .filter(|value| !value.is_value_missing() && !value.value().is_null());
    let value = wanted.or_else(|| helper.param(1));
    Ok(value
        .ok_or(RenderErrorReason::ParamNotFoundForIndex("default", 1))?
        .value()
        .clone())
}

/// `first LIST N`: at most so many of a list.
fn first(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let most = number(helper, "first", 1)?;
    match parameter(helper, "first")? {
        Value::Null => Ok(json!([])),
        Value::Array(items) => Ok(items.iter().take(most).cloned().collect()),
        value => Err(other(format!("first takes a list, not {}", kind(value)))),
    }
}

/// `worst EVENTS N`: at most so many events, the worst of them.
fn worst(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let most = number(helper, "worst", 1)?;
    match parameter(helper, "worst")? {
        Value::Array(events) => Ok(event_view::worst(events, most).into()),
        value => Err(other(format!(
            "worst takes a list of events, not {}",
            kind(value)
        ))),
    }
}

/// `more LIST N`: how many a list has beyond the first N, or how much greater a number is.
fn more(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let shown = number(helper, "more", 1)?;
    let all = match parameter(helper, "more")? {
        Value::Null => 0,
        Value::Array(items) => items.len(),
        value => value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| other(format!("more takes a list or a number, not {}", kind(value))))?,
    };
    Ok(all.saturating_sub(shown).into())
}

/// `elapsed FROM TO`: the time between them.
fn elapsed(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let to = helper
        .param(1)
        .ok_or(RenderErrorReason::ParamNotFoundForIndex("elapsed", 1))?;
    let elapsed = event_view::elapsed(parameter(helper, "elapsed")?, to.value());
    Ok(elapsed.unwrap_or_else(|| NOTHING.to_owned()).into())
}

/// `{{#text MOST}}…{{/text}}`: what stands inside, as one JSON text; `spread=true` parts all lines by an empty one.
fn text<'reg, 'rc>(
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    render: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    let (most, unit) = (number(helper, "text", 0)?, unit(helper, "text")?);
    let spread = helper
        .hash_get("spread")
        .is_some_and(|spread| spread.value() == true);
    let inside = inside(helper, registry, context, render)?;
    written(&fit::lines(&inside, most, unit, spread), registry, out)
}

/// `{{#key MOST}}…{{/key}}`: what stands inside, as one JSON text that is different for different texts.
fn key<'reg, 'rc>(
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    render: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    let most = number(helper, "key", 0)?;
    let inside = inside(helper, registry, context, render)?;
    written(&fit::key(&inside, most), registry, out)
}

fn inside<'reg, 'rc>(
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    render: &mut RenderContext<'reg, 'rc>,
) -> Result<String, RenderError> {
    let mut inside = StringOutput::new();
    if let Some(template) = helper.template() {
        template.render(registry, context, render, &mut inside)?;
    }
    inside.into_string().map_err(RenderError::from)
}

fn written(text: &str, registry: &Handlebars<'_>, out: &mut dyn Output) -> HelperResult {
    let json = serde_json::to_string(text).map_err(RenderErrorReason::from)?;
    out.write(&registry.get_escape_fn()(&json))?;
    Ok(())
}

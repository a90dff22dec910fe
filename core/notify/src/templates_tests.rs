//! Tests of templates: overriding, escaping, and errors that say where.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ironcore_types::seams::{Clock, Moment, Random};
use serde_json::json;

use super::*;

#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
    fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {})
    }
    fn moment(&self) -> Moment {
        Moment::default()
    }
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {})
    }
}

struct Zero;

impl Random for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn with(files: &[(&str, &str)]) -> (tempfile::TempDir, Arc<Hands>, Templates) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        put(folder.path(), name, text);
    }
    let hands = Arc::new(Hands::default());
    let seams = Seams::new(Arc::clone(&hands) as Arc<dyn Clock>, Arc::new(Zero));
    let templates = Templates::new(Some(folder.path().to_owned()), seams);
    (folder, hands, templates)
}

fn put(folder: &Path, name: &str, text: &str) {
    use std::io::Write as _;
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let mut file = std::fs::File::create(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}

#[test]
fn html_is_escaped_and_text_and_json_are_not() {
    let (_folder, _, templates) = with(&[
        ("t/a.html", "<b>{{title}}</b> {{upper title}}"),
        ("t/a.txt", "{{title}}"),
        ("t/a.json", "{\"title\": {{json title}}}"),
    ]);
    let context = json!({ "title": "<a> & \"b\"" });
    assert_eq!(
        templates.render("t/a.html", &context).expect("renders"),
        "<b>&lt;a&gt; &amp; &quot;b&quot;</b> &lt;A&gt; &amp; &quot;B&quot;"
    );
    assert_eq!(
        templates.render("t/a.txt", &context).expect("renders"),
        "<a> & \"b\""
    );
    let json: serde_json::Value =
        serde_json::from_str(&templates.render("t/a.json", &context).expect("renders")).expect("valid JSON");
    assert_eq!(json, json!({ "title": "<a> & \"b\"" }));
}

#[test]
fn advice_in_mails_keeps_the_backticks_of_its_evidence_and_of_its_commands() {
    let (_folder, _, templates) = with(&[]);
    let tip = json!({ "title": "Look", "events": 1, "why": "It is not there.\npath: it's `x` <b>&",
        "steps": [r"Run ``ls '/srv/it'\''s `x` <b>&'`` or `df -h`."], "link": null });
    let context = json!({ "tips": [tip], "links": links() });
    let html = templates.render("email/tips.html", &context).expect("renders");
    let shown = html.replace("&#x60;", "`").replace("&#x27;", "'");
    let shown = shown.replace(" style=\"font-family:monospace;overflow-wrap:anywhere;\"", "");
    assert!(shown.contains("path: it's `x` &lt;b&gt;&amp;</p>"), "{shown}");
    assert!(
        shown.contains(r"Run <code>ls '/srv/it'\''s `x` &lt;b&gt;&amp;'</code> or <code>df -h</code>."),
        "{shown}"
    );
}

#[test]
fn helpers_make_texts_that_fit() {
    let context = json!({ "title": "a *b*\n<c>", "list": [1, 2, 3], "level": "error", "nothing": null });
    let shown = |text: &str| {
        let (_folder, _, templates) = with(&[("t/a.json", text)]);
        templates
            .render("t/a.json", &context)
            .map_err(|error| error.to_string())
    };
    for (text, wanted) in [
        ("{{line title 9}}", "a *b* <c>"),
        ("{{line title 6}}", "a *b*…"),
        ("{{cut title 99 markup=\"discord\"}}", "a \\*b\\*\n\\<c\\>"),
        ("{{line nothing 9}} {{line \"\" 9}}", "– –"),
        (
            "{{#text 99}}\n{{line title 99 markup=\"slack\"}}\n{{/text}}",
            "\"a *b* &lt;c&gt;\"",
        ),
        ("{{#text 99 spread=true}}a\nb{{/text}}", "\"a\\n\\nb\""),
        ("{{#key 9}}{{title}}{{/key}}", "\"a *b* <c>\""),
        (
            "{{pick level error=1 other=2}}{{pick title error=1 other=2}}",
            "12",
        ),
        (
            "{{default nothing \"x\"}}{{default gone.away \"y\"}}{{default level \"z\"}}",
            "xyerror",
        ),
        (
            "{{#each (first list 2)}}{{this}}{{/each}}+{{more list 2}}+{{more 9 2}}",
            "12+1+7",
        ),
        ("{{json (address \"ftp://a.example\" 99)}}", "null"),
    ] {
        assert_eq!(shown(text).as_deref(), Ok(wanted), "{text}");
    }
    for (text, why) in [
        ("{{line title}}", "line takes a number"),
        ("{{line list 9}}", "line takes a text, not a list"),
        ("{{line title 9 markup=\"wiki\"}}", "not \"wiki\""),
        (
            "{{#text 9 unit=\"words\"}}a{{/text}}",
            "text counts utf16, characters or bytes",
        ),
        ("{{pick title error=1}}", "no `other`"),
        ("{{line gone.away 9}}", "there is no value gone.away"),
    ] {
        let error = shown(text).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_value_that_is_not_there_is_an_error_with_file_and_line() {
    let (folder, _, templates) = with(&[("t/a.txt", "one\ntwo\n{{ event.nothing }}")]);
    let error = templates
        .render("t/a.txt", &json!({ "event": {} }))
        .expect_err("no such value");
    let TemplateError::Invalid {
        file, line, message, ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(file, &folder.path().join("t/a.txt").display().to_string());
    assert_eq!(*line, 3);
    assert!(message.contains("event.nothing"), "{message}");
    assert_eq!(error.code(), ErrorCode::TemplateInvalid);
}

#[test]
fn a_template_that_cannot_be_read_says_where_and_so_do_those_that_use_it() {
    let (_folder, _, templates) = with(&[
        ("t/bad.txt", "fine\n{{#if x}}\nno end"),
        ("t/uses.txt", "{{> t/bad.txt}}"),
    ]);
    for name in ["t/bad.txt", "t/uses.txt"] {
        let error = templates
            .render(name, &json!({ "x": true }))
            .expect_err("cannot be read")
            .to_string();
        assert!(error.contains("t/bad.txt:"), "{error}");
    }
    assert_eq!(templates.faults().len(), 1);
}

#[test]
fn a_missing_template_says_where_it_was_looked_for() {
    let (folder, _, templates) = with(&[]);
    let error = templates
        .render("t/none.txt", &json!({}))
        .expect_err("missing")
        .to_string();
    assert!(
        error.contains(&folder.path().join("t/none.txt").display().to_string()),
        "{error}"
    );
    assert!(error.contains("built-in"), "{error}");
}

#[test]
fn an_override_counts_when_it_appears_and_when_it_goes() {
    let (folder, hands, templates) = with(&[]);
    let name = templates.names().into_iter().find(|name| name.ends_with(".txt"));
    let Some(name) = name else {
        panic!("there are no built-in templates")
    };
    put(folder.path(), &name, "mine");
    assert_ne!(templates.render(&name, &json!({})).ok().as_deref(), Some("mine"));
    hands.0.fetch_add(2, Ordering::SeqCst);
    assert_eq!(templates.render(&name, &json!({})).expect("renders"), "mine");
    std::fs::remove_file(folder.path().join(&name)).expect("removed");
    hands.0.fetch_add(2, Ordering::SeqCst);
    assert_ne!(templates.render(&name, &json!({})).ok().as_deref(), Some("mine"));
}

#[test]
fn names_do_not_leave_the_folder() {
    let (_folder, _, templates) = with(&[]);
    for name in ["../secret.txt", "/etc/passwd", ""] {
        assert!(
            matches!(
                templates.render(name, &json!({})),
                Err(TemplateError::NotFound { .. })
            ),
            "{name}"
        );
    }
}

#[test]
fn where_an_override_does_not_work_the_built_in_template_does_and_it_is_said() {
    let name = "webhook/generic.json";
    let context = json!({ "title": "t" });
    // A template that cannot be read, one that asks for what is not there, one that makes no JSON, and a partial.
    for (file, text, why) in [
        (name, "{\n  {{#if title}}", "generic.json:"),
        (name, "{\n\n \"a\": {{json gone}} }", ":3:"),
        (name, "no JSON", "what it makes is not JSON"),
    ] {
        let (_folder, _, templates) = with(&[(file, text)]);
        let builtin = Templates::new(None, templates.shared.seams.clone());
        let error = builtin.render(name, &context).expect_err("it asks for an event");
        // With nothing that works, what is wrong with the override is told.
        let wrong = templates
            .render_anyhow(name, context.clone())
            .expect_err("nothing works");
        assert_ne!(wrong, error);
        assert!(wrong.to_string().contains(why), "{wrong}");
        let (_folder, _, templates) = with(&[(file, text), ("t/other.txt", "x")]);
        let event = json!({ "event": event(), "severity": "error", "hub": { "name": "h", "id": "i" }, "links": links(), "tips": [],
            "events": [event()], "incident": null, "values": {}, "extra": {}, "message": { "id": "m", "kind": "event", "thread": "t", "attempt": 1 } });
        let rendered = templates
            .render_anyhow(name, event.clone())
            .expect("the built-in one");
        assert_eq!(Ok(rendered.text), builtin.render(name, &event));
        let why_not = rendered.fallback.expect("it is said").to_string();
        assert!(
            why_not.contains(file) && !why_not.contains("built-in"),
            "{why_not}"
        );
    }
    let (_folder, _, templates) = with(&[("t/mine.txt", "{{gone}}")]);
    let error = templates
        .render_anyhow("t/mine.txt", context.clone())
        .expect_err("there is no other");
    assert!(error.to_string().contains("there is no value gone"), "{error}");
    let fine = with(&[(name, "{ \"title\": {{json title}} }")]);
    let rendered = fine.2.render_anyhow(name, context).expect("it works");
    assert_eq!(
        (rendered.text.as_str(), rendered.fallback),
        ("{ \"title\": \"t\" }", None)
    );
}

#[test]
fn a_template_is_tried_in_the_place_of_another() {
    let (_folder, _, templates) = with(&[("t/a.txt", "mine {{> t/part.txt}}"), ("t/part.txt", "part")]);
    let context = json!({ "title": "t" });
    let tried = templates
        .with("t/part.txt", "tried {{title}}")
        .expect("it can be read");
    assert_eq!(tried.render("t/a.txt", &context).as_deref(), Ok("mine tried t"));
    assert_eq!(templates.render("t/a.txt", &context).as_deref(), Ok("mine part"));
    let broken = templates
        .with("t/part.txt", "one\n{{#if title}}")
        .err()
        .expect("it cannot");
    assert!(broken.to_string().starts_with("t/part.txt:"), "{broken}");
    // Its own faults are told, and no built-in template hides them.
    let tried = templates
        .with("webhook/generic.json", "{{gone}}")
        .expect("it can be read");
    let error = tried
        .render_anyhow("webhook/generic.json", context)
        .expect_err("it does not work");
    assert!(
        error.to_string().starts_with("webhook/generic.json:1:"),
        "{error}"
    );
}

fn event() -> serde_json::Value {
    json!({ "id": "e", "type": "ironcore.system.started", "subject": null, "time": "2026-05-21T00:00:00Z", "source": "s",
        "data": { "project": null, "severity": "info", "title": "t", "task": null, "snapshot": null,
            "verification": null, "job": null, "datastore": null, "node": null, "delivery": null, "actor": null,
            "error": null } })
}

fn links() -> serde_json::Value {
    json!({ "dashboard": null, "task": null, "log": null })
}

#[test]
fn what_goes_round_or_too_deep_falls_back_and_says_so() {
    let deep = "{{#if a}}".repeat(3_000);
    let around = "{{#*inline \"a\"}}{{> b}}{{/inline}}{{#*inline \"b\"}}{{> a}}{{/inline}}{{> a}}";
    let cases: [(&[(&str, &str)], &str); 3] = [
        (
            &[
                ("webhook/parts/title.txt", "A {{> webhook/parts/problem.txt}}"),
                ("webhook/parts/problem.txt", "B {{> webhook/parts/title.txt}}"),
            ],
            "includes itself",
        ),
        (&[("webhook/parts/title.txt", &deep)], "within one another"),
        (&[("webhook/parts/title.txt", around)], "inline"),
    ];
    for (files, why) in cases {
        let (_folder, _, templates) = with(files);
        assert!(
            templates.faults()[0].to_string().contains(why),
            "{:?}",
            templates.faults()
        );
        let error = templates
            .render("webhook/parts/title.txt", &json!({}))
            .expect_err("broken");
        assert!(error.to_string().contains(why), "{error}");
        // So it is with what is only tried.
        let tried = with(&[]).2.with(
            "mine.txt",
            files[0]
                .1
                .replace("webhook/parts/problem.txt", "mine.txt")
                .as_str(),
        );
        assert!(tried.is_err(), "{why}");
    }
    // As deep as is allowed, all of it within one another.
    let blocks = |inner: &str| format!("{}{inner}{}", "{{#if a}}".repeat(32), "{{/if}}".repeat(32));
    let names: Vec<String> = (0..8).map(|number| format!("deep/{number}.txt")).collect();
    let texts: Vec<String> = (1..9)
        .map(|next| {
            blocks(
                &names
                    .get(next)
                    .map_or_else(String::new, |name| format!("{{{{> {name}}}}}")),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(texts.iter().map(String::as_str))
        .collect();
    let (_folder, _, templates) = with(&files);
    assert_eq!(
        templates.render("deep/0.txt", &json!({ "a": true })),
        Ok(String::new())
    );
}

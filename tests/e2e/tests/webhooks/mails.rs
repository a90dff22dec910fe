//! The pages of mails, as people see them: in a narrow window of a real browser, and as plain text.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use ironcore_notify::Templates;
use ironcore_plugin_host::Delivery;
use ironcore_testkit::clock::ManualClock;
use ironcore_testkit::events::{monstrous, monstrous_texts, of_type, samples};
use ironcore_types::EventType;
use serde_json::json;

use crate::templates::{delivery, tip};

/// As wide as a small phone.
const NARROW: u32 = 360;

struct Page {
    name: String,
    html: String,
    text: String,
}

fn page(templates: &Templates, name: &str, delivery: &Delivery) -> Result<Page> {
    let extra = json!({ "prefix": "[backup]", "color": "#b3261e", "status": "FAILED" });
    let context = delivery.context(extra);
    Ok(Page {
        name: name.to_owned(),
        html: templates.render("email/body.html", &context)?,
        text: templates.render("email/body.txt", &context)?,
    })
}

/// Every event, all of them in one mail, and all with texts that nobody should write.
fn pages() -> Result<Vec<Page>> {
    let clock = ManualClock::at("2026-05-21T02:00:00Z");
    let templates = Templates::new(None, clock.seams());
    let mut pages = Vec::new();
    for event in samples() {
        let name = event.event_type.to_string();
        pages.push(page(&templates, &name, &delivery(vec![event], vec![tip("")]))?);
    }
    let digest = delivery(samples(), vec![tip("")]);
    pages.push(page(&templates, "digest", &digest)?);
    for (what, text) in monstrous_texts() {
        for kind in [
            EventType::TaskFailed,
            EventType::SnapshotVerified,
            EventType::DeliveryExhausted,
        ] {
            let event = monstrous(&of_type(kind), &text);
            let name = format!("{kind} of {what}");
            pages.push(page(&templates, &name, &delivery(vec![event], vec![tip(&text)]))?);
        }
        let all = samples().iter().map(|event| monstrous(event, &text)).collect();
        pages.push(page(
            &templates,
            &format!("digest of {what}"),
            &delivery(all, Vec::new()),
        )?);
    }
    Ok(pages)
}

fn browser(args: &[&str]) -> Result<String> {
    let profile = tempfile::tempdir()?;
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("chromium is needed: run cargo xtask test, which installs it")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::io::Write::write_all(&mut std::fs::File::create(path)?, text.as_bytes())?;
    Ok(())
}

/// The text within an attribute.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;")
}

/// How wide each page is in a narrow window, by a page of frames that the browser measures.
fn widths(pages: &[Page]) -> Result<Vec<u64>> {
    const MEASURE: &str = "addEventListener('load', () => { document.body.textContent = JSON.stringify(
        [...document.querySelectorAll('iframe')].map((frame) => frame.contentDocument.documentElement.scrollWidth)); });";
    let frames: String = pages
        .iter()
        .map(|page| {
            let html = attribute(&page.html);
            format!("<iframe srcdoc=\"{html}\" style=\"border:0;width:{NARROW}px;height:600px\"></iframe>\n")
        })
        .collect();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("frames.html");
    write(
        &file,
        &format!("<!DOCTYPE html><body>{frames}<script>{MEASURE}</script></body>"),
    )?;
    let dom = browser(&["--dump-dom", &format!("file://{}", file.display())])?;
    let list = dom
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .with_context(|| format!("no widths in {dom}"))?;
    Ok(serde_json::from_str(&format!("[{}]", list.0))?)
}

#[test]
fn mails_read_well_in_a_narrow_window() -> Result<()> {
    let pages = pages()?;
    let widths = widths(&pages)?;
    ensure!(widths.len() == pages.len());
    let wide: Vec<String> = pages
        .iter()
        .zip(&widths)
        .filter(|(_, width)| **width > u64::from(NARROW))
        .map(|(page, width)| format!("{}: {width}", page.name))
        .collect();
    ensure!(wide.is_empty(), "wider than {NARROW}: {wide:#?}");
    // What loads something from elsewhere tells a stranger that the mail was read, and many readers show none of it.
    for page in &pages {
        for part in ["<img", "<script", "<link", "<style", "url(", "@import"] {
            ensure!(!page.html.contains(part), "{}: {part}", page.name);
        }
    }
    // For people to look at: what a failure, a warning, a digest, a bad snapshot and a lost message look like.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mails");
    std::fs::create_dir_all(&folder)?;
    for name in [
        "ironcore.task.failed",
        "ironcore.task.warning",
        "ironcore.snapshot.verified",
        "ironcore.delivery.exhausted",
        "digest",
    ] {
        let page = pages.iter().find(|page| page.name == name).context("a page")?;
        let (html, png) = (
            folder.join(format!("{name}.html")),
            folder.join(format!("{name}.png")),
        );
        write(&html, &page.html)?;
        write(&folder.join(format!("{name}.txt")), &page.text)?;
        let (shot, size) = (
            format!("--screenshot={}", png.display()),
            "--window-size=400,1200",
        );
        browser(&[&shot, size, &format!("file://{}", html.display())])?;
        ensure!(png.metadata()?.len() > 10_000, "{} shows nothing", png.display());
    }
    Ok(())
}

#[test]
fn mails_read_well_as_plain_text() -> Result<()> {
    for page in pages()?.iter().filter(|page| !page.name.contains(" of ")) {
        let longest = page
            .text
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0);
        ensure!(longest <= 200, "{}: a line of {longest} characters", page.name);
        for part in ["<p", "&amp;", "&lt;", "{{", "null", "[object"] {
            ensure!(!page.text.contains(part), "{}: {part}\n{}", page.name, page.text);
        }
        let empty = page.text.lines().collect::<Vec<_>>();
        let many = empty
            .windows(4)
            .any(|four| four.iter().all(|line| line.trim().is_empty()));
        ensure!(!many, "{}: {}", page.name, page.text);
    }
    Ok(())
}

#[test]
fn the_browser_measures_what_is_too_wide() -> Result<()> {
    let page = |width: u32| Page {
        name: String::new(),
        html: format!(
            "<!DOCTYPE html><body style=\"margin:0\"><div style=\"width:{width}px\">x</div></body>"
        ),
        text: String::new(),
    };
    let found = widths(&[page(100), page(900)])?;
    ensure!(found == [u64::from(NARROW), 900], "{found:?}");
    Ok(())
}

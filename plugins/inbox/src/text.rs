//! An event in Markdown: what is the matter, what to do, and the particulars.

use std::fmt::Write as _;

use ironcore_plugin::{Data, Event, Tip};

/// At most `most` bytes, whole lines.
pub(crate) fn body(event: &Event, tips: &[Tip], most: usize) -> String {
    let data = event.data();
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _infallible = error(&mut out, event)
        .and_then(|()| facts(&mut out, &data))
        .and_then(|()| advice(&mut out, tips));
    let _infallible = warnings(&mut out, &data).and_then(|()| log(&mut out, &data));
    shorten(out.trim().to_owned(), most)
}

fn error(out: &mut String, event: &Event) -> std::fmt::Result {
    match &event.error {
        Some(error) => writeln!(out, "{} ({})\n", escape(&error.message), code(&error.code)),
        None => Ok(()),
    }
}

fn facts(out: &mut String, data: &Data) -> std::fmt::Result {
    if let Some(report) = &data.verification {
        let snapshot = data.snapshot.as_ref().unwrap_or(&report.snapshot);
        writeln!(out, "- Snapshot: {}", code(&snapshot.reference))?;
        writeln!(
            out,
            "- Result: **{}**, {} {} checked",
            escape(&report.result),
            report.chunks,
            if report.chunks == 1 { "chunk" } else { "chunks" }
        )?;
        if let Some(failure) = &report.failure {
            writeln!(
                out,
                "- First failure: {} ({})",
                escape(&failure.reason),
                code(&failure.code)
            )?;
            if let Some(chunk) = &failure.chunk {
                writeln!(out, "- Chunk: {}", code(chunk))?;
            }
        }
    }
    if let Some(task) = &data.task {
        for (label, value) in [
            ("Job", &task.job),
            ("Source", &task.source),
            ("Target", &task.target),
        ] {
            if let Some(value) = value {
                writeln!(out, "- {label}: {}", code(value))?;
            }
        }
        writeln!(out, "- UPID: {}", code(&task.upid))?;
    }
    if let Some(datastore) = &data.datastore {
        writeln!(
            out,
            "- Datastore: {} ({})",
            code(&datastore.name),
            if datastore.online { "online" } else { "offline" }
        )?;
    }
    Ok(())
}

fn advice(out: &mut String, tips: &[Tip]) -> std::fmt::Result {
    for tip in tips {
        writeln!(out, "\n**{}**\n", escape(&tip.title))?;
        for line in tip.why.lines() {
            writeln!(out, "{}  ", escape(line))?;
        }
        writeln!(out)?;
        for (at, step) in tip.steps.iter().enumerate() {
            writeln!(out, "{}. {}", at + 1, escape(step))?;
        }
    }
    Ok(())
}

fn warnings(out: &mut String, data: &Data) -> std::fmt::Result {
    let Some(task) = data.task.as_ref().filter(|task| !task.warnings.is_empty()) else {
        return Ok(());
    };
    writeln!(
        out,
        "\n**Warnings ({})**\n",
        task.warning_count.max(task.warnings.len() as u64)
    )?;
    for warning in task.warnings.iter().take(20) {
        match &warning.path {
            Some(path) => writeln!(
                out,
                "- {}: {} ({})",
                code(path),
                escape(&warning.message),
                code(&warning.code)
            )?,
            None => writeln!(out, "- {} ({})", escape(&warning.message), code(&warning.code))?,
        }
    }
    Ok(())
}

fn log(out: &mut String, data: &Data) -> std::fmt::Result {
    let Some(task) = data.task.as_ref().filter(|task| !task.log_tail.is_empty()) else {
        return Ok(());
    };
    writeln!(out, "\n**Last lines of the log**\n")?;
    for line in &task.log_tail {
        // An indented block needs no fence that a line could close.
        writeln!(
            out,
            "    {}",
            line.chars().filter(|c| !c.is_control()).collect::<String>()
        )?;
    }
    Ok(())
}

/// Text as text: no line of it can become a heading, a list, a link or HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '&' => {
                out.extend(['\\', c])
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Text as code, whatever is in it.
fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.contains('`') {
        escape(&text)
    } else {
        format!("`{text}`")
    }
}

fn shorten(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let mut out = String::new();
    for line in text.lines() {
        if out.len() + line.len() + 8 > most {
            break;
        }
        out.push_str(line);
        out.push('\n');
    }
    out.push('…');
    out
}

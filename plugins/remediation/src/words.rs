//! Names and figures as advice writes them.

/// A mark such as `{job}`, the name that the event holds, a word for it in sentences, and one for it in commands.
type Name<'a> = (&'static str, &'a Option<String>, &'static str, &'static str);

/// Replaces the marks of a text. Between back-quotes stand commands, in which a name is written as a shell takes it: it
/// may come from whoever named a file. What holds back-quotes itself stands between more of them, as in Markdown.
pub(crate) fn filled(text: &str, names: &[Name<'_>]) -> String {
    let mut all = String::with_capacity(text.len());
    for (at, part) in text.split('`').enumerate() {
        let command = at % 2 == 1;
        let mut out = String::with_capacity(part.len());
        let mut rest = part;
        // From left to right, so that a name that looks like a mark is left as it is.
        while let Some((start, (mark, name, word, capitals))) = names
            .iter()
            .filter_map(|name| Some((rest.find(name.0)?, *name)))
            .min_by_key(|(start, _)| *start)
        {
            out.push_str(&rest[..start]);
            match (name, command) {
                (Some(name), true) => out.push_str(&quoted(name)),
                (Some(name), false) if name.contains('`') => out.push_str(&between(name)),
                (Some(name), false) => out.push_str(name),
                (None, true) => out.push_str(capitals),
                (None, false) => out.push_str(word),
            }
            rest = &rest[start + mark.len()..];
        }
        out.push_str(rest);
        match command {
            true => all.push_str(&between(&out)),
            false => all.push_str(&out),
        }
    }
    all
}

/// Code between one back-quote more than it holds in a row.
fn between(code: &str) -> String {
    let runs = code.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or_default() + 1);
    match code.starts_with('`') || code.ends_with('`') {
        true => format!("{fence} {code} {fence}"),
        false => format!("{fence}{code}{fence}"),
    }
}

/// One word of a shell, whatever is in it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+%".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}

/// `3.2 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut tenths = u128::from(count) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_hold_names_as_a_shell_takes_them() {
        let (known, odd, none) = (
            Some("nightly".to_owned()),
            Some("/srv/a b'; rm {job}".to_owned()),
            None,
        );
        let names: [Name<'_>; 3] = [
            ("{job}", &known, "the job", "JOB"),
            ("{source}", &odd, "the source", "PATH"),
            ("{upid}", &none, "the task", "UPID"),
        ];
        assert_eq!(
            filled(
                "Look at {source} of {job}: `ls {source}`, `log {upid}` of {upid}.",
                &names
            ),
            r"Look at /srv/a b'; rm {job} of nightly: `ls '/srv/a b'\''; rm {job}'`, `log UPID` of the task."
        );
    }

    #[test]
    fn names_with_back_quotes_stand_between_more_of_them() {
        let odd = Some("/srv/it's `x` <b>&".to_owned());
        let names: [Name<'_>; 1] = [("{source}", &odd, "the source", "PATH")];
        assert_eq!(
            filled("Look at {source}: `ls {source}`, `df -h`.", &names),
            r"Look at ``/srv/it's `x` <b>&``: ``ls '/srv/it'\''s `x` <b>&'``, `df -h`."
        );
        assert_eq!(between("``"), "``` `` ```");
    }

    #[test]
    fn sizes_are_short() {
        let said = [0, 1023, 1024, 1536, 5 << 20, (3 << 40) + (1 << 39), u64::MAX].map(bytes);
        assert_eq!(
            said,
            [
                "0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.5 TiB", "15.9 EiB"
            ]
        );
    }
}

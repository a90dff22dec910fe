//! Lists, which the API gives in pages: followed until there is enough of them, so that none ends without a word.

use anyhow::Result;
use ironcore_api::wire;
use serde::de::DeserializeOwned;

use super::Context;
use crate::args::Paging;
use crate::output::{self, Form};

/// The most that the API gives at once.
const PAGE: u32 = 1000;

/// A list with its place in the whole.
pub(super) trait Paged: DeserializeOwned {
    /// How many entries it holds.
    fn held(&self) -> usize;
    /// Where the next page begins.
    fn next(&self) -> Option<&str>;
    /// How many there are in all, and whether there are more than that; none when the API does not count them.
    fn total(&self) -> Option<(u64, bool)>;
    /// Takes the page after it in.
    fn append(&mut self, page: Self);
}

/// As much of the list as is asked for.
pub(super) async fn pages<T: Paged>(
    context: &Context,
    path: &[&str],
    query: &[(&str, String)],
    paging: &Paging,
) -> Result<T> {
    pages_from(context, path, query, Some(paging.limit), paging.cursor.as_deref()).await
}

/// The first `limit` entries, or all of them, from a place on that a list before gave as its `next`.
pub(super) async fn pages_from<T: Paged>(
    context: &Context,
    path: &[&str],
    query: &[(&str, String)],
    limit: Option<u32>,
    from: Option<&str>,
) -> Result<T> {
    let page = |wanted: u32, cursor: Option<&str>| {
        let mut query = query.to_vec();
        query.push(("limit", wanted.min(PAGE).to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        query
    };
    let mut list: T = context
        .client
        .get(path, &page(limit.unwrap_or(PAGE), from))
        .await?;
    while let Some(cursor) = list.next() {
        let held = u32::try_from(list.held()).unwrap_or(u32::MAX);
        let wanted = limit.map_or(PAGE, |limit| limit.saturating_sub(held));
        if wanted == 0 {
            break;
        }
        let following: T = context.client.get(path, &page(wanted, Some(cursor))).await?;
        // A page with nothing in it must not be asked for again and again.
        let last = following.held() == 0;
        list.append(following);
        if last {
            break;
        }
    }
    Ok(list)
}

/// Tells a person how much of the whole a table shows. Scripts find `next` and the count in the JSON.
pub(super) fn tell_more(context: &Context, list: &impl Paged) {
    if context.form == Form::Table
        && let Some(text) = more(list)
    {
        output::note(&text);
    }
}

/// The same of what several lists gave together, which has no place to go on from.
pub(super) fn tell_cut(context: &Context, held: usize, total: u64, capped: bool) {
    let held = u64::try_from(held).unwrap_or(u64::MAX);
    if context.form == Form::Table && (total > held || capped) {
        output::note(&of_all(held, total, capped));
    }
}

/// `50 of 10,000+; --limit shows more`.
fn more(list: &impl Paged) -> Option<String> {
    list.next()?;
    let held = u64::try_from(list.held()).unwrap_or(u64::MAX);
    Some(match list.total() {
        Some((total, capped)) if total > held => of_all(held, total, capped),
        _ => "there are more; --limit shows them".to_owned(),
    })
}

fn of_all(held: u64, total: u64, capped: bool) -> String {
    let plus = if capped { "+" } else { "" };
    format!(
        "{} of {}{plus}; --limit shows more",
        grouped(held),
        grouped(total)
    )
}

/// `10,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Paged for wire::SnapshotList {
    fn held(&self) -> usize {
        self.snapshots.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn total(&self) -> Option<(u64, bool)> {
        Some((self.count, false))
    }

    fn append(&mut self, page: Self) {
        self.snapshots.extend(page.snapshots);
        self.next = page.next;
    }
}

impl Paged for wire::TaskList {
    fn held(&self) -> usize {
        self.tasks.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn total(&self) -> Option<(u64, bool)> {
        Some((self.count, self.count_capped))
    }

    fn append(&mut self, page: Self) {
        self.tasks.extend(page.tasks);
        self.next = page.next;
    }
}

impl Paged for wire::MessageList {
    fn held(&self) -> usize {
        self.messages.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn total(&self) -> Option<(u64, bool)> {
        Some((self.count, self.count_capped))
    }

    fn append(&mut self, page: Self) {
        self.messages.extend(page.messages);
        self.next = page.next;
    }
}

impl Paged for wire::IncidentList {
    fn held(&self) -> usize {
        self.incidents.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn total(&self) -> Option<(u64, bool)> {
        Some((self.count, self.count_capped))
    }

    fn append(&mut self, page: Self) {
        self.incidents.extend(page.incidents);
        self.next = page.next;
    }
}

impl Paged for wire::Inbox {
    fn held(&self) -> usize {
        self.entries.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn total(&self) -> Option<(u64, bool)> {
        None
    }

    fn append(&mut self, page: Self) {
        self.entries.extend(page.entries);
        self.next = page.next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(next: Option<&str>, count: u64, count_capped: bool) -> wire::TaskList {
        wire::TaskList {
            tasks: Vec::new(),
            next: next.map(str::to_owned),
            count,
            count_capped,
        }
    }

    #[test]
    fn what_is_not_shown_is_told() {
        assert_eq!(more(&tasks(None, 7, false)), None);
        let said = |count, capped| more(&tasks(Some("c"), count, capped)).expect("there is more");
        assert_eq!(said(7, false), "0 of 7; --limit shows more");
        assert_eq!(said(10_000, true), "0 of 10,000+; --limit shows more");
        assert_eq!(said(0, false), "there are more; --limit shows them");
    }

    #[test]
    fn thousands_are_set_apart() {
        let said = [0, 999, 1_000, 10_000, 1_234_567].map(grouped);
        assert_eq!(said, ["0", "999", "1,000", "10,000", "1,234,567"]);
    }

    #[test]
    fn the_place_is_that_of_the_last_page() {
        let mut list = tasks(Some("c"), 7, false);
        list.append(tasks(None, 9, false));
        assert_eq!((list.next(), list.total()), (None, Some((7, false))));
    }
}

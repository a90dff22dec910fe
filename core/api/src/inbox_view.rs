//! Entries of the inbox as the API shows them: the plugin's presentation, or the plain event when there is none.

use ironcore_ledger::model::{self, Count, NewMute, Silenced, UnreadCounts};
use ironcore_notify::Policies;
use ironcore_notify::buttons::{self, ACKNOWLEDGE};
use ironcore_notify::matching::Policy;
use ironcore_types::Severity;
use serde::Deserialize;

use crate::wire::{
    ButtonDone, EntryAcknowledgement, EntryButton, EntryLink, Inbox, InboxCounts, InboxEntry, Mute, MuteRule,
    SilencedBy,
};

/// A link as the plugin's entry keeps it.
#[derive(Deserialize)]
struct Kept {
    label: String,
    url: String,
}

pub(crate) fn inbox(page: model::InboxPage, policies: &Policies) -> Inbox {
    Inbox {
        entries: page.items.into_iter().map(|item| entry(item, policies)).collect(),
        unread: page.unread.value,
        unread_capped: page.unread.more,
        next: page.next,
    }
}

pub(crate) fn entry(item: model::InboxItem, policies: &Policies) -> InboxEntry {
    let buttons = buttons_of(&item, policies);
    let event = item.event.event;
    let links = item.entry.as_ref().map(links).unwrap_or_default();
    let (title, text, severity, link) = match item.entry {
        Some(entry) => (
            entry.title,
            Some(entry.text),
            entry.severity.unwrap_or(event.data.severity),
            entry.link,
        ),
        None => (event.data.title.clone(), None, event.data.severity, None),
    };
    let mut silenced: Vec<SilencedBy> = Vec::new();
    for Silenced { by, until, .. } in item.silenced {
        if !silenced.iter().any(|known| known.by == by) {
            silenced.push(SilencedBy { by, until });
        }
    }
    InboxEntry {
        silenced,
        seq: item.event.seq,
        title,
        text,
        severity,
        link,
        links,
        tips: item.tips,
        buttons,
        read: item.read,
        muted: item.muted,
        acknowledged: item.acknowledged.map(|taken| EntryAcknowledgement {
            user: taken.user,
            time: taken.at,
        }),
        event,
    }
}

fn links(entry: &model::InboxEntry) -> Vec<EntryLink> {
    let kept = entry.attrs.get("links").cloned().unwrap_or_default();
    let kept: Vec<Kept> = serde_json::from_value(kept).unwrap_or_default();
    kept.into_iter()
        .map(|Kept { label, url }| EntryLink { label, url })
        .collect()
}

/// Acknowledging first, then what tips, the plugin and the hub itself offer; each with who did it. Where a group says that
/// actions are only suggested, there is no button but for what was done.
pub(crate) fn buttons_of(item: &model::InboxItem, policies: &Policies) -> Vec<EntryButton> {
    let event = &item.event.event;
    let taken_on = item.acknowledged.as_ref().map(|taken| ButtonDone {
        user: taken.user.clone(),
        time: taken.at,
        upid: None,
    });
    let acknowledge = EntryButton {
        kind: ACKNOWLEDGE.to_owned(),
        target: event.id.to_string(),
        label: "Acknowledge".to_owned(),
        done: taken_on,
    };
    let wanted = buttons::wants_acknowledgement(event) || acknowledge.done.is_some();
    let offers = buttons::offers(event, &item.tips, item.entry.as_ref());
    let offers = offers.into_iter().map(|offer| {
        let is = |taken: &&model::Taken| taken.kind == offer.kind && taken.target == offer.target;
        let done = item.taken.iter().find(is).map(|taken| ButtonDone {
            user: taken.actor.clone(),
            time: taken.at,
            upid: taken.upid.clone(),
        });
        EntryButton {
            done,
            kind: offer.kind,
            target: offer.target,
            label: offer.label,
        }
    });
    let suggested = policies.of(event) == Policy::Suggest;
    let offers = offers.filter(|button| !suggested || button.done.is_some());
    Some(acknowledge)
        .filter(|_| wanted)
        .into_iter()
        .chain(offers)
        .collect()
}

pub(crate) fn counts(counts: UnreadCounts) -> InboxCounts {
    let Count { value, more } = counts.all;
    let of = |wanted: Severity| {
        let mut both = Severity::ALL.iter().zip(counts.severities);
        both.find(|(severity, _)| **severity == wanted)
            .map_or(0, |(_, count)| count)
    };
    InboxCounts {
        unread: value,
        unread_capped: more,
        error: of(Severity::Error),
        warning: of(Severity::Warning),
        notice: of(Severity::Notice),
        info: of(Severity::Info),
    }
}

pub(crate) fn mute(mute: model::Mute) -> Mute {
    let NewMute {
        event_type,
        job,
        datastore,
        below,
        until,
    } = mute.rule;
    Mute {
        number: mute.number,
        rule: MuteRule {
            event_type,
            job,
            datastore,
            min_severity: below,
            until,
        },
        created: mute.created,
    }
}

//! Whether what handlers say of incidents holds together: their times, and to whom they escalate.

use std::collections::BTreeSet;
use std::time::Duration;

use ironcore_types::notification::{Escalation, Handler, Incidents};
use ironcore_types::objects::Group;

use super::references::refuse;
use crate::error::Result;

/// The shortest time after which anybody is told again: what comes faster is a fault.
const SHORTEST: Duration = Duration::from_secs(1);

/// Checks what the handlers of a group say.
pub(super) fn check(group: &Group, label: &str) -> Result<()> {
    for handler in &group.handler {
        if let Some(incidents) = &handler.incidents {
            times(handler, incidents, label)?;
            if let Some(escalation) = &incidents.escalate {
                target(group, handler, escalation, label)?;
            }
        }
    }
    Ok(())
}

fn times(handler: &Handler, incidents: &Incidents, label: &str) -> Result<()> {
    let name = &handler.name;
    if handler.digest.is_some() {
        return refuse(
            label,
            format_args!(
                "handler {name} has a digest and incidents: a digest tells of everything, incidents of each cause. Make \
                 two handlers of it"
            ),
        );
    }
    let escalate = incidents.escalate.as_ref().map(|up| up.after);
    let never = |span: Duration| span.is_zero();
    let times = [
        ("wait", Some(incidents.wait), true),
        ("interval", Some(incidents.interval), false),
        ("repeat", Some(incidents.repeat), true),
        ("escalate.after", escalate, false),
    ];
    for (key, span, may_be_zero) in times {
        let Some(span) = span.map(|span| span.duration()) else {
            continue;
        };
        let fits = (SHORTEST..=Incidents::LONGEST).contains(&span) || (may_be_zero && never(span));
        if !fits {
            let zero = if may_be_zero { "0, or " } else { "" };
            return refuse(
                label,
                format_args!("the incidents of handler {name}: {key} must be {zero}from 1s to 30d"),
            );
        }
    }
    Ok(())
}

/// Another handler of the group, from which it does not come back.
fn target(group: &Group, handler: &Handler, escalation: &Escalation, label: &str) -> Result<()> {
    let name = &handler.name;
    let mut seen = BTreeSet::from([name]);
    let mut next = Some(&escalation.to);
    while let Some(to) = next {
        if !seen.insert(to) {
            return refuse(
                label,
                format_args!("the incidents of handler {name} are escalated in a circle, by way of {to}"),
            );
        }
        let Some(target) = group.handler.iter().find(|handler| handler.name == *to) else {
            return refuse(
                label,
                format_args!("handler {name} escalates to handler {to}, which the group does not have"),
            );
        };
        if handler.enabled && !target.enabled {
            return refuse(
                label,
                format_args!(
                    "handler {name} escalates to handler {to}, which is off (`enabled = false`): nobody would hear"
                ),
            );
        }
        let up = target
            .incidents
            .as_ref()
            .and_then(|incidents| incidents.escalate.as_ref());
        next = up.map(|up| &up.to);
    }
    Ok(())
}

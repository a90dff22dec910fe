// Who was told of an incident, when, and what comes next unless somebody acknowledges it.
import { Link } from '@tanstack/react-router';

import type { Group, Incident, IncidentNotice } from '../api/model';
import { HUB, useGroups } from '../api/notifications';
import { Section } from '../ui/SidePanel';
import { Tag } from '../ui/Severity';
import { Time } from '../ui/Time';
import classes from './IncidentPanel.module.css';

/** What the handler is declared to do next: escalate, when it has not yet, and tell again. */
export function nextInWords(notice: IncidentNotice, incident: Pick<Incident, 'state'>, groups: readonly Group[]): string | null {
  if (notice.next == null) return null;
  const group = groups.find((each) => each.name === notice.group && (each.project ?? null) === (notice.project ?? null));
  const escalate = group?.handler?.find((each) => each.name === notice.handler)?.incidents?.escalate;
  if (escalate?.to != null && notice.escalated == null && incident.state === 'open') return `told again, or escalated to ${escalate.to}, unless acknowledged`;
  return 'told again, unless acknowledged';
}

export function IncidentNotices({ incident, notices }: { incident: Incident; notices: readonly IncidentNotice[] }) {
  const groups = useGroups().data?.groups ?? [];
  return (
    <Section title="Who was told">
      {notices.length === 0 ? (
        <p className={classes.note}>No handler is told of incidents here: handlers without <code>incidents</code> are told of each event by itself.</p>
      ) : (
        <ul className={classes.rows}>
          {notices.map((notice) => (
            <li key={`${notice.project ?? ''}/${notice.group}/${notice.handler}`}>
              <span className={classes.what}>
                <Link to="/notifications/groups/$project/$name" params={{ project: notice.project ?? HUB, name: notice.group }} search={{}}>{notice.group}/{notice.handler}</Link>
                <small>
                  {notice.told === 0 ? 'not told yet' : `told ${notice.told === 1 ? 'once' : `${notice.told} times`}`}
                  {notice.last != null && <>, last <Time at={notice.last} /></>}
                  {notice.next != null && <> · next <Time at={notice.next} />: {nextInWords(notice, incident, groups)}</>}
                </small>
              </span>
              {notice.escalated != null && <Tag kind="warning">escalated <Time at={notice.escalated} ago /></Tag>}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

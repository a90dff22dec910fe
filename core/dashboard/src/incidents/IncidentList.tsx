// Incidents, each with what it is about, how bad it is, and who sees to it.
import { Link } from '@tanstack/react-router';
import type { KeyboardEvent } from 'react';

import type { Incident } from '../api/model';
import { formatCount } from '../format/bytes';
import { formatDuration } from '../format/time';
import { useNow } from '../ui/now';
import { SeveritySign, Tag } from '../ui/Severity';
import { Time } from '../ui/Time';
import classes from './IncidentList.module.css';
import { endingInWords } from './members';

const STATES = { open: 'failed', acknowledged: 'warning', ended: 'quiet' } as const;

export function IncidentState({ incident }: { incident: Incident }) {
  return <Tag kind={STATES[incident.state]}>{incident.state}</Tag>;
}

/** `2 of 3 still fail`. */
export function standing({ failing, affected, state }: Incident): string {
  if (state === 'ended') return `${formatCount(affected)} affected`;
  return `${formatCount(failing)} of ${formatCount(affected)} still ${failing === 1 ? 'fails' : 'fail'}`;
}

/** Arrow keys, j and k step through the list. */
function step(event: KeyboardEvent<HTMLUListElement>) {
  const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...event.currentTarget.querySelectorAll('a')];
  const next = links[links.indexOf(event.target as HTMLAnchorElement) + by];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

export function IncidentList({ incidents, selected }: { incidents: readonly Incident[]; selected: string | undefined }) {
  const now = useNow();
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys step through the links in it.
    <ul className={classes.list} onKeyDown={step}>
      {incidents.map((incident) => (
        <li key={incident.id}>
          <Link
            to="/incidents/$id" params={{ id: incident.id }} search={(search: Record<string, unknown>) => search} resetScroll={false}
            className={classes.row} data-selected={incident.id === selected || undefined}
          >
            <SeveritySign severity={incident.severity} />
            <span className={classes.what}>
              <span className={classes.title}><span className={classes.number}>{incident.number}</span> {incident.title}</span>
              <span className={classes.meta}>
                <span>{incident.project ?? 'the hub'}</span>
                <span>{standing(incident)}</span>
                <span>{formatCount(incident.events)} {incident.events === 1 ? 'event' : 'events'}</span>
                {incident.acknowledged != null && <span>seen to by {incident.acknowledged.by}</span>}
                {incident.ending != null && <span>{endingInWords(incident.ending)}</span>}
              </span>
            </span>
            <span className={classes.side}>
              <IncidentState incident={incident} />
              <span className={classes.when}>
                {incident.ended == null
                  ? <>for {formatDuration(now - Date.parse(incident.opened))}</>
                  : <>ended <Time at={incident.ended} ago /></>}
              </span>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

// This month at a glance: past and planned runs; a cell opens the task's log, or lists the tasks.
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';

import { collect } from '../calendar/collect';
import { dayOf, monthDays, monthName } from '../calendar/days';
import { Month } from '../calendar/Month';
import { useCalendar } from '../calendar/useCalendar';
import { useZone } from '../shell/zone';
import { useNow } from '../ui/now';
import { Failure, Panel } from '../ui/Panel';
import page from '../ui/Page.module.css';
import classes from './overview.module.css';

export function JobCalendar() {
  const { zone } = useZone();
  const now = useNow();
  const today = dayOf(new Date(now).toISOString(), zone);
  const days = monthDays(today);
  const { happened, error, retry } = useCalendar(days[0] ?? today, days.at(-1) ?? today, zone, now);
  const entries = useMemo(() => (happened === null ? new Map<string, never>() : collect(happened, zone)), [happened, zone]);
  return (
    <Panel title="Job calendar" side={<Link to="/calendar" className={page.link}>Calendar</Link>}>
      {happened === null && error !== null ? (
        <Failure error={error} retry={retry} />
      ) : (
        <>
          <p className={classes.month}>{monthName(today)}</p>
          <Month day={today} today={today} entries={entries} compact />
        </>
      )}
    </Panel>
  );
}

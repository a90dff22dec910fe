// A week by jobs and days: one cell for what a job did, or will do, on a day.
import { Button } from '@mantine/core';
import { IconCalendarOff } from '@tabler/icons-react';
import { useMemo, useState } from 'react';

import { useZone } from '../shell/zone';
import { Empty } from '../ui/Panel';
import classes from './calendar.module.css';
import { collect, type DayEntry, emptyDay, type Happened, STATES, timeOf } from './collect';
import { DayCell } from './DayCell';
import { addDays, startOf, WEEKDAYS, weekDays } from './days';
import { stepByArrows } from './keys';

interface Row {
  key: string;
  project: string | null;
  job: string | null;
  days: Map<string, DayEntry>;
  failed: number;
}

/** Work that no job's runs are stands in one row a project. */
function rowsOf({ tasks, planned, missed }: Happened, zone: string): Row[] {
  const rows = new Map<string, { project: string | null; job: string | null; happened: { tasks: Happened['tasks'][number][]; planned: Happened['planned'][number][]; missed: Happened['missed'][number][] } }>();
  const at = (project: string | null, job: string | null) => {
    const key = `${project ?? ''}/${job ?? ''}`;
    let row = rows.get(key);
    if (row === undefined) rows.set(key, (row = { project, job, happened: { tasks: [], planned: [], missed: [] } }));
    return row.happened;
  };
  for (const task of tasks) at(task.project ?? null, task.job ?? null).tasks.push(task);
  for (const run of planned) at(run.project, run.job).planned.push(run);
  for (const run of missed) at(run.project, run.job).missed.push(run);
  return [...rows.entries()]
    .map(([key, { project, job, happened }]) => ({ key, project, job, days: collect(happened, zone), failed: happened.tasks.filter((task) => task.state === 'failed').length }))
    .sort((a, b) => (a.project ?? '').localeCompare(b.project ?? '') || Number(a.job === null) - Number(b.job === null) || (a.job ?? '').localeCompare(b.job ?? ''));
}

const SIGNS = { failed: 'FAILED', warning: 'WARN', cancelled: 'CANC.', running: 'running', queued: 'queued', ok: 'OK' } as const;
const STEP = 100;

export function Week({ day, today, happened, project }: { day: string; today: string; happened: Happened; project?: string | undefined }) {
  const { zone } = useZone();
  const [shown, setShown] = useState(STEP);
  const days = weekDays(day);
  const rows = useMemo(() => rowsOf(happened, zone), [happened, zone]);
  if (rows.length === 0) return <Empty icon={<IconCalendarOff size={21} stroke={1.7} />} title="Nothing in this week">No task began in it, and none is planned.</Empty>;
  return (
    // Wide on narrow screens, and then scrolled by itself.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.wide} role="region" aria-label="Jobs by day" tabIndex={0}>
      <table className={classes.week}>
        <thead>
          <tr>
            <th scope="col">Job</th>
            {days.map((each, at) => <th key={each} scope="col" data-today={each === today || undefined}>{WEEKDAYS[at]} <span>{Number(each.slice(8))}.{Number(each.slice(5, 7))}.</span></th>)}
          </tr>
        </thead>
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- steps between what can be focused */}
        <tbody onKeyDown={(event) => stepByArrows(event, 7)}>
          {rows.slice(0, shown).map((row) => (
            <tr key={row.key}>
              <th scope="row">{row.job ?? 'by hand'}<small>{row.project ?? 'the hub'}</small></th>
              {days.map((each) => {
                const entry = row.days.get(each) ?? emptyDay(each);
                return (
                  <td key={each} data-today={each === today || undefined}>
                    <DayCell entry={entry} since={startOf(each, zone)} until={startOf(addDays(each, 1), zone)} project={row.project ?? project} job={row.job ?? undefined}>
                      <WeekCell entry={entry} zone={zone} />
                    </DayCell>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown && <p className={classes.more}><Button size="xs" variant="default" onClick={() => setShown(shown + STEP)}>Show more ({rows.length - shown} left)</Button></p>}
    </div>
  );
}

const clock = new Map<string, Intl.DateTimeFormat>();

function shortTime(time: string, zone: string): string {
  let format = clock.get(zone);
  if (format === undefined) clock.set(zone, (format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })));
  return format.format(new Date(time));
}

function WeekCell({ entry, zone }: { entry: DayEntry; zone: string }) {
  const only = entry.only;
  const first = entry.planned[0];
  return (
    <span className={classes.counts}>
      {only !== null ? (
        <span data-kind={only.state}><span>{SIGNS[only.state]} {shortTime(timeOf(only), zone)}</span></span>
      ) : (
        STATES.map((state) => entry.counts[state] > 0 && <span key={state} data-kind={state}><span>{entry.counts[state]} {SIGNS[state]} </span></span>)
      )}
      {entry.missed.length > 0 && <span data-kind="missed"><span>missed </span></span>}
      {first !== undefined && <span data-kind="planned"><span>{entry.planned.length === 1 ? shortTime(first.begins, zone) : `${entry.planned.length} planned`}</span></span>}
    </span>
  );
}

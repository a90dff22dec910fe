// The last half year at a glance: how many runs ended on each day, and on which some failed.
import { useMemo } from 'react';

import { useStatistics } from '../api/hub';
import { formatCount } from '../format/bytes';
import { Failure, Loading } from '../ui/Panel';
import classes from './calendar.module.css';
import { type DayEntry, emptyDay } from './collect';
import { DayCell } from './DayCell';
import { addDays, mondayOf, monthName, WEEKDAYS } from './days';
import { stepByArrows } from './keys';

const WEEKS = 26;
const ALL_TYPES = 'backup,restore,sync,verify,gc,prune';

/** 0 for none, up to 4 for as many as on the busiest days. */
export function level(runs: number, most: number): number {
  return runs === 0 || most === 0 ? 0 : Math.max(1, Math.ceil((4 * runs) / most));
}

export function HeatMap({ project, now }: { project?: string | undefined; now: number }) {
  const today = new Date(now).toISOString().slice(0, 10);
  const first = addDays(mondayOf(today), -7 * (WEEKS - 1));
  const { data, error, refetch } = useStatistics({ since: first, bucket: 'day', type: ALL_TYPES, ...(project === undefined ? {} : { project }) });
  const days = useMemo(() => {
    const out = new Map<string, DayEntry>();
    for (const { start, figures } of data?.series ?? []) {
      const entry = emptyDay(start.slice(0, 10));
      const { runs, failed, cancelled } = figures.sums;
      entry.counts = { ...entry.counts, ok: runs, failed, cancelled };
      entry.tasks = runs + failed + cancelled;
      out.set(entry.day, entry);
    }
    return out;
  }, [data]);
  if (data === undefined) return <div className={classes.heatLoading}>{error === null ? <Loading rows={7} /> : <Failure error={error} retry={() => void refetch()} />}</div>;
  const weeks = Array.from({ length: WEEKS }, (_, at) => addDays(first, 7 * at));
  const most = Math.max(0, ...[...days.values()].map((entry) => entry.counts.ok));
  const total = data.total.sums;
  return (
    <>
      {/* Wide on narrow screens, and then scrolled by itself. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.wide} role="region" aria-label="Days by week" tabIndex={0}>
        <table className={classes.heat}>
          <caption>
            {formatCount(total.runs)} runs ended OK or WARNING since {first}, {formatCount(total.failed)} FAILED, {formatCount(total.cancelled)} CANCELLED. Days of UTC, by when runs ended.
          </caption>
          <thead>
            <tr>
              <th scope="col"><span className={classes.hidden}>Weekday</span></th>
              {weeks.map((week, at) => (
                <th key={week} scope="col">
                  <span className={classes.hidden}>Week of {week}</span>
                  {(at === 0 || week.slice(0, 7) !== weeks[at - 1]?.slice(0, 7)) && <span aria-hidden>{monthName(week).slice(0, 3)}</span>}
                </th>
              ))}
            </tr>
          </thead>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- steps between what can be focused */}
          <tbody onKeyDown={(event) => stepByArrows(event, WEEKS)}>
            {WEEKDAYS.map((name, row) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {weeks.map((week) => {
                  const day = addDays(week, row);
                  if (day > today) return <td key={day} aria-hidden />;
                  const entry = days.get(day) ?? emptyDay(day);
                  const { ok, failed, cancelled } = entry.counts;
                  return (
                    <td key={day} data-level={level(ok, most)} data-failed={failed > 0 || undefined}>
                      <DayCell entry={entry} since={`${day}T00:00:00Z`} until={`${addDays(day, 1)}T00:00:00Z`} project={project}>
                        <span className={classes.hidden}>{ok} ended OK or WARNING, {failed} FAILED{cancelled > 0 && `, ${cancelled} CANCELLED`}</span>
                        {failed > 0 && <span className={classes.failures} aria-hidden>{failed > 99 ? '99+' : failed}</span>}
                      </DayCell>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={classes.legend} aria-hidden>
        <span>fewer</span>
        {[0, 1, 2, 3, 4].map((each) => <i key={each} data-level={each} />)}
        <span>more runs</span>
        <i data-failed /><span>with failures, and how many</span>
      </p>
    </>
  );
}

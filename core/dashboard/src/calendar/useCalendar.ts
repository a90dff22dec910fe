// All that a span of days shows: asked for, and put together.
import { useMemo } from 'react';

import { useMissed, useSpanTasks } from '../api/calendar';
import { useJobs } from '../api/jobs';
import { addDays, startOf } from './days';
import { type Happened, missedOf, plannedOf } from './collect';

/** Minutes are fine enough for what is planned. */
const MINUTE = 60_000;

export function useCalendar(first: string, last: string, zone: string, now: number, project?: string) {
  const since = startOf(first, zone);
  const until = startOf(addDays(last, 1), zone);
  const span = { since, until, ...(project === undefined ? {} : { project }) };
  const tasks = useSpanTasks(span);
  const missed = useMissed(span);
  const jobs = useJobs();
  const minute = Math.floor(now / MINUTE) * MINUTE;
  const happened = useMemo((): Happened | null => {
    // All at once: rows that came in between would push others away.
    if (tasks.data === undefined || (jobs.data === undefined && !jobs.isError) || (missed.data === undefined && !missed.isError)) return null;
    const planned = plannedOf(jobs.data ?? [], minute).filter((run) => (project === undefined || run.project === project) && Date.parse(run.begins) >= Date.parse(since) && Date.parse(run.begins) < Date.parse(until));
    return { tasks: tasks.data.tasks, good: tasks.data.good, planned, missed: missedOf(missed.data ?? []) };
  }, [tasks.data, jobs.data, jobs.isError, missed.data, missed.isError, minute, project, since, until]);
  const error = tasks.error ?? jobs.error ?? missed.error;
  const retry = () => {
    for (const each of [tasks, jobs, missed]) if (each.isError) void each.refetch();
  };
  return { happened, error, retry, complete: tasks.data?.complete ?? true, cut: tasks.data?.cut ?? false, stale: tasks.isPlaceholderData };
}

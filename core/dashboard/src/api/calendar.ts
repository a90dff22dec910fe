// What the calendar asks for: tasks of a span of time, missed runs, and counts where there are too many tasks to list.
import { keepPreviousData, useQuery } from '@tanstack/react-query';

import { answer, api } from './client';
import { useRefreshInterval } from './live';
import type { Task } from './model';
import { known } from './pages';

export interface CalendarSpan {
  since: string;
  until: string;
  project?: string;
}

/** More tasks than these are counted rather than listed; those that went wrong are listed all the same. */
const MOST = 1_000;
const ALL_TYPES = 'backup,restore,sync,verify,gc,prune';

export interface SpanTasks {
  tasks: Task[];
  /** OK and WARNING runs by hour, when not all tasks are listed; warnings are taken out. */
  good: { start: string; runs: number }[];
  /** Whether every task is in `tasks`. */
  complete: boolean;
  /** Whether even what went wrong is not all listed. */
  cut: boolean;
}

const hourOf = (time: string) => `${time.slice(0, 13)}:00:00Z`;

export function useSpanTasks(span: CalendarSpan) {
  const refetchInterval = Math.max(useRefreshInterval(), 15_000);
  return useQuery({
    queryKey: [...known.calendar, 'tasks', span],
    refetchInterval,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<SpanTasks> => {
      const ask = (more: { status?: string }) => answer(api.GET('/api/v1/tasks', { params: { query: { ...span, ...more, limit: MOST } }, signal }));
      const all = await ask({});
      if (all.next == null) return { tasks: all.tasks, good: [], complete: true, cut: false };
      const [wrong, counted] = await Promise.all([
        ask({ status: 'failed,warning,cancelled,running,queued' }),
        answer(api.GET('/api/v1/statistics', { params: { query: { ...span, bucket: 'hour', type: ALL_TYPES } }, signal })),
      ]);
      const warned = new Map<string, number>();
      for (const task of wrong.tasks) {
        if (task.state === 'warning' && task.ended != null) warned.set(hourOf(task.ended), (warned.get(hourOf(task.ended)) ?? 0) + 1);
      }
      const good = counted.series.map(({ start, figures }) => ({ start, runs: Math.max(0, figures.sums.runs - (warned.get(hourOf(start)) ?? 0)) }));
      return { tasks: wrong.tasks, good, complete: false, cut: wrong.next != null };
    },
  });
}

/** Runs that nobody started in time, as the inbox keeps them. */
export function useMissed({ since, until, project }: CalendarSpan) {
  return useQuery({
    queryKey: [...known.calendar, 'missed', since, until, project ?? null],
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
    queryFn: async ({ signal }) => {
      const query = { type: 'job.missed', since, until, limit: 1000, ...(project === undefined ? {} : { project }) };
      return (await answer(api.GET('/api/v1/inbox', { params: { query }, signal }))).entries;
    },
  });
}

/** The tasks of one day, newest first, as many as a list beside a cell shows. */
export function useDayTasks(span: CalendarSpan, enabled: boolean) {
  return useQuery({
    queryKey: [...known.calendar, 'day', span],
    enabled,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/tasks', { params: { query: { ...span, limit: 50 } }, signal })),
  });
}

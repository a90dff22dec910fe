// The questions the pages ask about tasks, each as a hook.
import { keepPreviousData, type Query, useInfiniteQuery, useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';

import { type TaskSearch, toQuery } from '../tasks/filters';
import { keepMeters, noteProgress } from '../tasks/rate';
import { AUTO_REFRESH_PAGES, keys } from './cache';
import { answer, api } from './client';
import { useRefreshInterval } from './live';
import type { ActiveTasks, LogPage, Task, TaskPage, Tip } from './model';

const PAGE = 50;

/** Running and queued tasks. Asked for apart: lists are newest first, so a long queue would hide what runs. */
export function useActiveTasks() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: keys.active,
    refetchInterval,
    queryFn: async ({ signal }): Promise<ActiveTasks> => {
      const ask = (status: 'running' | 'queued') => answer(api.GET('/api/v1/tasks', { params: { query: { status, limit: 100 } }, signal }));
      const [running, queued] = await Promise.all([ask('running'), ask('queued')]);
      const now = Date.now();
      for (const task of running.tasks) noteProgress(task.upid, now, task.progress);
      const known = new Set(running.tasks.map((task) => task.upid));
      keepMeters(known);
      // A task that began between the two answers is in both.
      const waiting = queued.tasks.filter((task) => !known.has(task.upid));
      return { ...running, tasks: [...running.tasks, ...waiting], queued: queued.count, queued_capped: queued.count_capped };
    },
  });
}

/** The last tasks, whatever became of them. */
export function useLatestTasks() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: keys.latest,
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/tasks', { params: { query: { limit: 12 } }, signal })),
  });
}

/** The last syncs, whatever became of them. */
export function useLatestSyncs() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: [...keys.tasks, 'syncs'],
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/tasks', { params: { query: { type: 'sync', limit: 12 } }, signal })),
  });
}

/** Syncs that ended well, the newest first: as many as tell of each job, unless one has hundreds of runs to another's one. */
export function useGoodSyncs() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: [...keys.tasks, 'good-syncs'],
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/tasks', { params: { query: { type: 'sync', status: 'ok,warning', limit: 300 } }, signal })),
  });
}

/** Failures that are shown, and those asked for: some of them are none to people. */
const SHOWN_FAILURES = 5;
const ASKED_FAILURES = 20;

/** A task that was handed over when its worker stopped is queued again: nothing went wrong with it. */
const wentWrong = (task: Task) => task.error?.code !== 'worker.stopped';

/** The five most recent failures across all types. */
export function useRecentFailures() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: keys.failures,
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/tasks', { params: { query: { status: 'failed', limit: ASKED_FAILURES } }, signal })),
    select: (page: TaskPage): TaskPage => ({ ...page, tasks: page.tasks.filter(wentWrong).slice(0, SHOWN_FAILURES) }),
  });
}

/** The tips of each of these tasks, which are over; lists come without them. Not known yet is no tip. */
export function useTips(upids: string[]): Map<string, Tip[]> {
  const interval = useRefreshInterval();
  return useQueries({
    queries: upids.map((upid) => ({
      queryKey: keys.detail(upid),
      queryFn: ({ signal }: { signal: AbortSignal }) => answer(api.GET('/api/v1/tasks/{upid}', { params: { path: { upid } }, signal })),
      staleTime: 60_000,
      // Plugins think about a failure after it was told, and nothing tells when they are done.
      refetchInterval: (query: Query<Task>) => (query.state.data?.tips.length === 0 ? interval : false),
    })),
    combine: (results) => new Map(results.flatMap(({ data }) => (data === undefined ? [] : [[data.upid, data.tips]]))),
  });
}

interface PageParam {
  cursor: string | null;
  since?: string;
  until?: string;
}

const FIRST: PageParam = { cursor: null };

/** The task list, page by page. A relative time is fixed by the first page, so that the next ones fit to it. */
export function useTaskList(search: TaskSearch) {
  const refetchInterval = useRefreshInterval();
  return useInfiniteQuery({
    queryKey: keys.list(search),
    initialPageParam: FIRST,
    queryFn: async ({ pageParam, signal }) => {
      const query: Record<string, string | number> = { ...toQuery(search, Date.now()), limit: PAGE };
      if (pageParam.cursor !== null) {
        query.cursor = pageParam.cursor;
        if (pageParam.since !== undefined) query.since = pageParam.since;
        if (pageParam.until !== undefined) query.until = pageParam.until;
      }
      const page = await answer(api.GET('/api/v1/tasks', { params: { query }, signal }));
      const fixed: { since?: string; until?: string } = {};
      if (typeof query.since === 'string') fixed.since = query.since;
      if (typeof query.until === 'string') fixed.until = query.until;
      return { ...page, ...fixed };
    },
    getNextPageParam: (last): PageParam | undefined => {
      if (last.next == null) return undefined;
      const next: PageParam = { cursor: last.next };
      if (last.since !== undefined) next.since = last.since;
      if (last.until !== undefined) next.until = last.until;
      return next;
    },
    placeholderData: keepPreviousData,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > AUTO_REFRESH_PAGES ? false : refetchInterval),
  });
}

/** How many tasks arrived that a long list does not show yet. */
export function useTasksBehind(): number {
  return useQuery({ queryKey: keys.behind, queryFn: () => 0, enabled: false, initialData: 0 }).data;
}

/** One task. What a list knows of it already is shown until the answer comes. */
export function useTask(upid: string) {
  const client = useQueryClient();
  const refetchInterval = useRefreshInterval();
  return useQuery<Task>({
    queryKey: keys.detail(upid),
    queryFn: ({ signal }) => answer(api.GET('/api/v1/tasks/{upid}', { params: { path: { upid } }, signal })),
    refetchInterval,
    placeholderData: (): Task | undefined => {
      const pages = client.getQueriesData<{ tasks?: Task[]; pages?: TaskPage[] }>({ queryKey: keys.tasks });
      for (const [, data] of pages) {
        const tasks = data?.tasks ?? data?.pages?.flatMap((page) => page.tasks) ?? [];
        const found = tasks.find((task) => task.upid === upid);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  });
}

/** A part of a task's log: the lines after `after`, or from the beginning. */
export function fetchLog(upid: string, after: number | null, limit: number, signal: AbortSignal): Promise<LogPage> {
  const query = after === null ? { limit } : { after, limit };
  return answer(api.GET('/api/v1/tasks/{upid}/log', { params: { path: { upid }, query }, signal }));
}

/** The whole log as a text file. */
export function fetchLogFile(upid: string): Promise<Blob> {
  return answer(api.GET('/api/v1/tasks/{upid}/log.txt', { params: { path: { upid } }, parseAs: 'blob' }));
}

/** Asks the hub to cancel a task. A queued one is over at once; a running one ends when its worker has stopped. */
export function useCancelTask() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (upid: string) => {
      const { error, response } = await api.POST('/api/v1/tasks/{upid}/cancel', { params: { path: { upid } } });
      await answer(Promise.resolve({ error, response }));
      return upid;
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.tasks }),
  });
}


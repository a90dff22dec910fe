// What the pages know, and how news from the stream changes it: patched at once, asked for again soon after.
import { type InfiniteData, QueryClient } from '@tanstack/react-query';

import type { TaskSearch } from '../tasks/filters';
import { noteProgress } from '../tasks/rate';
import { ApiError } from './client';
import type { EventTask, HubEvent, ProgressNotice, Task, TaskPage } from './model';

export const keys = {
  login: ['login'] as const,
  session: ['session'] as const,
  tasks: ['tasks'] as const,
  active: ['tasks', 'active'] as const,
  latest: ['tasks', 'latest'] as const,
  failures: ['tasks', 'failures'] as const,
  lists: ['tasks', 'list'] as const,
  list: (search: TaskSearch) => ['tasks', 'list', search] as const,
  detail: (upid: string) => ['tasks', 'detail', upid] as const,
  behind: ['behind'] as const,
};

/** Lists of more pages than this are not fetched again by themselves: the page says that there is news instead. */
export const AUTO_REFRESH_PAGES = 3;

export type ListData = InfiniteData<TaskPage & { since?: string; until?: string }>;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        gcTime: 5 * 60_000,
        refetchOnWindowFocus: true,
        // The hub may be on this very machine: being offline says nothing.
        networkMode: 'always',
        retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
        retryDelay: (attempt) => Math.min(4_000, 500 * 2 ** attempt),
      },
      mutations: { networkMode: 'always' },
    },
  });
}

type Patch = (task: Task) => Task;

function patchPage<P extends TaskPage>(page: P, upid: string, patch: Patch): P {
  const at = page.tasks.findIndex((task) => task.upid === upid);
  const task = page.tasks[at];
  return task === undefined ? page : { ...page, tasks: page.tasks.with(at, patch(task)) };
}

/** Changes one task wherever it is known. */
export function patchTask(client: QueryClient, upid: string, patch: Patch): void {
  for (const key of [keys.active, keys.latest, keys.failures]) {
    client.setQueryData<TaskPage>(key, (page) => page && patchPage(page, upid, patch));
  }
  client.setQueriesData<ListData>({ queryKey: keys.lists }, (data) => {
    if (data === undefined) return data;
    const pages = data.pages.map((page) => patchPage(page, upid, patch));
    return pages.some((page, at) => page !== data.pages[at]) ? { ...data, pages } : data;
  });
  client.setQueryData<Task>(keys.detail(upid), (task) => task && patch(task));
}

/** Progress of a running task. A task known to be over keeps its final numbers. */
export function applyProgress(client: QueryClient, message: ProgressNotice, now: number): void {
  noteProgress(message.upid, now, message.progress);
  patchTask(client, message.upid, (task) =>
    task.state === 'running' ? { ...task, bytes: message.bytes, progress: message.progress } : task,
  );
}

const ORDER = { queued: 0, running: 1, ok: 2, warning: 2, failed: 2, cancelled: 2 } as const;

/** What an event says of a task; events that arrive again after a reconnect never take a state back. */
export function mergeEvent(task: Task, event: EventTask, shown: Record<Task['state'], string>): Task {
  if (ORDER[event.state] <= ORDER[task.state]) return task;
  return {
    ...task,
    state: event.state,
    status: shown[event.state],
    started: event.started ?? task.started ?? null,
    ended: event.ended ?? task.ended ?? null,
    bytes: Math.max(event.bytes, event.state === 'running' ? 0 : task.bytes),
    warning_count: event.warning_count,
  };
}

/** Asks again for whatever an event may have changed. */
export async function refreshAfter(client: QueryClient, events: readonly HubEvent[]): Promise<void> {
  const upids = new Set(events.flatMap((event) => event.data.task?.upid ?? []));
  const fetches: Promise<void>[] = [keys.active, keys.latest, keys.failures].map((queryKey) =>
    client.invalidateQueries({ queryKey, exact: true }),
  );
  for (const upid of upids) fetches.push(client.invalidateQueries({ queryKey: keys.detail(upid) }));
  const lists = client.getQueryCache().findAll({ queryKey: keys.lists });
  let tooLong = false;
  for (const list of lists) {
    const pages = (list.state.data as ListData | undefined)?.pages.length ?? 0;
    if (pages > AUTO_REFRESH_PAGES) tooLong = true;
    else fetches.push(client.invalidateQueries({ queryKey: list.queryKey, exact: true }));
  }
  const arrived = events.filter((event) => event.type === 'ironcore.task.queued').length;
  if (tooLong && arrived > 0) client.setQueryData<number>(keys.behind, (count) => (count ?? 0) + arrived);
  await Promise.all(fetches);
}

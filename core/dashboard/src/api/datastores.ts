// The questions the pages ask about datastores and what lies in them, and the tasks that look after them.
import { keepPreviousData, useInfiniteQuery, useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';

import { keys } from './cache';
import { answer, api } from './client';
import { useRefreshInterval } from './live';
import type { TaskSpec, UsageHistory } from './model';
import { known } from './pages';

export function useDatastores() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: ['datastores', 'list'],
    refetchInterval,
    queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/datastores', { signal }))).datastores,
  });
}

const usage = (name: string, since: string) => ({
  queryKey: ['datastores', 'usage', name, since],
  staleTime: 30_000,
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    answer(api.GET('/api/v1/datastores/{name}/usage', { params: { path: { name }, query: { since } }, signal })),
});

/** How full a datastore was since then, and when it will be full. */
export function useUsage(name: string, since: string) {
  return useQuery({ ...usage(name, since), refetchInterval: 60_000, placeholderData: keepPreviousData });
}

/** The same of several, without their past. */
export function useUsages(names: string[]): Map<string, UsageHistory> {
  return useQueries({
    queries: names.map((name) => ({ ...usage(name, '1h ago'), refetchInterval: 60_000 })),
    combine: (results) => new Map(results.flatMap(({ data }) => (data === undefined ? [] : [[data.datastore, data]]))),
  });
}

export interface SnapshotFilter {
  type?: 'vm' | 'ct' | 'host' | undefined;
  id?: string | undefined;
  namespace?: string | undefined;
  text?: string | undefined;
}

/** Snapshots of a datastore, newest first, page by page. */
export function useSnapshots(name: string, filter: SnapshotFilter, limit: number) {
  const refetchInterval = useRefreshInterval();
  return useInfiniteQuery({
    queryKey: ['snapshots', 'list', name, filter, limit],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const query: Record<string, string | number> = { limit };
      for (const [key, value] of Object.entries(filter)) if (typeof value === 'string') query[key] = value;
      if (pageParam !== null) query.cursor = pageParam;
      return answer(api.GET('/api/v1/datastores/{name}/snapshots', { params: { path: { name }, query }, signal }));
    },
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 3 ? false : refetchInterval),
  });
}

export function useSnapshot(reference: string) {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: ['snapshots', 'detail', reference],
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/snapshots/{ref}', { params: { path: { ref: reference } }, signal })),
  });
}

/** Newest tasks of one type on a datastore, such as its last collection. */
export function useUpkeep(name: string) {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: ['datastores', 'upkeep', name],
    refetchInterval,
    queryFn: async ({ signal }) => {
      const last = async (type: string) => {
        const page = await answer(api.GET('/api/v1/tasks', { params: { query: { type, target: name, limit: 1 } }, signal }));
        return page.tasks[0] ?? null;
      };
      const [gc, verify, prune] = await Promise.all([last('gc'), last('verify'), last('prune')]);
      return { gc, verify, prune };
    },
  });
}

/** Starts a task. `key` makes a request that is sent twice start one. */
export function useStartTask() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ spec, project, key }: { spec: TaskSpec; project: string | null; key: string }) =>
      answer(api.POST('/api/v1/tasks', { params: { header: { 'Idempotency-Key': key } }, body: { spec, project } })),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.tasks });
      void client.invalidateQueries({ queryKey: known.datastores });
      void client.invalidateQueries({ queryKey: known.snapshots });
    },
  });
}

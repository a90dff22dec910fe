// The questions about groups, silences, maintenance windows, and who is told of what.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { answer, api } from './client';
import { useRefreshInterval } from './live';
import type { CreateSilence, Document, EventType, ExplainRequest, ExplainWish, Group, GroupPage, Maintenance, SilenceWish } from './model';
import { newsKeys } from './news';

/** `-` is how addresses write the hub itself. */
export const HUB = '-';

export interface HandlerAddress {
  project: string | null | undefined;
  group: string;
  handler: string;
}

/** The names of the projects that the session sees. */
export function useProjectNames(): string[] {
  const { data } = useQuery({
    queryKey: newsKeys.projects,
    staleTime: 60_000,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/projects', { signal })),
  });
  return data?.projects.map((project) => project.name) ?? [];
}

export function useGroups() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: newsKeys.groups,
    refetchInterval,
    queryFn: ({ signal }): Promise<GroupPage> => answer(api.GET('/api/v1/groups', { signal })),
  });
}

export function useEnableHandler() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ project, group, handler }: HandlerAddress) =>
      answer(api.POST('/api/v1/groups/{project}/{name}/handlers/{handler}/enable', {
        params: { path: { project: project ?? HUB, name: group, handler } },
      })),
    onSettled: () => client.invalidateQueries({ queryKey: newsKeys.groups }),
  });
}

/** Tests a handler, or each of a group when none is named. */
export function useTestSend() {
  return useMutation({
    mutationFn: ({ project, group, handler, type }: { project: string | null | undefined; group: string; handler: string | null; type: EventType | null }) =>
      answer(api.POST('/api/v1/notifications/test', { body: { group, ...(project == null ? {} : { project }), ...(handler === null ? {} : { handler }), ...(type === null ? {} : { type }) } })),
  });
}

/** What a handler would make of an event; asked again only when something else is asked. */
export function usePreview({ project, group, handler }: HandlerAddress, event: string | undefined) {
  return useQuery({
    queryKey: newsKeys.preview({ project, group, handler, event }),
    enabled: event !== undefined,
    staleTime: Infinity,
    queryFn: ({ signal }) =>
      answer(api.POST('/api/v1/notifications/preview', { body: { ...(project == null ? {} : { project }), group, handler, event: event ?? '' }, signal })),
  });
}

/** The latest entries of the inbox, as events to choose from. */
export function useRecentEvents(project: string | null | undefined) {
  return useQuery({
    queryKey: [...newsKeys.inbox, 'recent', project ?? null],
    staleTime: 60_000,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/inbox', { params: { query: { limit: 100, ...(project == null ? {} : { project }) } }, signal })),
  });
}

export function useExplain(request: ExplainWish | null) {
  return useQuery({
    queryKey: newsKeys.explain(request ?? {}),
    enabled: request !== null,
    queryFn: ({ signal }) => answer(api.POST('/api/v1/notifications/explain', { body: request as ExplainRequest, signal })),
  });
}

export function useSilences(over: boolean) {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: [...newsKeys.silences, over],
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/silences', { params: { query: over ? { over } : {} }, signal })),
  });
}

/** The same `key` makes one silence, however often the request is sent. */
export function useAddSilence() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ silence, key }: { silence: SilenceWish; key: string }) =>
      answer(api.POST('/api/v1/silences', { params: { header: { 'Idempotency-Key': key } }, body: silence as CreateSilence })),
    onSuccess: () => client.invalidateQueries({ queryKey: newsKeys.silences }),
  });
}

export function useEndSilence() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => answer(api.POST('/api/v1/silences/{id}/end', { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: newsKeys.silences }),
  });
}

export function useMaintenance() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: newsKeys.maintenance,
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/maintenance', { signal })),
  });
}

export function useRemoveMaintenance() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ project, name }: Pick<Maintenance, 'project' | 'name'>) => {
      const { error, response } = await api.DELETE('/api/v1/maintenance/{project}/{name}', { params: { path: { project: project ?? HUB, name } } });
      await answer(Promise.resolve({ error, response }));
    },
    onSettled: () => Promise.all([newsKeys.maintenance, newsKeys.silences].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}

export interface Declared {
  group?: Group[];
  maintenance?: Maintenance[];
}

/** Declares groups or windows: all of each that is named, and nothing else. With `dryRun` it is only said what would change. */
export function useApply() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ declared, dryRun }: { declared: Declared; dryRun: boolean }) =>
      answer(api.POST('/api/v1/apply', { params: { query: { 'dry-run': dryRun } }, body: declared as Document })),
    onSuccess: (_, { dryRun }) =>
      dryRun ? undefined : Promise.all([newsKeys.groups, newsKeys.maintenance, newsKeys.silences].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}

/** Switches a handler on or off by declaring its group with that one thing changed, as the group is at this moment. */
export function useSwitchHandler() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ project, group, handler, enabled }: HandlerAddress & { enabled: boolean }) => {
      const now = await fetchGroup(project, group);
      const changed = { ...now, handler: (now.handler ?? []).map((each) => (each.name === handler ? { ...each, enabled } : each)) };
      return answer(api.POST('/api/v1/apply', { body: { group: [changed] } as Document }));
    },
    onSettled: () => client.invalidateQueries({ queryKey: newsKeys.groups }),
  });
}

/** One group as it is declared at this moment. */
export function fetchGroup(project: string | null | undefined, name: string): Promise<Group> {
  return answer(api.GET('/api/v1/groups/{project}/{name}', { params: { path: { project: project ?? HUB, name } } }));
}

export function usePlugins() {
  return useQuery({
    queryKey: newsKeys.plugins,
    staleTime: 60_000,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/plugins', { signal })),
  });
}

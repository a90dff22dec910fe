// The questions about the inbox: entries page by page, how many are unread, marks, buttons and mute rules.
import { keepPreviousData, type QueryClient, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { type InboxSearch, toInboxQuery } from '../inbox/search';
import { AUTO_REFRESH_PAGES } from './cache';
import { answer, api } from './client';
import { useRefreshInterval } from './live';
import type { Inbox, InboxEntry, MuteRule, MuteWish } from './model';
import { newsKeys } from './news';

const PAGE = 50;
/** As many as the hub marks by one request. */
const MARK = 1_000;

export function useInbox(search: InboxSearch) {
  const refetchInterval = useRefreshInterval();
  return useInfiniteQuery({
    queryKey: newsKeys.inboxList(search),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      answer(api.GET('/api/v1/inbox', {
        params: { query: { ...toInboxQuery(search), limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } }, signal,
      })),
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > AUTO_REFRESH_PAGES ? false : refetchInterval),
  });
}

export function useInboxCounts() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: newsKeys.inboxCounts,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/inbox/counts', { signal })),
    refetchInterval,
  });
}

export function useInboxEntry(seq: number) {
  const client = useQueryClient();
  const refetchInterval = useRefreshInterval();
  return useQuery<InboxEntry>({
    queryKey: newsKeys.inboxEntry(seq),
    queryFn: ({ signal }) => answer(api.GET('/api/v1/inbox/{seq}', { params: { path: { seq } }, signal })),
    refetchInterval,
    placeholderData: (): InboxEntry | undefined => {
      for (const [, data] of client.getQueriesData<{ pages: Inbox[] }>({ queryKey: newsKeys.inboxLists })) {
        const found = data?.pages.flatMap((page) => page.entries).find((entry) => entry.seq === seq);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  });
}

/** Shows entries as read or not at once, before the hub has answered. */
function patchRead(client: QueryClient, seqs: ReadonlySet<number>, read: boolean): void {
  const patch = (entry: InboxEntry) => (seqs.has(entry.seq) && entry.read !== read ? { ...entry, read } : entry);
  client.setQueriesData<{ pages: Inbox[]; pageParams: unknown[] }>({ queryKey: newsKeys.inboxLists }, (data) =>
    data && { ...data, pages: data.pages.map((page) => ({ ...page, entries: page.entries.map(patch) })) },
  );
  for (const seq of seqs) client.setQueryData<InboxEntry>(newsKeys.inboxEntry(seq), (entry) => entry && patch(entry));
}

export interface MarkOne {
  seqs: number[];
  read: boolean;
}

/** Marks some entries. Lists keep them in their place until they are asked for again. */
export function useMarkEntries() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (mark: MarkOne) => answer(api.POST('/api/v1/inbox/mark', { body: mark })),
    onMutate: ({ seqs, read }) => patchRead(client, new Set(seqs), read),
    // An answer that was under way when it was marked may have come since.
    onSuccess: (_, { seqs, read }) => patchRead(client, new Set(seqs), read),
    onError: () => client.invalidateQueries({ queryKey: newsKeys.inbox }),
    onSettled: () => client.invalidateQueries({ queryKey: newsKeys.inboxCounts }),
  });
}

/** Marks everything that the filters let pass, a thousand at a time; `onStep` hears how many that were so far. */
export function useMarkFiltered() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ search, read, onStep }: { search: InboxSearch; read: boolean; onStep: (done: number) => void }) => {
      const query = toInboxQuery(search);
      let changed = 0;
      let cursor: string | null = null;
      do {
        const page: Inbox = await answer(api.GET('/api/v1/inbox', {
          params: { query: { ...query, ...(read ? { unread: true } : {}), limit: MARK, ...(cursor === null ? {} : { cursor }) } },
        }));
        const seqs = page.entries.map((entry) => entry.seq);
        if (seqs.length > 0) changed += (await answer(api.POST('/api/v1/inbox/mark', { body: { seqs, read } }))).changed;
        onStep(changed);
        cursor = page.next ?? null;
      } while (cursor !== null);
      return changed;
    },
    onSettled: () => client.invalidateQueries({ queryKey: newsKeys.inbox }),
  });
}

/** Marks every entry up to the newest that was seen as read, whatever the filters. */
export function useMarkAllRead() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (until: number) => answer(api.POST('/api/v1/inbox/read', { params: { query: { until } } })),
    onSettled: () => client.invalidateQueries({ queryKey: newsKeys.inbox }),
  });
}

export interface UseButton {
  seq: number;
  kind: string;
  target: string;
}

/** Uses a button of an entry. What it did shows beside it, on the incident and among the tasks. */
export function useAct() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ seq, kind, target }: UseButton) =>
      answer(api.POST('/api/v1/inbox/{seq}/act', { params: { path: { seq } }, body: { kind, target } })),
    onSettled: () => Promise.all([
      client.invalidateQueries({ queryKey: newsKeys.inbox }),
      client.invalidateQueries({ queryKey: newsKeys.incidents }),
    ]),
  });
}

export function useMutes() {
  return useQuery({
    queryKey: newsKeys.mutes,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/inbox/mutes', { signal })),
  });
}

export function useAddMute() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (rule: MuteWish) => answer(api.POST('/api/v1/inbox/mutes', { body: rule as MuteRule })),
    onSuccess: () => client.invalidateQueries({ queryKey: newsKeys.inbox }),
  });
}

export function useRemoveMute() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (number: number) => {
      const { error, response } = await api.DELETE('/api/v1/inbox/mutes/{number}', { params: { path: { number } } });
      await answer(Promise.resolve({ error, response }));
    },
    onSettled: () => client.invalidateQueries({ queryKey: newsKeys.inbox }),
  });
}

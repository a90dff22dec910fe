// The questions about messages: lists, one with its attempts, sending again.
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { type MessageSearch, toMessageQuery } from '../notifications/messageSearch';
import { AUTO_REFRESH_PAGES } from './cache';
import { answer, api } from './client';
import type { Message } from './model';
import { newsKeys } from './news';

/** Nothing tells of a message that was delivered, so what is under way is asked for. */
const UNDER_WAY_MS = 3_000;
const SETTLED_MS = 15_000;

const underWay = (message: Pick<Message, 'state'>) => message.state === 'pending' || message.state === 'sending';

export function useMessages(search: MessageSearch) {
  return useInfiniteQuery({
    queryKey: newsKeys.messageList(search),
    initialPageParam: { cursor: null as string | null, since: undefined as string | undefined },
    queryFn: async ({ pageParam, signal }) => {
      const query = { ...toMessageQuery(search, Date.now()), limit: 50 };
      if (pageParam.since !== undefined) query.since = pageParam.since;
      const page = await answer(api.GET('/api/v1/messages', { params: { query: { ...query, ...(pageParam.cursor === null ? {} : { cursor: pageParam.cursor }) } }, signal }));
      return { ...page, since: query.since };
    },
    getNextPageParam: (last) => (last.next == null ? undefined : { cursor: last.next, since: last.since }),
    placeholderData: keepPreviousData,
    refetchInterval: (query) => {
      const pages = query.state.data?.pages ?? [];
      if (pages.length > AUTO_REFRESH_PAGES) return false;
      return pages.some((page) => page.messages.some(underWay)) ? UNDER_WAY_MS : SETTLED_MS;
    },
  });
}

export function useMessage(id: string) {
  return useQuery({
    queryKey: newsKeys.message(id),
    queryFn: ({ signal }) => answer(api.GET('/api/v1/messages/{id}', { params: { path: { id } }, signal })),
    refetchInterval: (query) => (query.state.data === undefined || underWay(query.state.data.message) ? UNDER_WAY_MS : false),
  });
}

export function useReplay() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => answer(api.POST('/api/v1/messages/{id}/replay', { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: newsKeys.messages }),
  });
}

export type ReplayFilter = Pick<MessageSearch, 'project' | 'group' | 'handler' | 'since'>;

/** How many dead letters a filter lets pass, those that were sent again before among them. */
export function useDeadCount(filter: ReplayFilter, enabled: boolean) {
  return useQuery({
    queryKey: [...newsKeys.messages, 'dead', filter],
    enabled,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/messages', { params: { query: { ...toMessageQuery({ ...filter, state: 'dead' }, Date.now()), limit: 1 } }, signal })),
  });
}

export function useReplayAll() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (filter: ReplayFilter) => answer(api.POST('/api/v1/messages/replay', { params: { query: toMessageQuery(filter, Date.now()) } })),
    onSettled: () => client.invalidateQueries({ queryKey: newsKeys.messages }),
  });
}

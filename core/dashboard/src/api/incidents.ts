// The questions about incidents.
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { type IncidentSearch, toIncidentQuery } from '../incidents/search';
import { AUTO_REFRESH_PAGES } from './cache';
import { answer, api } from './client';
import { useRefreshInterval } from './live';
import { newsKeys } from './news';

export function useIncidents(search: IncidentSearch) {
  const refetchInterval = useRefreshInterval();
  return useInfiniteQuery({
    queryKey: newsKeys.incidentList(search),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      answer(api.GET('/api/v1/incidents', {
        params: { query: { ...toIncidentQuery(search), limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } }, signal,
      })),
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > AUTO_REFRESH_PAGES ? false : refetchInterval),
  });
}

export function useIncident(id: string) {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: newsKeys.incident(id),
    queryFn: ({ signal }) => answer(api.GET('/api/v1/incidents/{id}', { params: { path: { id } }, signal })),
    refetchInterval,
  });
}

/** The incidents that an event joined: the project's, and the hub's for who sees it. */
export function useIncidentsOf(event: string | undefined) {
  return useQuery({
    queryKey: newsKeys.incidentsOf(event ?? ''),
    enabled: event !== undefined,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/incidents', { params: { query: { event: event ?? '', limit: 10 } }, signal })),
  });
}

export interface Word {
  id: string;
  comment: string;
}

const said = (comment: string) => ({ comment: comment.trim() === '' ? null : comment.trim() });

/** `acknowledge` says that somebody sees to it, `close` that it is over. */
export function useIncidentAction(action: 'acknowledge' | 'close') {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, comment }: Word) => {
      const options = { params: { path: { id } }, body: said(comment) };
      return answer(action === 'acknowledge'
        ? api.POST('/api/v1/incidents/{id}/acknowledge', options)
        : api.POST('/api/v1/incidents/{id}/close', options));
    },
    onSettled: () => Promise.all([
      client.invalidateQueries({ queryKey: newsKeys.incidents }),
      client.invalidateQueries({ queryKey: newsKeys.inbox }),
    ]),
  });
}

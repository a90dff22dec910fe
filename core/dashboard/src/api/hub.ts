// The questions the pages ask about the hub as a whole: status, workers, incidents, statistics.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { answer, api } from './client';
import { useRefreshInterval } from './live';
import { known } from './pages';

export function useStatus() {
  const refetchInterval = useRefreshInterval();
  return useQuery({ queryKey: known.status, refetchInterval, queryFn: ({ signal }) => answer(api.GET('/api/v1/status', { signal })) });
}

/** Workers die without an event, so they are asked for every 5 s at most. */
export function useWorkers() {
  const refetchInterval = Math.min(useRefreshInterval(), 5_000);
  return useQuery({ queryKey: known.workers, refetchInterval, queryFn: ({ signal }) => answer(api.GET('/api/v1/workers', { signal })) });
}

/** Trouble that lasts, whether somebody sees to it or not. */
export function useOpenIncidents() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: known.incidents,
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/incidents', { params: { query: { state: 'open,acknowledged', limit: 200 } }, signal })),
  });
}

export interface StatisticsQuery {
  since: string;
  until?: string;
  bucket: 'none' | 'hour' | 'day' | 'week';
  by?: 'job' | 'datastore';
  type?: string;
  project?: string;
  job?: string;
  datastore?: string;
}

export function useStatistics(query: StatisticsQuery, enabled = true) {
  return useQuery({
    queryKey: [...known.statistics, query],
    enabled,
    staleTime: 30_000,
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/statistics', { params: { query: { ...query } }, signal })),
  });
}

export function usePauseScheduler() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (pause: boolean) => answer(pause ? api.POST('/api/v1/scheduler/pause') : api.POST('/api/v1/scheduler/resume')),
    onSettled: () => {
      for (const queryKey of [known.status, known.jobs]) void client.invalidateQueries({ queryKey });
    },
  });
}

/** Copies of the hub's own state, for who may make them. */
export function useHubBackups(enabled: boolean) {
  return useQuery({ queryKey: ['hub-backups'], enabled, queryFn: ({ signal }) => answer(api.GET('/api/v1/hub/backup', { signal })) });
}

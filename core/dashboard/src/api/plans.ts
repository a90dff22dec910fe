// What would be: the next runs of a job that is not applied yet, and what retention rules would keep and remove.
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';

import { answer, api } from './client';
import type { Job, PlanPrune } from './model';

/** So long nothing is typed before the hub is asked. */
const PAUSE_MS = 450;

/** Null asks nothing. Keys are texts: each letter makes other objects of the same content. */
function usePlan<Wish, Answer>(what: string, wish: Wish | null, ask: (wish: Wish, signal: AbortSignal) => Promise<Answer>) {
  const [key] = useDebouncedValue(wish === null ? null : JSON.stringify(wish), PAUSE_MS);
  const plan = useQuery({
    queryKey: ['plans', what, key],
    enabled: key !== null && wish !== null,
    staleTime: 30_000,
    gcTime: 60_000,
    retry: false,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => ask(JSON.parse(key ?? 'null') as Wish, signal),
  });
  return { ...plan, asked: wish !== null };
}

export function usePlannedRuns(job: Job | null) {
  return usePlan('runs', job, (wish: Job, signal) => answer(api.POST('/api/v1/plans/runs', { body: { job: wish, limit: 10 }, signal })));
}

export function usePlannedPrune(plan: PlanPrune | null) {
  return usePlan('prune', plan, (body: PlanPrune, signal) => answer(api.POST('/api/v1/plans/prune', { body, signal })));
}

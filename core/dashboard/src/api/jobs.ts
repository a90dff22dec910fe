// The questions the pages ask about jobs, and what can be done to one.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { keys } from './cache';
import { answer, api } from './client';
import { useRefreshInterval } from './live';
import type { Job } from './model';
import { known } from './pages';

export const jobsKey = ['jobs', 'list'] as const;

/** Every job that the session sees, each with its next five runs and its newest task. */
export function useJobs() {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: jobsKey,
    refetchInterval,
    queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/jobs', { signal }))).jobs,
  });
}

/** One job with its next ten runs. */
export function useJob(project: string, name: string) {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: ['jobs', 'detail', project, name],
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/jobs/{project}/{name}', { params: { path: { project, name } }, signal })),
  });
}

const LAST = 12;

/** The newest tasks of a job. */
export function useJobTasks(project: string, name: string) {
  const refetchInterval = useRefreshInterval();
  return useQuery({
    queryKey: ['jobs', 'tasks', project, name],
    refetchInterval,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/tasks', { params: { query: { project, job: name, limit: LAST } }, signal })),
  });
}

interface OneJob {
  project: string;
  name: string;
}

/** Runs a job now. `key` makes a request that is sent twice start one task. */
export function useRunJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ project, name, full, key }: OneJob & { full: boolean; key: string }) =>
      answer(api.POST('/api/v1/jobs/{project}/{name}/run', { params: { path: { project, name }, header: { 'Idempotency-Key': key } }, body: { full } })),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.tasks });
      void client.invalidateQueries({ queryKey: known.jobs });
    },
  });
}

/** Pauses a job, or lets it go on. */
export function usePauseJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ project, name, pause }: OneJob & { pause: boolean }) => {
      const params = { path: { project, name } };
      await answer<unknown>(pause ? api.POST('/api/v1/jobs/{project}/{name}/pause', { params }) : api.POST('/api/v1/jobs/{project}/{name}/resume', { params }));
    },
    onSettled: () => client.invalidateQueries({ queryKey: known.jobs }),
  });
}

export function useRemoveJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ project, name }: OneJob) => {
      await answer<unknown>(api.DELETE('/api/v1/jobs/{project}/{name}', { params: { path: { project, name } } }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: jobsKey }),
  });
}

/** Checks the declaration of a job, or makes it so. */
export function useApplyJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ job, dryRun }: { job: Job; dryRun: boolean }) =>
      answer(api.POST('/api/v1/apply', { params: { query: { 'dry-run': dryRun } }, body: { project: [], datastore: [], group: [], maintenance: [], job: [job] } })),
    onSuccess: (_, { dryRun }) => (dryRun ? undefined : client.invalidateQueries({ queryKey: known.jobs })),
  });
}

/** Names to choose from in the editor. */
export function useGroupNames(project: string) {
  return useQuery({
    queryKey: ['jobs', 'groups', project],
    enabled: project !== '',
    staleTime: 30_000,
    queryFn: async ({ signal }) => {
      const { groups } = await answer(api.GET('/api/v1/groups', { params: { query: { project } }, signal }));
      return groups.filter((group) => group.project === project).map((group) => group.name);
    },
  });
}

export function useProjects() {
  return useQuery({
    queryKey: ['jobs', 'projects'],
    staleTime: 30_000,
    queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/projects', { signal }))).projects,
  });
}

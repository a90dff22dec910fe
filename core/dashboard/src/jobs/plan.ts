// What the editor asks the hub to plan, of a draft that may not be complete, and the answer in words.
import type { Job, PlannedRuns, PlannedSnapshot, PlanPrune } from '../api/model';
import { type Draft, toJob } from './draft';

/** The job as far as its runs depend on it; null when there is nothing to plan. Names are not looked up, so that others will do. */
export function runsOf(draft: Draft): Job | null {
  if (draft.schedule.trim() === '' || draft.project.trim() === '') return null;
  const { name, owner, ...job } = toJob(draft);
  return {
    project: job.project, name: name === '' ? 'new' : name, owner: owner === '' ? 'nobody@local' : owner, enabled: true, schedule: job.schedule ?? null, blackout: job.blackout ?? [],
    'randomized-delay': job['randomized-delay'] ?? null, missed: draft.missed, overlap: draft.overlap, ...(job.timezone === undefined ? {} : { timezone: job.timezone }), task: { type: 'gc', datastore: 'any' },
  };
}

/** What the job would remove; null while no datastore is chosen. */
export function pruneOf(draft: Draft): PlanPrune | null {
  const { task } = toJob(draft);
  if (task.type !== 'prune' || task.datastore === '') return null;
  const prune: PlanPrune['prune'] = { datastore: task.datastore, timezone: task.timezone ?? 'UTC' };
  if (task.namespace !== undefined) prune.namespace = task.namespace;
  if (task.groups !== undefined) prune.groups = task.groups;
  if (task.keep !== undefined) prune.keep = task.keep;
  return { prune, project: draft.project.trim() === '' ? null : draft.project.trim() };
}

/** What comes after the last of the runs; null when it is nothing unusual. */
export function afterRuns({ runs, left_out, endless }: PlannedRuns): string | null {
  const out = left_out === 0 ? '' : `${left_out === 1 ? 'One time is' : `${left_out} times are`} left out for a blackout window. `;
  if (endless) return `${out}Nothing begins ${runs.length === 0 ? 'at all' : 'after this'}: the blackout windows do not end.`;
  if (runs.length === 0) return `${out}No run is to come.`;
  return out === '' ? null : out.trim();
}

export const WHY: Record<PlannedSnapshot['why'], string> = {
  last: 'one of the last',
  hourly: 'the newest of its hour',
  daily: 'the newest of its day',
  weekly: 'the newest of its week',
  monthly: 'the newest of its month',
  yearly: 'the newest of its year',
  protected: 'is protected',
  'newest-unfinished': 'the newest, if unfinished',
  'no-rules': 'there is no rule',
  'no-rule-keeps': 'no rule keeps it',
  unfinished: 'is unfinished',
};

/** `vm/12345` of `store:vm/12345/2026-05-21T00:00:00Z`, with its namespace. */
export function workloadOf(reference: string): string {
  return reference.slice(reference.indexOf(':') + 1).replace(/\/[^/]*$/, '');
}

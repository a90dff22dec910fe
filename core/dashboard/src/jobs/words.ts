// What a job does and how it goes about it, in words. Pure functions of its declaration.
import type { Job, JobView, Keep, TaskSpec } from '../api/model';
import { scheduleInWords } from '../format/schedule';

/** What is read and what is written, as its tasks will show it. */
export function routeOf(task: TaskSpec): { source: string | null; target: string | null } {
  switch (task.type) {
    case 'backup': {
      const namespace = task.namespace ?? '';
      return { source: task.source.tree, target: `${task.datastore}:${namespace === '' ? '' : `ns/${namespace}/`}${task['backup-type'] ?? 'host'}/${task['backup-id']}` };
    }
    case 'restore':
      return { source: task.snapshot, target: task.to };
    case 'sync': {
      const url = task.from.remote?.url;
      return { source: url === undefined ? task.from.datastore : `${url}:${task.from.datastore}`, target: task.to };
    }
    case 'verify':
      return { source: null, target: task.snapshot == null ? task.datastore : `${task.datastore}:${task.snapshot}` };
    case 'gc':
    case 'prune':
      return { source: null, target: task.datastore };
  }
}

/** The datastores that a task works on. */
export function datastoresOf(task: TaskSpec): string[] {
  switch (task.type) {
    case 'sync':
      return task.from.remote == null ? [task.from.datastore, task.to] : [task.to];
    case 'restore':
      return [task.snapshot.split(':')[0] ?? ''];
    default:
      return [task.datastore];
  }
}

/** When it runs: `every 5 minutes`, `after mail-nightly`, `by hand only`. */
export function whenOf(job: Pick<Job, 'schedule' | 'after'>): string {
  if (job.schedule != null) return scheduleInWords(job.schedule) ?? job.schedule;
  return job.after == null ? 'by hand only' : `after ${job.after}`;
}

const OVERLAP = { queue: 'the next run waits', skip: 'the next run is left out', 'cancel-old': 'the run before is cancelled' } as const;

export function overlapInWords(job: Job): string {
  return OVERLAP[job.overlap ?? 'queue'];
}

export function missedInWords(job: Job): string {
  return `${(job.missed ?? 'run-once') === 'skip' ? 'left out' : 'made up for by one run'}; told after ${job.grace ?? '15m'}`;
}

export function retriesInWords(job: Job): string {
  const retries = job.retries ?? 0;
  return retries === 0 ? 'none' : `${retries}, the first after ${job['retry-delay'] ?? '1m'}, each further one after twice as long`;
}

const RULES: readonly (keyof Keep)[] = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'];

/** `the last 3, 7 daily and 4 weekly`; null when everything is kept. */
export function keepInWords(keep: Keep | undefined): string | null {
  const parts = RULES.flatMap((rule) => {
    const count = keep?.[rule] ?? null;
    return count === null || count === 0 ? [] : [rule === 'last' ? `the last ${count}` : `${count} ${rule}`];
  });
  const last = parts.at(-1);
  if (last === undefined) return null;
  return parts.length === 1 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
}

/** How a job stands, for a filter. */
export type Standing = 'failed' | 'warning' | 'ok' | 'running' | 'paused' | 'never';

export const STANDINGS: readonly { value: Standing; label: string }[] = [
  { value: 'failed', label: 'last run failed' },
  { value: 'warning', label: 'last run warned' },
  { value: 'ok', label: 'last run OK' },
  { value: 'running', label: 'running or queued' },
  { value: 'paused', label: 'paused' },
  { value: 'never', label: 'never ran' },
];

/** Every standing that fits: a paused job can have failed. */
export function standingsOf({ job, last }: JobView): Standing[] {
  const out: Standing[] = job.enabled === false ? ['paused'] : [];
  if (last == null) out.push('never');
  else if (last.state === 'failed' || last.state === 'warning' || last.state === 'ok') out.push(last.state);
  else if (last.state === 'running' || last.state === 'queued') out.push('running');
  return out;
}

export interface JobFilter {
  project?: string;
  type?: string;
  state?: string;
  text?: string;
}

/** Whether a job passes; words are joined by commas, and text may be in any part that the list shows. */
export function passes(view: JobView, filter: JobFilter): boolean {
  const { job } = view;
  const among = (value: string, wanted: string | undefined) => wanted === undefined || wanted.split(',').includes(value);
  if (!among(job.project, filter.project) || !among(job.task.type, filter.type)) return false;
  if (filter.state !== undefined && !standingsOf(view).some((each) => among(each, filter.state))) return false;
  const text = filter.text?.toLowerCase();
  if (text === undefined) return true;
  const { source, target } = routeOf(job.task);
  return [job.name, job.project, job.owner, job.comment, job.schedule, source, target].some((each) => each?.toLowerCase().includes(text) ?? false);
}

// Where a sync goes from and to, and how far behind it is.
import type { JobView, Statistics, Task } from '../api/model';

export interface Replication {
  view: JobView;
  from: string;
  /** The other hub; null when both sides are here. */
  remote: { url: string; pinned: boolean } | null;
  to: string;
  /** What is copied, when it is not everything. */
  part: string | null;
}

/** The jobs that sync, by project and name. */
export function replications(views: readonly JobView[]): Replication[] {
  return views.flatMap((view) => {
    const { task } = view.job;
    if (task.type !== 'sync') return [];
    const { remote, datastore } = task.from;
    const groups = task.groups ?? [];
    const parts = [...(task.namespace == null ? [] : [`namespace ${task.namespace}`]), ...groups];
    return [{
      view, from: datastore, to: task.to, part: parts.length === 0 ? null : parts.join(', '),
      remote: remote == null ? null : { url: remote.url, pinned: remote.fingerprint != null },
    }];
  });
}

/** Milliseconds since a job last copied all that it was to; null when it is not known to have. The last run that ended well is
 * what counts: one that runs, or failed, leaves the copy as it was. */
export function lagOf(lastGood: Task | undefined, now: number): number | null {
  const begun = lastGood?.started ?? lastGood?.queued;
  return begun == null ? null : Math.max(0, now - Date.parse(begun));
}

/** The newest task of each job that ended well, by project and job. */
export function lastGoodByJob(tasks: readonly Task[]): Map<string, Task> {
  const out = new Map<string, Task>();
  for (const task of tasks) {
    const key = `${task.project ?? ''}/${task.job ?? ''}`;
    if ((task.state === 'ok' || task.state === 'warning') && !out.has(key)) out.set(key, task);
  }
  return out;
}

const DAY_MS = 86_400_000;
const SPAN = /^(\d+)\s*([smhdw])$/;
const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** Whether a copy is older than its job allows; jobs without a bound are never behind. */
export function isBehind(view: JobView, lag: number | null): boolean {
  const found = SPAN.exec(view.job['recovery-point'] ?? '');
  return found !== null && (lag === null || lag > Number(found[1]) * (UNITS[found[2] ?? ''] ?? 0));
}

/** What a job moved within the statistics. */
export function movedBy(statistics: Statistics | undefined, view: JobView): number | null {
  const part = statistics?.parts.find((each) => each.job === view.job.name && each.project === view.job.project);
  return statistics === undefined ? null : (part?.figures.sums.bytes ?? 0);
}

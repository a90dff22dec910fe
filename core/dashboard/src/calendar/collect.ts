// What happened and will happen on each day: tasks by state, planned runs, missed runs. Pure functions of the answers.
import type { InboxEntry, JobView, Task, TaskState } from '../api/model';
import { dayOf } from './days';

export interface PlannedRun {
  project: string;
  job: string;
  type: Task['type'];
  begins: string;
  held: boolean;
}

export interface MissedRuns {
  seq: number;
  project: string;
  job: string;
  time: string;
  count: number;
  title: string;
}

export interface DayEntry {
  day: string;
  counts: Record<TaskState, number>;
  /** All in all. */
  tasks: number;
  /** The only task, where there is one. */
  only: Task | null;
  planned: PlannedRun[];
  missed: MissedRuns[];
}

/** Worst first: what a cell tells when it can tell one thing only. */
export const STATES = ['failed', 'warning', 'cancelled', 'running', 'queued', 'ok'] as const satisfies readonly TaskState[];

export function emptyDay(day: string): DayEntry {
  return { day, counts: { failed: 0, warning: 0, cancelled: 0, running: 0, queued: 0, ok: 0 }, tasks: 0, only: null, planned: [], missed: [] };
}

/** When a task stands in the calendar: when it began, or, while it waits, when it was queued. */
export function timeOf(task: Task): string {
  return task.started ?? task.queued;
}

export function plannedOf(jobs: readonly JobView[], now: number): PlannedRun[] {
  return jobs
    .flatMap(({ job, next }) =>
      next
        .filter((run) => run.upid == null && Date.parse(run.begins) >= now)
        .map((run): PlannedRun => ({ project: job.project, job: job.name, type: job.task.type, begins: run.begins, held: run.held_by != null })),
    )
    .sort((a, b) => a.begins.localeCompare(b.begins));
}

/** The events that tell of runs that nobody started in time. */
export function missedOf(entries: readonly InboxEntry[]): MissedRuns[] {
  return entries.flatMap(({ seq, title, event }): MissedRuns[] => {
    const { job, project } = event.data;
    if (job == null || project == null) return [];
    return [{ seq, project, job: job.name, time: job.scheduled_for ?? event.time, count: Math.max(1, job.missed), title }];
  });
}

export interface Happened {
  tasks: readonly Task[];
  planned: readonly PlannedRun[];
  missed: readonly MissedRuns[];
  /** Runs by the hour they ended in, where there are too many tasks to list. */
  good?: readonly { start: string; runs: number }[];
}

/** Everything by the day of `zone` on which it stands. */
export function collect({ tasks, planned, missed, good }: Happened, zone: string): Map<string, DayEntry> {
  const days = new Map<string, DayEntry>();
  const at = (time: string) => {
    const day = dayOf(time, zone);
    let entry = days.get(day);
    if (entry === undefined) days.set(day, (entry = emptyDay(day)));
    return entry;
  };
  for (const task of tasks) {
    const entry = at(timeOf(task));
    entry.counts[task.state] += 1;
    entry.only = entry.tasks === 0 ? task : null;
    entry.tasks += 1;
  }
  for (const { start, runs } of good ?? []) {
    if (runs === 0) continue;
    const entry = at(start);
    entry.counts.ok += runs;
    entry.tasks += runs;
    entry.only = null;
  }
  for (const run of planned) at(run.begins).planned.push(run);
  for (const run of missed) at(run.time).missed.push(run);
  return days;
}

export type Worst = 'failed' | 'warning' | 'missed' | 'running' | 'ok' | 'quiet';

/** The one thing that a day's colour tells. */
export function worstOf(entry: DayEntry): Worst {
  if (entry.counts.failed > 0) return 'failed';
  if (entry.missed.length > 0) return 'missed';
  if (entry.counts.warning > 0) return 'warning';
  if (entry.counts.running > 0) return 'running';
  return entry.counts.ok > 0 ? 'ok' : 'quiet';
}

const WORDS: Record<TaskState, string> = { failed: 'FAILED', warning: 'WARNING', cancelled: 'CANCELLED', running: 'running', queued: 'queued', ok: 'OK' };

/** How many jobs missed runs. A run that is late is told, and told again among all that were missed once the scheduler is
 * back, so that runs cannot be counted by what was told. */
export function missedJobs(entry: DayEntry): number {
  return new Set(entry.missed.map((run) => `${run.project}/${run.job}`)).size;
}

/** `2 FAILED, 14 OK, 1 job missed runs, 3 planned`; `nothing` on an empty day. */
export function inWords(entry: DayEntry): string {
  const parts = STATES.flatMap((state) => (entry.counts[state] === 0 ? [] : [`${entry.counts[state]} ${WORDS[state]}`]));
  const missed = missedJobs(entry);
  if (missed > 0) parts.push(`${missed} ${missed === 1 ? 'job' : 'jobs'} missed runs`);
  if (entry.planned.length > 0) parts.push(`${entry.planned.length} planned`);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

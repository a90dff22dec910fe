// Which answers an event makes old, beside those about tasks, and asking for them again without haste.
import type { QueryClient, QueryKey } from '@tanstack/react-query';

/** Keys of everything that is known beside tasks. Those of one subject begin alike. */
export const known = {
  jobs: ['jobs'] as const,
  jobList: ['jobs', 'list'] as const,
  job: ['jobs', 'detail'] as const,
  jobTasks: ['jobs', 'tasks'] as const,
  datastores: ['datastores'] as const,
  snapshots: ['snapshots'] as const,
  status: ['status'] as const,
  workers: ['workers'] as const,
  incidents: ['incidents'] as const,
  calendar: ['calendar'] as const,
  statistics: ['statistics'] as const,
};

const OF_JOBS = [known.jobList, known.job, known.jobTasks] as const;

/** What an event of this type may have changed. */
export function staleAfter(type: string): readonly QueryKey[] {
  const [subject = '', what = ''] = type.replace(/^ironcore\./, '').split('.');
  switch (subject) {
    case 'task':
      return what === 'queued' || what === 'started'
        ? [...OF_JOBS, known.status, known.workers, known.calendar]
        : [...OF_JOBS, known.status, known.workers, known.calendar, known.incidents, known.datastores, known.snapshots, known.statistics];
    case 'snapshot':
    case 'sync':
      return [known.snapshots, known.incidents];
    case 'job':
      return [known.jobs, known.calendar, known.incidents];
    case 'datastore':
      return [known.datastores, known.incidents];
    case 'worker':
    case 'system':
      return [known.workers, known.status, known.incidents];
    case 'scheduler':
      return [known.status, known.jobs, known.workers, known.incidents];
    case 'config':
      return [known.jobs, known.datastores];
    default:
      return [known.incidents];
  }
}

/** Long answers are asked for more seldom than short ones: a busy night has many events. */
const SLOW = new Set([known.jobList, known.calendar, known.statistics, known.datastores].map((key) => key.join('/')));
const SHORT_MS = 1_500;
const LONG_MS = 10_000;

/** Collects what is old, and asks for it again a while after the first news of it. Only what a page shows is asked for; the
 * rest is asked for when it is shown. */
export function refreshSlowly(client: QueryClient): { tell: (type: string) => void; stop: () => void } {
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  return {
    tell: (type) => {
      for (const queryKey of staleAfter(type)) {
        const id = queryKey.join('/');
        if (timers.has(id)) continue;
        const refresh = () => {
          timers.delete(id);
          void client.invalidateQueries({ queryKey });
        };
        timers.set(id, setTimeout(refresh, SLOW.has(id) ? LONG_MS : SHORT_MS));
      }
    },
    stop: () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}

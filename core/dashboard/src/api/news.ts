// Which answers an event makes old, beside those about tasks, and asking for them again without haste.
import type { QueryClient, QueryKey } from '@tanstack/react-query';

/** Keys of everything that is known beside tasks. Those of one subject begin alike. */
export const known = {
  jobs: ['jobs'] as const,
  datastores: ['datastores'] as const,
  snapshots: ['snapshots'] as const,
  status: ['status'] as const,
  workers: ['workers'] as const,
  incidents: ['incidents'] as const,
  calendar: ['calendar'] as const,
  statistics: ['statistics'] as const,
};

/** What an event of this type may have changed. */
export function staleAfter(type: string): readonly QueryKey[] {
  const [subject = '', what = ''] = type.replace(/^ironcore\./, '').split('.');
  switch (subject) {
    case 'task':
      return what === 'queued' || what === 'started'
        ? [known.jobs, known.status, known.workers, known.calendar]
        : [known.jobs, known.status, known.workers, known.calendar, known.incidents, known.datastores, known.snapshots, known.statistics];
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

/** Collects what is old and asks for it again `ms` after the first news, so that a busy night asks seldom. Only what a
 * page shows is asked for; the rest is asked for when it is shown. */
export function refreshSlowly(client: QueryClient, ms: number): { tell: (type: string) => void; stop: () => void } {
  const old = new Map<string, QueryKey>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const flush = () => {
    timer = null;
    const keys = [...old.values()];
    old.clear();
    for (const queryKey of keys) void client.invalidateQueries({ queryKey });
  };
  return {
    tell: (type) => {
      for (const key of staleAfter(type)) old.set(key.join('/'), key);
      timer ??= setTimeout(flush, ms);
    },
    stop: () => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

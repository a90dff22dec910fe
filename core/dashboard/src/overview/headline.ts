// The one headline of the dashboard: all protected, or what needs attention, worst first. A pure function of the answers.
import type { Datastore, HubStatus, Incident, JobView, WorkerList } from '../api/model';

export interface Concern {
  kind: 'failed' | 'warning';
  text: string;
  /** Where it is seen to. */
  to: { page: '/workers' } | { page: '/jobs'; search: Record<string, string> } | { page: '/snapshots/$datastore' | '/datastores/$name'; name: string } | { page: '/jobs/$project/$name'; project: string; name: string } | null;
}

export interface Known {
  jobs: readonly JobView[];
  incidents: readonly Incident[];
  datastores: readonly Datastore[];
  status: HubStatus;
  workers: WorkerList;
}

function names(all: readonly string[]): string {
  const some = all.slice(0, 3).join(', ');
  return all.length > 3 ? `${some} and ${all.length - 3} more` : some;
}

const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

function ofHub({ status, workers }: Known): Concern[] {
  const out: Concern[] = [];
  const online = workers.workers.filter((worker) => worker.state === 'online');
  const lost = workers.workers.filter((worker) => worker.state !== 'online');
  const to = { page: '/workers' } as const;
  if (online.length === 0) out.push({ kind: 'failed', text: 'No worker is online: nothing runs', to });
  else if (lost.length > 0) out.push({ kind: 'warning', text: `${counted(lost.length, 'worker is', 'workers are')} not heard of: ${names(lost.map((worker) => worker.node))}`, to });
  const idle = status.services.filter((service) => service.state === 'offline').map(({ service }) => service);
  if (idle.length > 0) out.push({ kind: 'failed', text: `Nobody does ${names(idle)}`, to });
  if (status.scheduler_paused != null) out.push({ kind: 'warning', text: 'The scheduler is paused: no job begins by itself', to });
  return out;
}

/** The incidents that are told in words of their own; the causes are those of the hub's document on incidents. */
function ofIncidents({ incidents, jobs, datastores }: Known): Concern[] {
  const out: Concern[] = [];
  const others: Incident[] = [];
  const overdue: { project: string; name: string }[] = [];
  const failing = new Set(jobs.filter(({ last }) => last?.state === 'failed').map(({ job }) => `${job.project}/${job.name}`));
  const offline = new Set(datastores.filter(({ online }) => !online).map(({ name }) => name));
  for (const incident of incidents) {
    const [kind = '', first = '', second = ''] = incident.cause.split('/');
    if (kind === 'datastore' && second === 'verification') out.push({ kind: 'failed', text: `${first} has damaged snapshots`, to: { page: '/snapshots/$datastore', name: first } });
    else if (kind === 'space-low') out.push({ kind: 'warning', text: `Little space is left for ${first}`, to: { page: '/datastores/$name', name: first } });
    else if (kind === 'overdue') overdue.push({ project: first, name: second });
    // The jobs' last results, the datastores' state, the workers and the scheduler are told already.
    else if (kind === 'job' && failing.has(`${first}/${second}`)) continue;
    else if (kind === 'datastore' && offline.has(first)) continue;
    else if (kind === 'worker' || kind === 'scheduler') continue;
    else others.push(incident);
  }
  const only = overdue.length === 1 ? overdue[0] : undefined;
  if (overdue.length > 0) {
    out.push({
      kind: 'warning',
      text: `${counted(overdue.length, 'job is', 'jobs are')} overdue: ${names(overdue.map(({ name }) => name))}`,
      to: only === undefined ? { page: '/jobs', search: {} } : { page: '/jobs/$project/$name', ...only },
    });
  }
  for (const incident of others) out.push({ kind: incident.severity === 'error' ? 'failed' : 'warning', text: incident.title, to: null });
  return out;
}

/** What needs attention, worst first and each thing once. */
export function concernsOf(known: Known): Concern[] {
  const { jobs, datastores } = known;
  const out = ofHub(known);
  for (const { name } of datastores.filter(({ online }) => !online)) out.push({ kind: 'failed', text: `${name} is offline`, to: { page: '/datastores/$name', name } });
  const failed = jobs.filter(({ last }) => last?.state === 'failed').map(({ job }) => job);
  const only = failed.length === 1 ? failed[0] : undefined;
  if (failed.length > 0) {
    out.push({
      kind: 'failed',
      text: `The last run of ${failed.length === 1 ? '' : `${failed.length} jobs `}failed: ${names(failed.map(({ name }) => name))}`.replace('of failed:', 'of a job failed:'),
      to: only === undefined ? { page: '/jobs', search: { state: 'failed' } } : { page: '/jobs/$project/$name', project: only.project, name: only.name },
    });
  }
  out.push(...ofIncidents(known));
  const seen = new Set<string>();
  return out
    .filter(({ text }) => !seen.has(text) && seen.add(text))
    .sort((a, b) => Number(a.kind === 'warning') - Number(b.kind === 'warning'));
}

/** What is said when nothing needs attention. */
export function calm({ jobs }: Pick<Known, 'jobs'>): { title: string; text: string; empty: boolean } {
  if (jobs.length === 0) return { title: 'Nothing is protected yet', text: 'There is no job. The first one protects the first workload.', empty: true };
  const never = jobs.filter(({ last }) => last == null).length;
  const paused = jobs.filter(({ job }) => job.enabled === false).length;
  const ended = (state: string) => jobs.filter(({ last }) => last?.state === state).length;
  const notes = [
    ...(ended('warning') > 0 ? [`${ended('warning')} with warnings`] : []),
    ...(ended('cancelled') > 0 ? [`${ended('cancelled')} cancelled`] : []),
    ...(never > 0 ? [`${counted(never, 'job has', 'jobs have')} not run yet`] : []),
    ...(paused > 0 ? [`${counted(paused, 'is', 'are')} paused`] : []),
  ];
  return { title: 'All protected', text: `No last run of ${counted(jobs.length, 'job', 'jobs')} failed${notes.length > 0 ? `; ${notes.join(', ')}` : ''}.`, empty: false };
}

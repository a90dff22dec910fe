import { describe, expect, it } from 'vitest';

import type { Datastore, HubStatus, Incident, JobView, Task, Worker } from '../api/model';
import { calm, concernsOf, type Known } from './headline';

const worker = (state: Worker['state']) => ({ state, node: 'n1' }) as Worker;
const status = (part: Partial<HubStatus> = {}) => ({ services: [{ service: 'worker', state: 'online' }], ...part }) as HubStatus;
const job = (name: string, state?: Task['state'], enabled = true): JobView => ({
  job: { project: 'p', name, owner: 'o', enabled, task: { type: 'gc', datastore: 'd' } }, next: [], last: state === undefined ? null : ({ state } as Task),
});
const incident = (cause: string, severity: Incident['severity'] = 'error') => ({ cause, severity, title: `title of ${cause}` }) as Incident;
const known = (part: Partial<Known> = {}): Known => ({ jobs: [job('a', 'ok')], incidents: [], datastores: [], status: status(), workers: { workers: [worker('online')], queued: 0 }, ...part });
const texts = (part: Partial<Known>) => concernsOf(known(part)).map(({ text }) => text);

describe('the headline', () => {
  it('has nothing to say when all went well', () => {
    expect(concernsOf(known())).toEqual([]);
    expect(calm({ jobs: [job('a', 'ok'), job('b'), job('c', 'ok', false)] })).toEqual({ title: 'All protected', text: 'No last run of 3 jobs failed; 1 job has not run yet, 1 is paused.', empty: false });
    expect(calm({ jobs: [] }).title).toBe('Nothing is protected yet');
  });
  it('tells failed last runs once, not their incidents again', () => {
    expect(texts({ jobs: [job('a', 'failed')], incidents: [incident('job/p/a'), incident('job/p/b')] })).toEqual(['The last run of a job failed: a', 'title of job/p/b']);
    expect(texts({ jobs: ['a', 'b', 'c', 'd', 'e'].map((name) => job(name, 'failed')) })).toEqual(['The last run of 5 jobs failed: a, b, c and 2 more']);
  });
  it('tells damaged snapshots, overdue jobs and low space, errors first', () => {
    expect(texts({ incidents: [incident('overdue/p/a', 'warning'), incident('space-low/d', 'warning'), incident('datastore/d/verification')] })).toEqual([
      'd has damaged snapshots', 'Little space is left for d', '1 job is overdue: a',
    ]);
  });
  it('tells what the hub lacks', () => {
    expect(texts({ workers: { workers: [worker('lost')], queued: 3 } })).toEqual(['No worker is online: nothing runs']);
    expect(texts({ workers: { workers: [worker('online'), worker('lost')], queued: 3 } })).toEqual(['1 worker is not heard of: n1']);
    expect(texts({ status: status({ scheduler_paused: '2026-05-21T00:00:00Z' }), incidents: [incident('scheduler')] })).toEqual(['The scheduler is paused: no job begins by itself']);
    expect(texts({ datastores: [{ name: 'd', online: false } as Datastore], incidents: [incident('datastore/d/datastore.offline')] })).toEqual(['d is offline']);
  });
});

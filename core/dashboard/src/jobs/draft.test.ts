import { describe, expect, it } from 'vitest';

import type { Job } from '../api/model';
import { byField, emptyDraft, fromJob, toJob } from './draft';

const full: Job = {
  project: 'office', name: 'mail', owner: 'root@local', comment: 'x', enabled: false, schedule: '02:00', timezone: 'Europe/Berlin', after: null, 'randomized-delay': '5m',
  blackout: [{ from: 'mon 08:00', lasts: '10h' }], missed: 'skip', grace: '1h', overlap: 'cancel-old', retries: 2, 'retry-delay': '30s', timeout: '2h', 'warn-after': '1h', 'recovery-point': '26h',
  groups: ['oncall'], 'command-before': { run: ['dump', '--all'], 'on-failure': 'warn', timeout: '30m' }, 'command-after': null,
  task: { type: 'backup', datastore: 'd', namespace: 'n', source: { tree: '/srv', exclude: ['*.tmp'], optional: true }, 'backup-type': 'vm', 'backup-id': '7', full: true },
};

describe('the form of a job', () => {
  it('loses nothing on the way there and back', () => {
    expect(toJob(fromJob(full))).toEqual(full);
  });
  it.each<Job['task']>([
    { type: 'sync', from: { datastore: 'a', remote: { url: 'https://hub', 'token-secret': 's', fingerprint: null } }, to: 'b', namespace: '', groups: ['vm/1'] },
    { type: 'prune', datastore: 'd', namespace: '', keep: { last: 3, hourly: null, daily: 7, weekly: null, monthly: null, yearly: null }, timezone: 'UTC', groups: [], 'dry-run': false },
    { type: 'verify', datastore: 'd', depth: 'stored', again: true, namespace: null, snapshot: null },
    { type: 'gc', datastore: 'd', 'dry-run': true },
    { type: 'restore', snapshot: 'd:vm/1/2026-05-21T00:00:00Z', to: '/srv', overwrite: false, force: true },
  ])('keeps a task of type $type', (task) => expect(toJob(fromJob({ ...full, task })).task).toEqual(task));
  it('leaves what is empty to the hub', () => {
    const job = toJob(emptyDraft('p', 'o'));
    expect([job.schedule, job.grace, job.retries, job['retry-delay'], job['command-before']]).toEqual([null, undefined, undefined, undefined, null]);
  });
});

describe('faults', () => {
  it('find their fields, whatever the hub could read', () => {
    const faults = byField([
      { object: 'job/office/x', key: 'task.source.tree', code: 'config.invalid', detail: 'write an absolute path' },
      { key: 'job[0].retry-delay', code: 'request.invalid', detail: '"abc" is not a length of time at line 1 column 117' },
      { key: 'job[0].task', code: 'request.invalid', detail: 'bad id' },
    ]);
    expect([...faults]).toEqual([['task.source.tree', 'write an absolute path'], ['retry-delay', '"abc" is not a length of time'], ['task', 'bad id']]);
  });
});

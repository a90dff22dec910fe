import { describe, expect, it } from 'vitest';

import { emptyDraft } from './draft';
import { afterRuns, pruneOf, runsOf, workloadOf } from './plan';

const draft = emptyDraft('office', 'root@local');

describe('what the editor asks to be planned', () => {
  it('are the runs of a schedule, before the job has a name or a task', () => {
    expect(runsOf(draft)).toBeNull();
    expect(runsOf({ ...draft, schedule: ' 02:00 ', delay: '5m', enabled: false })).toMatchObject({ name: 'new', schedule: '02:00', 'randomized-delay': '5m', enabled: true, task: { type: 'gc' } });
  });
  it('is what a prune would do, in its project', () => {
    expect(pruneOf({ ...draft, datastore: 'd' })).toBeNull();
    expect(pruneOf({ ...draft, type: 'prune' })).toBeNull();
    const plan = pruneOf({ ...draft, type: 'prune', datastore: 'd', only: 'vm/1', keep: { ...draft.keep, daily: '7' } });
    expect(plan).toMatchObject({ project: 'office', prune: { datastore: 'd', groups: ['vm/1'], keep: { daily: 7, last: null } } });
    expect(plan?.prune).not.toHaveProperty('type');
  });
});

describe('what is planned, in words', () => {
  it('says why nothing more begins', () => {
    const run = { begins: '2026-05-21T02:00:00Z', ticks: 1, left_out: 0 };
    expect(afterRuns({ runs: [run], left_out: 0, endless: false })).toBeNull();
    expect(afterRuns({ runs: [], left_out: 3, endless: true })).toBe('3 times are left out for a blackout window. Nothing begins at all: the blackout windows do not end.');
    expect(afterRuns({ runs: [], left_out: 0, endless: false })).toBe('No run is to come.');
  });
  it('names the workload of a snapshot', () => {
    expect(workloadOf('d:vm/12345/2026-05-21T00:00:00Z')).toBe('vm/12345');
    expect(workloadOf('d:ns/a/b/host/web/2026-05-21T00:00:00Z')).toBe('ns/a/b/host/web');
  });
});

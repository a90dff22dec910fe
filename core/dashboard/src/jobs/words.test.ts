import { describe, expect, it } from 'vitest';

import type { Job, JobView, TaskSpec } from '../api/model';
import { datastoresOf, keepInWords, missedInWords, passes, retriesInWords, routeOf, standingsOf, whenOf } from './words';

const backup: TaskSpec = { type: 'backup', source: { tree: '/srv/mail' }, datastore: 'primary', namespace: 'a/b', 'backup-type': 'vm', 'backup-id': '7' };
const job: Job = { project: 'office', name: 'mail', owner: 'root@local', schedule: '02:00', task: backup };
const view = (part: Partial<JobView>): JobView => ({ job, next: [], ...part });

describe('a job in words', () => {
  it('says what it reads and writes', () => {
    expect(routeOf(backup)).toEqual({ source: '/srv/mail', target: 'primary:ns/a/b/vm/7' });
    const sync: TaskSpec = { type: 'sync', from: { datastore: 'x', remote: { url: 'https://hub', 'token-secret': 't' } }, to: 'y' };
    expect(routeOf(sync)).toEqual({ source: 'https://hub:x', target: 'y' });
    expect([datastoresOf(sync), datastoresOf(backup)]).toEqual([['y'], ['primary']]);
  });
  it('says when', () => {
    expect([whenOf(job), whenOf({ after: 'mail' }), whenOf({}), whenOf({ schedule: 'odd ~ thing' })]).toEqual(['at 02:00 every day', 'after mail', 'by hand only', 'odd ~ thing']);
  });
  it('says how it goes', () => {
    expect([missedInWords(job), retriesInWords(job), retriesInWords({ ...job, retries: 2 })]).toEqual(['made up for by one run; told after 15m', 'none', '2, the first after 1m, each further one after twice as long']);
  });
  it('says what is kept', () => {
    expect([keepInWords({ last: 3, daily: 7, weekly: 4 }), keepInWords({ yearly: 1 }), keepInWords({}), keepInWords({ daily: 0 })]).toEqual(['the last 3, 7 daily and 4 weekly', '1 yearly', null, null]);
  });
});

describe('the filter of jobs', () => {
  it('goes by project, type, standing and text', () => {
    expect([passes(view({}), {}), passes(view({}), { project: 'office,x', type: 'backup', text: 'SRV' }), passes(view({}), { type: 'gc' }), passes(view({}), { state: 'failed' })]).toEqual([true, true, false, false]);
  });
  it('knows that a paused job never ran', () => {
    expect(standingsOf(view({ job: { ...job, enabled: false } }))).toEqual(['paused', 'never']);
  });
});

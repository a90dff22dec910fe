import { describe, expect, it } from 'vitest';

import type { JobView, Task } from '../api/model';
import { isBehind, lagOf, lastGoodByJob, replications } from './words';

const view = (name: string, task: object, rest: object = {}) => ({ job: { project: 'acme', name, owner: 'a@local', task, ...rest }, next: [] }) as unknown as JobView;
const task = (job: string, state: string, started: string) => ({ project: 'acme', job, state, started, queued: started }) as unknown as Task;
const now = Date.parse('2026-05-21T10:00:00Z');

describe('replication', () => {
  it('is every job that syncs, with the hub that it asks', () => {
    const found = replications([
      view('backup', { type: 'backup' }),
      view('mirror', { type: 'sync', from: { datastore: 'one' }, to: 'two', groups: ['vm/1', 'vm/2'], namespace: 'ns' }),
      view('remote', { type: 'sync', from: { datastore: 'main', remote: { url: 'https://x:8007', fingerprint: 'ab' } }, to: 'two' }),
    ]);
    expect(found.map(({ view: { job }, from, to, part, remote }) => [job.name, from, to, part, remote])).toEqual([
      ['mirror', 'one', 'two', 'namespace ns, vm/1, vm/2', null], ['remote', 'main', 'two', null, { url: 'https://x:8007', pinned: true }],
    ]);
  });
  it('lags by the last run that ended well, not by one that failed since', () => {
    const good = lastGoodByJob([task('a', 'failed', '2026-05-21T09:00:00Z'), task('a', 'ok', '2026-05-21T07:00:00Z'), task('a', 'ok', '2026-05-20T07:00:00Z'), task('b', 'running', '2026-05-21T09:00:00Z')]);
    expect([lagOf(good.get('acme/a'), now), lagOf(good.get('acme/b'), now)]).toEqual([3 * 3_600_000, null]);
  });
  it('is behind when its job says so, and never without a bound', () => {
    const bound = view('a', { type: 'sync' }, { 'recovery-point': '2h' });
    expect([isBehind(bound, 3 * 3_600_000), isBehind(bound, 3_600_000), isBehind(bound, null), isBehind(view('a', {}), null)]).toEqual([true, false, true, false]);
  });
});

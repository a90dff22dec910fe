import { describe, expect, it } from 'vitest';

import type { Snapshot } from '../api/model';
import { lastGood, pathOf, toTree } from './tree';

const snapshot = (id: string, time: string, verification: Snapshot['verification'] = null, namespace = ''): Snapshot => ({
  snapshot: `d:host/${id}/${time}`, datastore: 'd', namespace, type: 'host', id, time, readable: true, trusted: true, protected: false, verification,
});

describe('the tree of snapshots', () => {
  it('goes by namespace, type and id, and counts what is bad', () => {
    const tree = toTree([snapshot('b', '3', 'CORRUPT'), snapshot('a', '2', 'OK', 'n'), snapshot('b', '1', 'STALE'), snapshot('a', '1', 'MISSING')]);
    expect(tree.map(({ key, bad, stale, newest }) => [key, bad, stale, newest.time])).toEqual([['host/a', 1, 0, '1'], ['host/b', 1, 1, '3'], ['ns/n/host/a', 0, 0, '2']]);
  });
  it('finds the last good one of the same workload', () => {
    const bad = snapshot('a', '4', 'CORRUPT');
    const all = [bad, snapshot('a', '5', 'OK'), snapshot('a', '3', 'STALE'), snapshot('a', '1', 'OK'), snapshot('a', '2', 'OK'), snapshot('b', '3', 'OK')];
    expect(lastGood(all, bad)?.time).toBe('2');
    expect(lastGood([bad], bad)).toBeNull();
  });
  it('takes references apart', () => expect(pathOf('ibs-primary:ns/a/vm/1/2026-05-21T00:00:00Z')).toBe('ns/a/vm/1/2026-05-21T00:00:00Z'));
});

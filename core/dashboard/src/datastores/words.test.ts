import { describe, expect, it } from 'vitest';

import type { Datastore, FillDate, UsageHistory } from '../api/model';
import { daysLeft, dedupOf, fillInWords, formatRatio, roomOf } from './words';

const usage = (fill: FillDate) => ({ datastore: 'd', fill: '', samples: [], projection: { fill } }) as UsageHistory;
const store = (part: Partial<NonNullable<Datastore['usage']>>): Datastore => ({ name: 'd', keep_verified: '30d', online: true, projects: [], usage: { logical_bytes: 0, snapshots: 0, ...part } });

describe('the fill date in words', () => {
  it('tells a date, never, or that too little is known', () => {
    expect(fillInWords(usage({ kind: 'at', at: '2026-09-01T04:00:00Z' }))?.short).toBe('2026-09-01');
    expect(fillInWords(usage({ kind: 'never', because: 'not-growing' }))).toEqual({ short: 'never', why: 'it does not grow' });
    expect(fillInWords(usage({ kind: 'not-enough-history', samples: 1, samples_needed: 3, span: '1h', span_needed: '2d' }))?.short).toBe('not enough history');
    expect(fillInWords(undefined)).toBeNull();
  });
  it('counts the days', () => expect([daysLeft(usage({ kind: 'at', at: '2026-09-03T00:00:00Z' }), Date.parse('2026-09-01T12:00:00Z')), daysLeft(undefined, 0)]).toEqual([2, null]));
});

describe('the room of a datastore', () => {
  it('is that of where it lies, when it is known', () => {
    expect(roomOf(store({ free_bytes: 25, total_bytes: 100 }))).toEqual({ used: 75, free: 25, total: 100, part: 0.75 });
    expect([roomOf(store({})), roomOf(store({ free_bytes: 5, total_bytes: null }))]).toEqual([null, null]);
  });
  it('has a deduplication ratio while there is something in it', () => {
    expect([dedupOf(store({ logical_bytes: 345, stored_bytes: 100 })), dedupOf(store({ stored_bytes: 650 }))]).toEqual([3.45, null]);
    expect([formatRatio(3.447), formatRatio(120.4)]).toEqual(['3.45 : 1', '120 : 1']);
  });
});

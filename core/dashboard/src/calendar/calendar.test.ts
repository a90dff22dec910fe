import { describe, expect, it } from 'vitest';

import type { InboxEntry, JobView, Task } from '../api/model';
import { collect, emptyDay, inWords, missedOf, plannedOf, worstOf } from './collect';
import { addDays, dayName, dayOf, mondayOf, monthDays, monthName, monthStart, startOf, weekDays } from './days';
import { readCalendarSearch } from './routes';

describe('days', () => {
  it('belong to a zone', () => {
    expect([dayOf('2026-05-20T23:30:00Z', 'Europe/Berlin'), dayOf('2026-05-20T23:30:00Z', 'UTC')]).toEqual(['2026-05-21', '2026-05-20']);
    expect([startOf('2026-05-21', 'Europe/Berlin'), startOf('2026-10-26', 'Europe/Berlin')]).toEqual(['2026-05-20T22:00:00Z', '2026-10-25T23:00:00Z']);
  });
  it('make weeks that begin on Monday', () => {
    expect([mondayOf('2026-05-21'), mondayOf('2026-05-24'), weekDays('2026-05-21').at(-1)]).toEqual(['2026-05-18', '2026-05-18', '2026-05-24']);
  });
  it('make months of whole weeks', () => {
    const may = monthDays('2026-05-21');
    expect([may[0], may.at(-1), may.length]).toEqual(['2026-04-27', '2026-05-31', 35]);
    expect(monthDays('2026-11-30').length).toBe(42);
    expect([monthStart('2026-01-31', -1), monthStart('2026-12-05', 1), addDays('2026-02-28', 1)]).toEqual(['2025-12-01', '2027-01-01', '2026-03-01']);
  });
  it('have names', () => expect([monthName('2026-05-21'), dayName('2026-05-21')]).toEqual(['May 2026', 'Thu 21 May 2026']));
});

const task = (started: string, state: Task['state']) => ({ upid: started, started, queued: started, state }) as Task;

describe('a calendar', () => {
  it('counts by day and state', () => {
    const days = collect({ tasks: [task('2026-05-20T23:30:00Z', 'ok'), task('2026-05-21T01:00:00Z', 'failed'), task('2026-05-22T01:00:00Z', 'ok')], planned: [], missed: [] }, 'Europe/Berlin');
    const day = days.get('2026-05-21') ?? emptyDay('');
    expect([day.tasks, day.only, worstOf(day), inWords(day)]).toEqual([2, null, 'failed', '1 FAILED, 1 OK']);
    expect(days.get('2026-05-22')?.only?.upid).toBe('2026-05-22T01:00:00Z');
  });
  it('adds what the statistics counted', () => {
    const days = collect({ tasks: [], planned: [], missed: [], good: [{ start: '2026-05-21T00:00:00Z', runs: 40 }, { start: '2026-05-21T01:00:00Z', runs: 0 }] }, 'UTC');
    expect(inWords(days.get('2026-05-21') ?? emptyDay(''))).toBe('40 OK');
  });
  it('plans what is to come and is not queued', () => {
    const run = { begins: '2026-05-21T10:00:00Z', ticks: 1, left_out: 0 };
    const view = { job: { project: 'p', name: 'j', owner: 'o', task: { type: 'gc', datastore: 'd' } }, next: [run, { ...run, begins: '2026-05-20T10:00:00Z' }, { ...run, upid: 'u' }] } as JobView;
    expect(plannedOf([view], Date.parse('2026-05-21T00:00:00Z')).map((each) => each.begins)).toEqual([run.begins]);
  });
  it('tells what was missed', () => {
    const entry = { seq: 1, title: 'late', event: { time: '2026-05-21T00:20:00Z', data: { project: 'p', job: { name: 'j', missed: 3, scheduled_for: '2026-05-21T00:00:00Z' } } } } as InboxEntry;
    const [missed] = missedOf([entry]);
    expect([missed?.time, missed?.count]).toEqual(['2026-05-21T00:00:00Z', 3]);
    expect(worstOf({ ...emptyDay('x'), missed: missed === undefined ? [] : [missed] })).toBe('missed');
  });
});

describe('the address of the calendar', () => {
  it('keeps what can be read', () => {
    expect(readCalendarSearch({ view: 'week', day: '2026-05-21', x: 1 })).toEqual({ view: 'week', day: '2026-05-21' });
    expect(readCalendarSearch({ view: 'month', day: '2026-99-21' })).toEqual({});
  });
});

import { describe, expect, it } from 'vitest';

import type { LogLine, Progress, Stage } from '../api/model';
import { countFilters, parseSearch, readSearch, resolveTime, stringifySearch, toCommand, toQuery } from './filters';
import { RateMeter, remainingMs, stageShare } from './rate';
import { appendLines, type TaskLog } from './useTaskLog';

const NOW = Date.parse('2026-05-21T12:00:00Z');

describe('filters', () => {
  it('come from the address in any case and order; what is unknown is dropped', () => {
    expect(readSearch({ type: 'sync, Backup,nonsense', status: 'failed,OK', since: '24h ago', until: 'whenever', user: '  ', text: 7 })).toEqual({
      type: 'backup,sync', status: 'FAILED,OK', since: '24h ago',
    });
  });
  it('make links that people can read, and that are read back', () => {
    const search = readSearch({ type: 'backup,sync', status: 'FAILED', since: '2026-05-21T00:00:00Z', user: 'sync@polystack!replication', text: 'a&b = ü' });
    const link = stringifySearch({ ...search });
    expect(link).toBe('?type=backup,sync&status=FAILED&since=2026-05-21T00:00:00Z&user=sync@polystack%21replication&text=a%26b+%3D+%C3%BC');
    expect(readSearch(parseSearch(link))).toEqual(search);
    expect(stringifySearch({})).toBe('');
  });
  it('resolve relative times against now', () => {
    expect(['1h ago', '24h', '7d ago', '90 m ago'].map((text) => resolveTime(text, NOW))).toEqual([
      '2026-05-21T11:00:00.000Z', '2026-05-20T12:00:00.000Z', '2026-05-14T12:00:00.000Z', '2026-05-21T10:30:00.000Z',
    ]);
    expect(['yesterday', '5', '2026-05-21', '2026-13-45T00:00:00Z'].map((text) => resolveTime(text, NOW))).toEqual([null, null, null, null]);
  });
  it('ask the API by state and absolute time', () => {
    expect(toQuery({ type: 'backup', status: 'FAILED,OK', since: '24h ago', job: 'nightly' }, NOW)).toEqual({
      type: 'backup', status: 'failed,ok', since: '2026-05-20T12:00:00.000Z', job: 'nightly',
    });
  });
  it('give the command of the product page', () => {
    expect(toCommand({ type: 'backup', status: 'FAILED', since: '24h ago' })).toBe("ironcore-backup task list --type backup --status FAILED --since '24h ago'");
    expect(toCommand({})).toBe('ironcore-backup task list');
  });
  it('are counted, a range once', () => {
    expect([countFilters({}), countFilters({ since: '1h ago', until: '2026-05-21T00:00:00Z', user: 'x' }), countFilters({ until: 'x' })]).toEqual([0, 2, 1]);
  });
});

const stage = (part: Partial<Stage>): Stage => ({ name: 'read', done: 0, total: null, unit: 'files', bytes: 0, bytes_total: null, started: null, ended: null, ...part });
const progress = (part: Partial<Stage>): Progress => ({ stages: [stage({ name: 'scan', ended: '2026-05-21T00:00:00Z' }), stage(part)] });

describe('progress', () => {
  it('goes by bytes, else by units, else is unknown', () => {
    expect(stageShare(stage({ bytes: 25, bytes_total: 100, done: 9, total: 10 }))).toBe(0.25);
    expect(stageShare(stage({ done: 9, total: 10 }))).toBe(0.9);
    expect(stageShare(stage({ done: 9 }))).toBeNull();
    expect(stageShare(stage({ bytes: 120, bytes_total: 100 }))).toBe(1);
    expect(stageShare(stage({ done: 0, total: 0, ended: '2026-05-21T00:00:00Z' }))).toBe(1);
  });
  it('has a rate from the last seconds only', () => {
    const meter = new RateMeter();
    expect(meter.rate()).toEqual({ bytes: null, units: null });
    for (let second = 0; second <= 60; second += 1) meter.add(second * 1000, progress({ bytes: second < 30 ? 0 : (second - 30) * 100, done: second }));
    expect(meter.rate()).toEqual({ bytes: 100, units: 1 });
  });
  it('measures anew in the next stage, and when counters go back', () => {
    const meter = new RateMeter();
    meter.add(0, progress({ bytes: 0 }));
    meter.add(1000, progress({ bytes: 500 }));
    meter.add(2000, progress({ name: 'write', bytes: 900 }));
    expect(meter.rate().bytes).toBeNull();
    meter.add(3000, progress({ name: 'write', bytes: 1000 }));
    expect(meter.rate().bytes).toBe(100);
    meter.add(4000, progress({ name: 'write', bytes: 10 }));
    expect(meter.rate().bytes).toBeNull();
  });
  it('tells what is left', () => {
    expect(remainingMs(stage({ bytes: 100, bytes_total: 600 }), { bytes: 100, units: null })).toBe(5000);
    expect(remainingMs(stage({ done: 5, total: 10 }), { bytes: 0, units: 1 })).toBe(5000);
    expect(remainingMs(stage({ done: 5, total: 10 }), { bytes: null, units: 0 })).toBeNull();
  });
});

describe('a log', () => {
  const lines = (...numbers: number[]): LogLine[] => numbers.map((line) => ({ line, time: '2026-05-21T00:00:00Z', level: 'info', text: `line ${line}` }));
  const empty: TaskLog = { lines: [], dropped: 0, known: false, done: false, error: new Error('before') };
  it('grows without gaps or repetitions', () => {
    const log = appendLines(appendLines(empty, lines(1, 2, 3), false), lines(2, 3, 4), true);
    expect(log).toMatchObject({ done: true, error: null, dropped: 0 });
    expect(log.lines.map((line) => line.line)).toEqual([1, 2, 3, 4]);
  });
  it('drops its beginning when it is too long', () => {
    const log = appendLines(appendLines(empty, lines(1, 2, 3), false, 3), lines(4, 5), false, 3);
    expect(log.lines.map((line) => line.line)).toEqual([3, 4, 5]);
    expect(log.dropped).toBe(2);
  });
});

import { describe, expect, it } from 'vitest';

import { exactBytes, formatBytes, formatRate } from './bytes';
import { describeTime, elapsed, formatDuration, formatTime, formatTimeAfter, fromZoned, offsetOf, toZoned } from './time';
import { logFileName, shellQuote, shortUpid } from './upid';

describe('bytes', () => {
  it('have three digits and the unit that fits', () => {
    const shown = [0, 1, 1023, 1024, 1536, 10_240, 1_048_575, 1_073_741_824, 5.5 * 2 ** 40, Number.MAX_SAFE_INTEGER].map(formatBytes);
    expect(shown).toEqual(['0 B', '1 B', '1023 B', '1.00 KiB', '1.50 KiB', '10.0 KiB', '1.00 MiB', '1.00 GiB', '5.50 TiB', '8.00 PiB']);
  });
  it('never show four digits where the next unit begins', () => {
    expect([99.96 * 1024, 9.996 * 1024, 1023.6 * 1024].map(formatBytes)).toEqual(['100 KiB', '10.0 KiB', '1.00 MiB']);
  });
  it('are exact in the tooltip', () => {
    expect([exactBytes(1), exactBytes(1_234_567)]).toEqual(['1 byte', '1,234,567 bytes']);
  });
  it('that are no amount are a dash', () => expect([formatBytes(NaN), formatBytes(-1)]).toEqual(['–', '–']));
  it('have a rate', () => expect(formatRate(88_290_100)).toBe('84.2 MiB/s'));
});

describe('times', () => {
  it('are written in the zone asked for', () => {
    expect(formatTime('2026-05-21T00:00:00Z', 'UTC')).toBe('2026-05-21 00:00:00');
    expect(formatTime('2026-05-21T22:30:00.123456Z', 'Europe/Berlin')).toBe('2026-05-22 00:30:00');
    expect(formatTime('2026-12-31T23:59:59Z', 'Asia/Kolkata')).toBe('2027-01-01 05:29:59');
  });
  it('do not repeat what the time before says', () => {
    const after = (text: string) => formatTimeAfter(text, '2026-12-30T20:00:00Z', 'UTC');
    expect(['2026-12-30T21:00:00Z', '2026-12-31T01:00:00Z', '2027-01-01T01:00:00Z'].map(after)).toEqual(['21:00:00', '12-31 01:00:00', '2027-01-01 01:00:00']);
  });
  it('know the offset on both sides of a change', () => {
    expect(offsetOf(new Date('2026-03-29T00:59:59Z'), 'Europe/Berlin')).toBe('+01:00');
    expect(offsetOf(new Date('2026-03-29T01:00:00Z'), 'Europe/Berlin')).toBe('+02:00');
    expect(offsetOf(new Date(0), 'UTC')).toBe('+00:00');
  });
  it('are read back from a field in the same zone', () => {
    expect(fromZoned('2026-05-21T02:00', 'Europe/Berlin')).toBe('2026-05-21T00:00:00Z');
    expect(fromZoned('2026-01-01T00:00', 'America/New_York')).toBe('2026-01-01T05:00:00Z');
    expect(fromZoned('2026-03-29T03:00', 'Europe/Berlin')).toBe('2026-03-29T01:00:00Z');
    expect(fromZoned('soon', 'UTC')).toBeNull();
    expect(toZoned('2026-05-21T00:00:00Z', 'Europe/Berlin')).toBe('2026-05-21T02:00');
  });
  it('say all in the tooltip', () => {
    const now = Date.parse('2026-05-21T03:05:00Z');
    expect(describeTime('2026-05-21T00:00:00Z', 'Europe/Berlin', now)).toBe('2026-05-21 02:00:00 +02:00 · 3 h 5 min ago');
    expect(describeTime('2026-05-21T03:05:02Z', 'UTC', now)).toContain('just now');
  });
  it('have lengths of two units', () => {
    expect([0, 400, 45_000, 200_000, 3_600_000, 7_500_000, 356_400_000].map(formatDuration)).toEqual(['0 s', '< 1 s', '45 s', '3 min 20 s', '1 h', '2 h 5 min', '4 d 3 h']);
  });
  it('count up to now while there is no end', () => {
    expect(elapsed('2026-05-21T00:00:00Z', null, Date.parse('2026-05-21T00:00:10Z'))).toBe(10_000);
    expect(elapsed('2026-05-21T00:00:00Z', '2026-05-21T00:00:03Z', 0)).toBe(3_000);
    expect(elapsed(null, null, 0)).toBeNull();
  });
});

describe('UPIDs', () => {
  const upid = String.raw`UPID:hub1:0000C35B:00001F2A:000004D2:6A0E1180:backup:vm-12345\x2dx:sync@polystack!replication:`;
  it('are shown by the number of the task', () => expect([shortUpid(upid), shortUpid('short'), shortUpid('something else')]).toEqual(['000004D2', 'short', 'something e…']));
  it('make file names without separators', () => {
    expect(logFileName(upid)).toBe('UPID-hub1-0000C35B-00001F2A-000004D2-6A0E1180-backup-vm-12345-x2dx-sync@polystack-replication.log');
    expect(logFileName('///')).toBe('task.log');
  });
  it('are quoted for a shell', () => {
    expect(shellQuote(upid)).toBe(`'${upid}'`);
    expect([shellQuote('FAILED'), shellQuote('24h ago'), shellQuote("it's")]).toEqual(['FAILED', "'24h ago'", String.raw`'it'\''s'`]);
  });
});

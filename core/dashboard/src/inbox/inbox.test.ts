import { describe, expect, it } from 'vitest';

import { countsInWords, shortCount } from './counts';
import { ruleInWords } from './MutesPanel';
import { countInboxFilters, readInboxSearch, toInboxCommand, toInboxQuery } from './search';
import { stepFrom } from './useInboxKeys';

describe('filters of the inbox', () => {
  it('come from the address; what is unknown is dropped', () => {
    expect(readInboxSearch({ show: 'Unread', severity: 'loud', type: 'ironcore.task.failed, job.missed,x', job: ' db ', since: 'soon' })).toEqual({
      show: 'unread', type: 'task.failed,job.missed', job: 'db',
    });
  });
  it('ask the API', () => {
    expect(toInboxQuery({ show: 'unread', severity: 'warning', project: 'office' })).toEqual({ unread: true, min_severity: 'warning', project: 'office' });
    expect(toInboxQuery({ show: 'unacknowledged', severity: 'info' })).toEqual({ acknowledged: false, min_severity: 'warning' });
    expect(toInboxQuery({ show: 'unacknowledged', severity: 'error' })).toEqual({ acknowledged: false, min_severity: 'error' });
  });
  it('give the same command', () => {
    expect(toInboxCommand({ show: 'muted', type: 'task.failed', since: '24h ago' })).toBe("ironcore-backup inbox list --muted --type task.failed --since '24h ago'");
  });
  it('are counted, a range once, what is shown not', () => {
    expect(countInboxFilters({ show: 'unread', since: '1h ago', until: '2026-05-21T00:00:00Z', job: 'x' })).toBe(2);
  });
});

describe('counts', () => {
  const counts = { unread: 0, unread_capped: false, error: 0, warning: 0, notice: 0, info: 0 };
  it('are told by severity', () => {
    expect(countsInWords(counts)).toBe('nothing unread');
    expect(countsInWords({ ...counts, unread: 10_000, unread_capped: true, error: 1, warning: 2, info: 9_997 })).toBe('10,000+ unread: 1 error, 2 warnings, 9,997 info');
  });
  it('fit into a badge', () => expect([shortCount(7), shortCount(999), shortCount(1_000)]).toEqual(['7', '999', '999+']));
});

describe('keys', () => {
  it('begin at the first row and stay within the list', () => {
    expect([stepFrom(-1, -1, 3), stepFrom(0, 1, 3), stepFrom(2, 1, 3), stepFrom(0, -1, 3), stepFrom(-1, 1, 0)]).toEqual([0, 1, null, null, null]);
  });
});

describe('mute rules', () => {
  const none = { type: null, job: null, datastore: null, 'min-severity': null, until: null };
  it('are told in words', () => {
    expect(ruleInWords({ ...none, type: 'ironcore.task.completed' })).toBe('task.completed');
    expect(ruleInWords({ ...none, job: 'nightly', 'min-severity': 'error' })).toBe('everything of job nightly that matters less than error');
  });
});

import { describe, expect, it } from 'vitest';

import { countInboxFilters, readInboxSearch, toInboxCommand, toInboxQuery } from './search';

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

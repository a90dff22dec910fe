import { describe, expect, it } from 'vitest';

import { endingInWords, readMember } from './members';
import { readIncidentSearch, toIncidentCommand, toIncidentQuery } from './search';

describe('members', () => {
  it('are told by what they are', () => {
    expect(readMember('job/office/db-orders')).toEqual({ what: 'Job', name: 'office/db-orders', project: 'office', job: 'db-orders' });
    expect(readMember('snapshot/ibs-primary:host/web-01/2026-11-30T14:30:40Z')).toEqual({ what: 'Snapshot', name: 'ibs-primary:host/web-01/2026-11-30T14:30:40Z' });
    expect(readMember('work/office/verify//ibs-primary:host/web-01')).toEqual({ what: 'Work by hand', name: 'verify ibs-primary:host/web-01', project: 'office' });
    expect(readMember('moon')).toEqual({ what: '', name: 'moon' });
  });
  it('end for a reason', () => expect([endingInWords('closed'), endingInWords(null), endingInWords('x')]).toEqual(['closed by hand', '', 'x']));
});

describe('filters of incidents', () => {
  it('show those that last unless others are asked for', () => {
    expect(toIncidentQuery({})).toEqual({ state: 'open,acknowledged' });
    expect(toIncidentQuery(readIncidentSearch({ show: 'ENDED', project: 'office' }))).toEqual({ state: 'ended', project: 'office' });
    expect(toIncidentQuery(readIncidentSearch({ show: 'all' }))).toEqual({});
  });
  it('give the same command', () => {
    expect([toIncidentCommand({}), toIncidentCommand({ show: 'all' }), toIncidentCommand({ show: 'open', project: 'a b' })]).toEqual([
      'ironcore-backup incident list', 'ironcore-backup incident list --all', "ironcore-backup incident list --state open --project 'a b'",
    ]);
  });
});

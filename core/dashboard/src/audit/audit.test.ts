import { describe, expect, it } from 'vitest';

import { diffOf } from './diff';
import { countAuditFilters, readAuditSearch, toAuditCommand, toAuditQuery } from './search';
import { doneInWords, splitObject } from './words';

describe('the difference', () => {
  it('is what differs, and nothing else', () => {
    expect(diffOf({ name: null, email: 'a@b', enabled: true }, { name: 'Ann', email: 'a@b', enabled: false })).toEqual([
      { key: 'name', before: null, after: 'Ann' }, { key: 'enabled', before: 'yes', after: 'no' },
    ]);
    expect(diffOf({ a: 1 }, { a: 1 })).toEqual([]);
    expect(diffOf({ a: '', b: [] }, { a: null, b: null })).toEqual([]);
  });
  it('of lists is what came and what went, whatever the order', () => {
    expect(diffOf({ rights: ['prune', 'sync'] }, { rights: ['sync', 'verify'] })).toEqual([
      { key: 'rights', before: 'prune', after: null }, { key: 'rights', before: null, after: 'verify' },
    ]);
    expect(diffOf({ grants: [] }, { grants: [{ role: 'member', project: 'acme' }] })).toEqual([{ key: 'grants', before: null, after: 'role member, project acme' }]);
  });
  it('of what was made or removed is all that it holds', () => {
    expect(diffOf(null, { role: 'member', project: null, limits: { per: '1h' } })).toEqual([{ key: 'role', before: null, after: 'member' }, { key: 'limits.per', before: null, after: '1h' }]);
    expect(diffOf({ role: 'member' }, undefined)).toEqual([{ key: 'role', before: 'member', after: null }]);
    expect(diffOf(3, 'three')).toEqual([{ key: '', before: '3', after: 'three' }]);
  });
});

describe('the address', () => {
  it('says which changes', () => {
    const search = readAuditSearch({ user: ' a@local ', object: 'user/', since: '24h ago', until: 'soon', other: 'x' });
    expect(search).toEqual({ user: 'a@local', object: 'user/', since: '24h ago' });
    expect(countAuditFilters(search)).toBe(3);
    expect(toAuditQuery(search, Date.parse('2026-05-21T10:00:00Z'))).toEqual({ user: 'a@local', object: 'user/', since: '2026-05-20T10:00:00.000Z' });
    expect(toAuditCommand(search)).toBe("ironcore-backup audit list --user a@local --object user/ --since '24h ago'");
  });
  it('leads to what was changed', () => {
    expect(splitObject('token/a@local!x/y')).toEqual({ kind: 'token', name: 'a@local!x/y' });
    expect([doneInWords('token.revoked'), doneInWords('user.factor-set')]).toEqual(['revoked the token', 'user.factor-set']);
  });
});
